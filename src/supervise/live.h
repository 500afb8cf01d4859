/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a pod's holes since its plan was made: opened and closed ones, the last word on each.
 *
 *   plan            what the pod was prepared with; never rewritten, for it is the pod's lock as well
 *   ID/holes        changes that were kept (--keep): they hold for the next start too
 *   status, "live"  all changes of this run
 *
 * A reader applies the kept ones (state_read_plan() does) and then those of the status.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "pod/plan.h"

struct live_hole {
	char *hole;             /* in its short form: the key */
	bool closed;
	char *why;
	int64_t until_ns;       /* closes by itself at this time of day; 0: it does not */
};

struct live_holes {
	LIST(struct live_hole) changes;
};
extern const struct field_set live_hole_set, live_holes_set;

/* Replaces what is known of change->hole. Copies into the arena. */
void live_note(struct arena *a, struct live_holes *l, const struct live_hole *change);
const struct live_hole *live_find(const struct live_holes *l, const char *hole);
/* Brings plan->holes up to date. An entry that no longer parses is passed over: a newer Rocket wrote it. */
void live_apply(struct arena *a, const struct live_holes *l, struct plan *plan);
/* Adds a change to ID/holes, synced. */
[[nodiscard]] int live_keep(int pod_fd, const struct live_hole *change, struct err *e);
/* Applies ID/holes, when there is one. */
[[nodiscard]] int live_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e);
