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
	bool either;                    /* on a hybrid host the controller may be version 2's: then v2_file there */
	char file[72];                  /* what v1_file and v2_file point at, where it was put together */
	char value[80];
};

/* Room for all that limits_more.h lets through, of one pod or app. */
enum { CGROUP_SETTINGS_MAX = 96 };

struct cgroup_settings {
	struct cgroup_setting v[CGROUP_SETTINGS_MAX];
	size_t n;
	bool devices;                   /* v1: the pod needs a group of the devices hierarchy */
};

void cgroup_settings_add(struct cgroup_settings *s, const struct plan_limits *l);
bool cgroup_settings_need(const struct cgroup_settings *s, enum cgroup_controller c);
const char *cgroup_v2_controller(enum cgroup_controller c);

/*
 * A pod with a user namespace can make no device node, and has those alone that Rocket makes in its /dev: a device
 * group adds something only where ids are the host's, or where a device is given with less than rwm.
 */
bool cgroup_must_limit_devices(const struct plan *p);
/* v1: the standard devices of an app and the plan's, nothing else (cgroup-v1/devices.rst). */
[[nodiscard]] int cgroup_allow_devices(int devices_fd, const struct plan *p, struct err *e);
