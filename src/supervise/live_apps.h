/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps that were added to and taken from a pod since its plan was made (the plan itself is never rewritten, see live.h). They
 * are kept in ID/apps, so that the next start has them too; each change is also what `rocket app` sends to the supervisor.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "pod/plan.h"

struct app_change {
	char *remove;                    /* the app of this name is gone; or … */
	LIST(struct plan_app) apps;      /* … this one is new, */
	LIST(struct plan_volume) volumes; /* with what it brings along */
	LIST(struct plan_file) files;
	LIST(struct hole) holes;         /* all but in: and out:, which are opened by themselves (live.h) */
};
struct app_changes {
	LIST(struct app_change) changes;
};
extern const struct field_set app_change_set, app_changes_set;

/* Brings the plan up to date with one change. Copies nothing: the change lives as long as the plan. */
void app_change_apply(struct arena *a, const struct app_change *c, struct plan *plan);
/* Adds a change to ID/apps, synced. */
[[nodiscard]] int app_change_keep(int pod_fd, const struct app_change *c, struct err *e);
/* Applies ID/apps, when there is one. */
[[nodiscard]] int app_changes_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e);
