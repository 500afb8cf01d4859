/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts are closed in the background. See closer.h. */
#include "boundary/closer.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/clone_usher.h"

void closer_take(struct closer *c, int *fd)
{
	if (*fd < 0)
		return;
	if (c->n < CLOSER_MAX)
		c->fds[c->n++] = take_fd(fd);
	else
		close(take_fd(fd));
}

/* Beside its maker, in the same memory: system calls that can't fail, nothing of libc's. */
static int close_all(void *arg)
{
	const struct closer *c = arg;

	for (size_t i = 0; i < c->n; i++)
		syscall(SYS_close, c->fds[i]);
	return 0;
}

void closer_begin(struct closer *c, bool beside)
{
	const struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES,
		.stack = (uint64_t)(uintptr_t)c->stack,
		.stack_size = sizeof(c->stack),
	};
	long pid = c->n && beside ? clone_usher(&args, close_all, c) : 0;

	c->pid = pid > 0 ? (pid_t)pid : 0;
	if (pid <= 0)
		close_all(c);
}

void closer_wait(struct closer *c)
{
	while (c->pid > 0 && waitpid(c->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	c->pid = 0;
	c->n = 0;
}
