/* SPDX-License-Identifier: Apache-2.0 */
/* The control groups of a running pod's apps, for stats and top. Root, or the user whose groups they are. */
#pragma once

#include "boundary/cgroup.h"
#include "cli/pod_look.h"

struct pod_group {
	struct cgroup_host host;
	struct cgroup group;
};

/* The app's group. ERR_STATE when it has none because it does not run. */
[[nodiscard]] int pod_group_open(const struct pod_look *p, const char *app, struct pod_group *ret, struct err *e);
void pod_group_close(struct pod_group *g);
