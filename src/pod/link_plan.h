/* SPDX-License-Identifier: Apache-2.0 */
/* Links of a plan that was made before: of a running pod, and kept for its next start. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "pod/plan.h"

/*
 * Adds a link with its way and its mounts; one that is there already is left alone (*ret_place says where it is).
 * ERR_NOT_FOUND: no such app or volume. ERR_USAGE: it contradicts another. An empty place in plan->links is used again.
 */
[[nodiscard]] int plan_add_link(struct arena *a, struct plan *p, const struct link *asked, size_t *ret_place,
				struct err *e);
/* Where the link with this text is; -1: nowhere. */
int plan_find_link(const struct plan *p, const char *text);
/* Takes it and its mounts out; its place stays, empty. */
void plan_remove_link(struct arena *a, struct plan *p, size_t place);
/* May it be made or taken away while its apps run? Else it waits for their next start. */
bool link_is_live(const struct link *l);
