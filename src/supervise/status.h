/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod is doing: a record that its supervisor rewrites in place, in RUN while it runs, beside its plan in the end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "supervise/live.h"
#include "supervise/live_links.h"
#include "supervise/state.h"

enum app_state { APP_WAITING, APP_STARTING, APP_RUNNING, APP_STOPPING, APP_BACKOFF, APP_EXITED, APP_PAUSED };
extern const char *const app_state_names[];

struct app_status {
	char *name;
	enum app_state state;
	int64_t pid;            /* in the host's pid namespace; 0 when it does not run */
	int64_t exit_code;      /* of its last end: 0..255, 128 + signal; -1 while it never ended */
	int64_t exit_signal;    /* the signal that ended it, or 0 */
	bool oom_killed;
	bool ready;             /* it runs, and its probes (if any) say that it serves */
	char *error;            /* why it could not be started */
	int64_t started_ns, finished_ns;
	uint32_t restarts;
	uint64_t log_dropped;   /* lines lost to a full disk */
};

struct pod_status {
	int64_t supervisor_pid;
	int64_t started_ns, finished_ns;
	int64_t exit_code;      /* of the pod by its exit rule; -1 while it runs */
	bool paused;
	LIST(struct app_status) apps;
	LIST(struct status_port { char *hole; uint32_t port; }) ports; /* what the kernel picked for PORT 0 */
	struct live_holes live; /* opened and closed since the start */
	struct live_links links; /* made and removed since the start */
};

extern const struct field_set pod_status_set;

/* While the pod runs. */
[[nodiscard]] int status_write(const struct state *s, const struct pod_dir *p, const struct pod_status *st, struct err *e);
/* The last word, into the pod's folder. */
[[nodiscard]] int status_finish(const struct state *s, const struct pod_dir *p, const struct pod_status *st,
				struct err *e);
[[nodiscard]] int status_read(const struct state *s, const struct pod_dir *p, struct arena *a, struct pod_status *ret,
			      struct err *e);
