/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a running app, read from the host's own /proc: nothing of the image runs for it. */
#pragma once

#include "cli/pod_look.h"

struct process {
	const char *app, *command, *state;
	int64_t pid;            /* the host's */
	uint64_t inner_pid;     /* the app's own */
	uint64_t uid;           /* inside the pod */
	bool uid_known;
	uint64_t rss_bytes;
	uint64_t cpu_ns;        /* its own, and that of its children that were waited for */
};

struct processes {
	LIST(struct process) list;
};

/* Adds the app's; none when it has no group because it does not run. */
[[nodiscard]] int pod_process_list(struct arena *a, const struct pod_look *p, const char *app, struct processes *out,
				   struct err *e);
