/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host id ranges of pods: 65 536 ids a pod, aligned. A slot is taken by making a symlink RUN/index/ids/SLOT ->
 * pod id, which is atomic and needs no lock; it is the pod's until its folder is gone. Ranges that /etc/subuid,
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
/* Gives back the slots of the pod; with count 0, as when it has no plan yet, those that are found. */
void ids_release(const struct state *s, const char *pod_id, const struct plan_ids *ids);
/* Gives back the slots of pods that are gone: who removed them was killed before the last step. For gc. */
void ids_sweep(const struct state *s);
/* Enters a pod's range into an index that is being made. 0 or -1 with errno. */
[[nodiscard]] int ids_index(int index_fd, const char *pod_id, const struct plan_ids *ids);
