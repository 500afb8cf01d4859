/* SPDX-License-Identifier: Apache-2.0 */
/* See helper.h. */
#include "net/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_OF_THE_WAY = 16, FDS = 3 };

/* Between vfork and exec, on the caller's memory: system calls only. */
[[gnu::noreturn]] static void command_exec(const struct helper_command *c)
{
	int exe = fcntl(c->exe_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY), moved[FDS];
	char *const envp[] = { NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < FDS; i++)
		moved[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (int i = 0; i < FDS; i++)
		if (dup2(moved[i], i) < 0)
			_exit(ERR_ROCKET);
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		syscall(SYS_execveat, exe, "", c->argv, envp, AT_EMPTY_PATH);
	_exit(ERR_NOT_INVOKABLE);
}

int helper_start(const struct helper_command *c, struct helper *ret, struct err *e)
{
	struct helper h = HELPER_NONE;
	int r;

	h.pid = vfork();
	if (h.pid == 0)
		command_exec(c);
	if (h.pid < 0)
		return err_errno(e, "can't start the pod's %s", c->name);
	h.pidfd = (int)syscall(SYS_pidfd_open, h.pid, 0);
	if (h.pidfd < 0) {
		r = err_errno(e, "can't watch the pod's %s", c->name);
		kill(h.pid, SIGKILL);
		waitpid(h.pid, NULL, 0);
		return r;
	}
	*ret = h;
	return 0;
}

void helper_end(struct helper *h)
{
	if (h->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
		waitpid(h->pid, NULL, 0);
		close(h->pidfd);
	}
	*h = (struct helper)HELPER_NONE;
}
