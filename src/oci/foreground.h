/* SPDX-License-Identifier: Apache-2.0 */
/* A process in the foreground: signals go to it, its terminal to ours, its end is ours. run and exec. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct foreground {
	int signal_fd;
	int console_sock;       /* the end that gets the terminal's master; -1 without */
	int inner_sock;         /* the end that the process's side gets */
};
#define FOREGROUND_NONE { .signal_fd = -1, .console_sock = -1, .inner_sock = -1 }

/* Before the process is made: blocks signals, and makes the pair that its terminal comes through. */
[[nodiscard]] int foreground_open(struct foreground *f, bool tty, struct err *e);
/* Until the process, a child of ours, has ended: its exit code, 128 + n for a signal. */
[[nodiscard]] int foreground_wait(struct foreground *f, pid_t pid, int pidfd, int *ret_code, struct err *e);
void foreground_close(struct foreground *f);
