/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a helper program of a pod's network: three descriptors, no environment, dies with its starter. */
#pragma once

#include <sys/types.h>

#include "base/err.h"

struct helper {
	pid_t pid;
	int pidfd;
};
#define HELPER_NONE { .pidfd = -1 }

struct helper_command {
	const char *name;       /* for messages: "uplink" */
	char *const *argv;
	int fds[3];             /* become 0, 1, 2; everything else closes */
	int exe_fd;
};

[[nodiscard]] int helper_start(const struct helper_command *c, struct helper *ret, struct err *e);
/* Kills and reaps it. */
void helper_end(struct helper *h);
