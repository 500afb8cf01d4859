/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's own namespaces and who holds them open: a reaper, pid 1 of the pod's outer pid namespace.
 *
 *   supervisor (host) ─ unshare(PID), clone3(USER|IPC|UTS) ─▶ unshare(NET) ─▶ reaper   dies with the supervisor (PDEATHSIG)
 *                                                                            └ the kernel kills everything below when it dies
 *
 * An app that stands apart has all of these of its own, with the same map, and a reaper that holds them in the same pid
 * namespace: that makes a circle. Only what the links say is shared between circles.
 *
 * The user namespace is made first, and the others by who lives in it, so that they belong to it (user_namespaces(7));
 * the other order makes proc, sysfs, mqueue and cgroup2 unmountable in the pod. The reaper is a program
 * of its own of some kB, without capabilities, in an empty root, and no app can see it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "pod/plan.h"

struct sandbox {
	pid_t reaper_pid;
	int reaper_pidfd;
	int userns_fd;  /* -1: the pod has none of its own */
	int status_fd;  /* sandbox_wait() reads the reaper's error or end of file here; -1 after */
	int hold_fd;    /* our end of the pipe that tells the reaper that we live */
};
#define SANDBOX_NONE { .reaper_pidfd = -1, .userns_fd = -1, .status_fd = -1, .hold_fd = -1 }

struct sandbox_request {
	const struct plan *plan;
	const char *hostname;
	bool joins;             /* a further circle of a pod whose first sandbox stands: for an app that stands apart */
	bool shares_ipc;        /* … which has its IPC namespace in common with another circle */
	int ipc_pidfd;          /* that one's reaper */
	int reaper_exe_fd;      /* rocket-reaper */
	int empty_root_fd;      /* an empty folder of mode 0755, the root of a detached mount: ".." leads nowhere */
	/* Runs in the new namespaces with all capabilities there: network, sysctls. No allocation in it. */
	int (*setup)(const struct plan *p, struct err *e);
};

/*
 * Starts the reaper; it sets the namespaces up while the caller goes on. Root on the host, once in a process:
 * its later children are born below the reaper. With `joins` it is called again, for one circle more.
 */
[[nodiscard]] int sandbox_begin(const struct sandbox_request *r, struct sandbox *ret, struct err *e);
/* Waits until the namespaces are ready. */
[[nodiscard]] int sandbox_wait(struct sandbox *s, struct err *e);
/* Kills the reaper, and with it all that runs in the pod; sandbox_end() waits until it is gone. */
void sandbox_kill(const struct sandbox *s);
/* From here on the caller's children are born in his own process table again; -1 with errno where he may not (rootless). */
[[nodiscard]] int sandbox_leave(void);
/* Kills the reaper if need be, and reaps it. */
void sandbox_end(struct sandbox *s);

/* The flags for setns(2) with the reaper's pidfd: the namespaces that the pod has of its own, the process table aside. */
int sandbox_namespaces(const struct plan *p);
/* Last steps of any reaper, in the child: no capabilities, empty root, dies with its parent; then exec. */
[[gnu::noreturn]] void sandbox_become_reaper(int exe_fd, int empty_root_fd, int hold_fd, int status_fd);
