/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the new mount namespace: attaching the prepared root and making it the only one. Runs between
 * clone and exec, as root of the pod's user namespace, in the app's pid, mount and cgroup namespaces.
 */
#pragma once

#include "base/err.h"
#include "boundary/root.h"

struct inside {
	const struct plan *plan;
	const struct plan_app *app;
	const struct app_root *root;
	bool cgroup_v2;         /* mount cgroup2 at /sys/fs/cgroup */
	int console_sock;       /* the terminal's master goes there; -1 without tty */
};

/* After it the process stands in "/" of the app's root. *ret_tty is the terminal's slave, or -1. */
[[nodiscard]] int inside_enter_root(const struct inside *in, int *ret_tty, struct err *e);
