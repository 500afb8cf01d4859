/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host id ranges of pods: 65 536 ids a pod, aligned. A slot is taken by making a symlink DIR/ids/SLOT -> pod
 * id, which is atomic and needs no lock; it is the pod's until its folder is gone. Ranges that /etc/subuid,
 * /etc/subgid or /etc/passwd claim are skipped (subuid(5)).
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "pod/plan.h"
#include "supervise/state.h"

/* Takes a free range of at least `count` ids (rounded up to whole slots, which then are neighbours). Root. */
[[nodiscard]] int ids_take(const struct state *s, const char *pod_id, uint32_t count, struct plan_ids *ret,
			   struct err *e);
/* Gives back every slot of the pod. */
void ids_release(const struct state *s, const char *pod_id);
