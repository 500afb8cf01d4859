/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an ordinary user may make control groups: the nearest group from his own process's upwards that was given to
 * him (cgroup-v2.rst, "Delegation") and that may have groups below it, since processes live in leaves alone. Version 1
 * can't be given to anybody. Runs on the host or in the user's half of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cgroup_delegation {
	bool found;
	char base[200];         /* below the hierarchy's root, without a slash at either end */
	char controllers[160];  /* " cpu memory pids ": what can be limited there; "" on a hybrid host */
};

void cgroup_delegation_find(struct cgroup_delegation *ret);
bool cgroup_delegation_has(const struct cgroup_delegation *d, const char *controller);
/* Why no limit can be enforced; NULL: some can. A text for `because:`. */
const char *cgroup_delegation_lack(const struct cgroup_delegation *d);
/* The command that brings one. A text for `try:`. */
const char *cgroup_delegation_remedy(void);
/* Where the calling process itself stands in the group that is to have groups below it, it goes into a leaf. 0 or -1. */
[[nodiscard]] int cgroup_delegation_make_room(const struct cgroup_delegation *d);
