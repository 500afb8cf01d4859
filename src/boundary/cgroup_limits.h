/* SPDX-License-Identifier: Apache-2.0 */
/* What the limits of a plan are called in cgroup v1 and v2, and the devices that a pod may use. */
#pragma once

#include <stdbool.h>

#include "boundary/cgroup.h"

/* One value for one file. */
struct cgroup_setting {
	enum cgroup_controller controller;
	const char *limit;              /* the plan's word, for messages */
	const char *v1_file, *v2_file;  /* NULL: another setting does it on that version */
	bool optional;                  /* a kernel without this file has nothing to limit */
	char value[64];
};

struct cgroup_settings {
	struct cgroup_setting v[16];
	size_t n;
};

void cgroup_settings_add(struct cgroup_settings *s, const struct plan_limits *l);
bool cgroup_settings_need(const struct cgroup_settings *s, enum cgroup_controller c);
const char *cgroup_v2_controller(enum cgroup_controller c);

/*
 * v1: the standard devices of an app and the plan's, nothing else (cgroup-v1/devices.rst). On v2 the
 * pod's user namespace does it: nobody in it can make a node, and Rocket makes only these.
 */
[[nodiscard]] int cgroup_allow_devices(int devices_fd, const struct plan *p, struct err *e);
