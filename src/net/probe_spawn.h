/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http, tcp and grpc probes from the supervisor's side: rocket-probe, a process of its own for each question. It joins the
 * app's user and network namespaces, gives up every privilege, and only then connects to the app's loopback and
 * looks at what the app answers (net/probe_check.h). The supervisor sees an exit code and a line of text.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "pod/plan.h"

struct probe_request {
	const struct plan *plan;
	const struct plan_probe *probe;
	int exe_fd;        /* rocket-probe */
	int app_pidfd;     /* a process in the app's namespaces */
	int empty_root_fd;
};

struct probe_process {
	pid_t pid;
	int pidfd;
	int out_fd; /* what it has to say, non-blocking; its exit code is 0 when the app answered well */
};
#define PROBE_NO_PROCESS { .pid = -1, .pidfd = -1, .out_fd = -1 }

/* A child of the caller that dies with it. Call it on the host with the privilege to setns(2) into the app's namespaces. */
[[nodiscard]] int probe_spawn(const struct probe_request *q, struct probe_process *ret, struct err *e);
