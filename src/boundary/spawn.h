/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way into a boundary: an app's start, `enter`, hooks and build steps all come through here and
 * get the same ids, capabilities, filter, control group and root.
 *
 *   supervisor ─ clone3(VM|VFORK|FILES) ─▶ usher: enters the cgroups, rlimits, setns(2) into the pod
 *      ▲                                    └ clone3(PARENT …) ─▶ the process: inside.c, confine.c, exec
 *      └──────── its parent is the supervisor, not the usher ──────┘
 *
 * The usher is needed because the control groups are entered with the host's rights, which the process must
 * never have inside the pod, because namespaces must belong to the pod's user namespace, which only
 * who lives in it can make, and because setns into a process table moves only children.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "boundary/cgroup.h"
#include "boundary/root.h"
#include "boundary/sandbox.h"
#include "boundary/seccomp.h"
#include "pod/plan.h"

struct space;

struct spawn {
	const struct plan *plan;
	const struct plan_app *app;
	const struct cgroup_host *cgroup_host;
	const struct cgroup *cgroup;

	/* A start: the pod's namespaces and the root to enter. */
	int sandbox_pidfd;              /* the reaper's */
	const struct app_root *root;
	int pid_holder_pidfd;           /* the reaper of a shared pid namespace; -1: a new one, as its pid 1 */

	/* enter: a running process of the app, instead of the above; -1 for a start. */
	int enter_pidfd;

	/* What to run: the app's own unless set. */
	char *const *argv, *const *env;
	const char *workdir;
	bool has_user;
	uint32_t uid, gid;
	char *const *groups;

	const struct seccomp_program *seccomp; /* NULL: none */
	int stdio[3];
	bool tty;                       /* stdio[0] is a terminal to control (enter -t) */
	int console_sock;               /* a start with tty: gets the terminal's master; else -1 */

	/* An OCI container instead of a pod's app: namespaces, root and control groups come from there (space.h). */
	struct space *space;
};

struct spawned {
	pid_t pid;      /* in the caller's pid namespace, the caller's child */
	int pidfd;
	int status_fd;  /* until the exec: end of file is success */
};
#define SPAWNED_NONE { .pid = -1, .pidfd = -1, .status_fd = -1 }

/* ERR_FAILED also when the caller's program is within reach (own_exe.h). */
[[nodiscard]] int spawn_process(const struct spawn *s, struct spawned *ret, struct err *e);
/* A reaper as pid 1 of a new pid namespace inside the pod, for joined apps and `init: true`. */
[[nodiscard]] int spawn_reaper(const struct spawn *s, int exe_fd, int empty_root_fd, int hold_fd, struct spawned *ret,
			       struct err *e);
/* Waits until the process was executed, or says why not. */
[[nodiscard]] int spawn_wait_exec(struct spawned *p, struct err *e);
