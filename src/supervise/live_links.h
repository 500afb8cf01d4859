/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a pod's links since its plan was made, as live.h has it for holes:
 *
 *   ID/links          changes that were kept (--keep): they hold for the next start, too
 *   status, "links"   all changes of this run
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "pod/plan.h"

struct live_link {
	char *link;     /* in the manifest's spelling: the key */
	bool removed;
};
struct live_links {
	LIST(struct live_link) changes;
};
extern const struct field_set live_link_set;

/* Replaces what is known of change->link. Copies into the arena. */
void live_link_note(struct arena *a, struct live_links *l, const struct live_link *change);
/* Brings plan->links up to date. What no longer parses or fits is passed over. */
void live_links_apply(struct arena *a, const struct live_links *l, struct plan *plan);
/* Adds a change to ID/links, synced. */
[[nodiscard]] int live_link_keep(int pod_fd, const struct live_link *change, struct err *e);
/* Applies ID/links, when there is one. */
[[nodiscard]] int live_links_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e);
