/* SPDX-License-Identifier: Apache-2.0 */
/* See probe_spawn.h. The child between vfork and exec makes system calls only, on the caller's memory. */
#include "net/probe_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { NOBODY = 65534, ARGS_FIXED = 6, HEADERS_MAX = 32, OUT_OF_THE_WAY = 16 };

struct probe_command {
	char uid[16], namespaces[16], port[16];
	char *argv[ARGS_FIXED + HEADERS_MAX + 1];
	char *envp[1];
	int fds[3]; /* become 0, 1, 2: the app's pidfd, the pipe, the empty root */
	int exe_fd;
};

static void command_make(const struct probe_request *q, int out, struct probe_command *c)
{
	const struct plan_ids *ids = &q->plan->ids;
	unsigned namespaces = (q->plan->host_net ? 0 : CLONE_NEWNET) | (ids->count ? CLONE_NEWUSER : 0);
	size_t n = 0;

	*c = (struct probe_command){ .fds = { q->app_pidfd, out, q->empty_root_fd }, .exe_fd = q->exe_fd };
	snprintf(c->uid, sizeof(c->uid), "%u", ids->count && ids->count <= NOBODY ? ids->count - 1 : NOBODY);
	snprintf(c->namespaces, sizeof(c->namespaces), "%u", namespaces);
	snprintf(c->port, sizeof(c->port), "%u", q->probe->port);
	c->argv[n++] = (char *)(uintptr_t) "rocket-probe";
	c->argv[n++] = c->uid;
	c->argv[n++] = c->namespaces;
	c->argv[n++] = (char *)(uintptr_t)probe_kind_names[q->probe->kind];
	c->argv[n++] = c->port;
	c->argv[n++] = q->probe->path ?: (char *)(uintptr_t) "";
	for (char **h = q->probe->headers; h && *h && n < ARGS_FIXED + HEADERS_MAX; h++)
		c->argv[n++] = *h;
}

[[gnu::noreturn]] static void command_exec(const struct probe_command *c)
{
	int exe = fcntl(c->exe_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY), moved[3];
	uint64_t none = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		moved[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (int i = 0; i < 3; i++)
		if (dup2(moved[i], i) < 0)
			_exit(ERR_ROCKET);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		syscall(SYS_execveat, exe, "", c->argv, c->envp, AT_EMPTY_PATH);
	_exit(ERR_NOT_INVOKABLE);
}

static int start(const struct probe_command *c, struct probe_process *ret, struct err *e)
{
	pid_t pid = vfork();

	if (pid == 0)
		command_exec(c);
	if (pid < 0)
		return err_errno(e, "can't start a probe");
	ret->pid = pid;
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd >= 0)
		return 0;
	err_errno(e, "can't watch a probe");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -e->code;
}

int probe_spawn(const struct probe_request *q, struct probe_process *ret, struct err *e)
{
	struct probe_process p = PROBE_NO_PROCESS;
	struct probe_command command;
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe for a probe");
	command_make(q, out[1], &command);
	int r = start(&command, &p, e);
	close(out[1]);
	if (r < 0) {
		close(out[0]);
		return r;
	}
	(void)!fcntl(out[0], F_SETFL, O_NONBLOCK);
	p.out_fd = out[0];
	*ret = p;
	return 0;
}
