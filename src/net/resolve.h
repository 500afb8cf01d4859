/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's resolver, from the supervisor's side: started with the first out: hole by name. It answers in the pod, at
 * 127.77.255.53, names that have a hole and no others, and lets the uplink open the wall for what it answers.
 */
#pragma once

#include "base/err.h"
#include "net/helper.h"
#include "pod/plan.h"

struct resolve_spawn_request {
	const struct plan *plan; /* its dns: servers to ask; none: the host's */
	int exe_fd;             /* rocket-resolve */
	int pod_pidfd;
	int empty_root_fd;
};

/*
 * Starts it and waits (at most 5 s) until it serves. *ret_uplink_fd: the uplink's end of their pair, the caller's to
 * hand over. Call on the host as root.
 */
[[nodiscard]] int resolve_spawn(const struct resolve_spawn_request *r, struct helper *ret, int *ret_uplink_fd,
				struct err *e);
