/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's end: starting rocket-uplink and talking to it (net/uplink_wire.h). */
#include "net/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/uplink_wire.h"

enum { ANSWER_MS = 10000, OUT_OF_THE_WAY = 16, FDS = 3 };

struct command {
	char *argv[8];
	char *envp[2];
	int fds[FDS];           /* become 0, 1, 2 */
	int exe_fd;
};

/* Between vfork and exec, on the caller's memory: system calls only. */
[[gnu::noreturn]] static void command_exec(const struct command *c)
{
	int exe = fcntl(c->exe_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY), moved[FDS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < FDS; i++)
		moved[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (int i = 0; i < FDS; i++)
		if (dup2(moved[i], i) < 0)
			_exit(ERR_ROCKET);
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		syscall(SYS_execveat, exe, "", c->argv, c->envp, AT_EMPTY_PATH);
	_exit(ERR_NOT_INVOKABLE);
}

static int command_start(const struct command *c, struct uplink *ret, struct err *e)
{
	pid_t pid = vfork();

	if (pid == 0)
		command_exec(c);
	if (pid < 0)
		return err_errno(e, "can't start the pod's uplink");
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd < 0) {
		int r = err_errno(e, "can't watch the pod's uplink");

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	ret->pid = pid;
	return 0;
}

int uplink_spawn(const struct uplink_spawn_request *r, struct uplink *ret, struct err *e)
{
	struct uplink started = UPLINK_NO_PROCESS;
	struct command c = {
		.argv = { (char *)"rocket-uplink", r->plan->id, r->plan->name, (char *)(uintptr_t)r->programs,
			  (char *)(uintptr_t)(r->learn ? "learn" : "-") },
		.envp = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
		.exe_fd = r->exe_fd,
	};
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket for the pod's uplink");
	memcpy(c.fds, (int[]){ pair[1], r->pod_pidfd, r->empty_root_fd }, sizeof(c.fds));
	result = command_start(&c, &started, e);
	close(pair[1]);
	if (result < 0) {
		close(pair[0]);
		return result;
	}
	started.control_fd = pair[0];
	*ret = started;
	return 0;
}

static int receive(const struct uplink *u, struct uplink_reply *ret, struct err *e)
{
	struct pollfd p = { .fd = u->control_fd, .events = POLLIN };
	ssize_t n;
	int ready;

	do
		ready = poll(&p, 1, ANSWER_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return err_new(e, ERR_FAILED, "the pod's uplink does not answer");
	n = ready < 0 ? -1 : recv(u->control_fd, ret, sizeof(*ret), MSG_DONTWAIT);
	if (n < 0)
		return err_errno(e, "can't hear the pod's uplink");
	if (n != sizeof(*ret)) {
		err_new(e, ERR_FAILED, "the pod's uplink is gone");
		return err_because(e, n ? "it sent a packet of the wrong size" : "it ended by itself or was killed");
	}
	return 0;
}

/* Hears the answer to `op`; its error becomes ours. */
static int hear(const struct uplink *u, uint32_t op, struct uplink_reply *ret, struct err *e)
{
	int r = receive(u, ret, e);

	if (r < 0)
		return r;
	if (ret->op != op)
		return err_new(e, ERR_FAILED, "the pod's uplink answered something else");
	if (!ret->err.code)
		return 0;
	*e = ret->err;
	return -e->code;
}

int uplink_wait_ready(struct uplink *u, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));
	int r = a ? hear(u, UPLINK_READY, a, e) : err_errno(e, "can't hear the pod's uplink");

	if (r == 0)
		snprintf(u->way, sizeof(u->way), "%.15s", a->text);
	return r;
}

static int ask(const struct uplink *u, uint32_t op, uint32_t number, const char *text, struct uplink_reply *ret,
	       struct err *e)
{
	autofree struct uplink_request *q = calloc(1, sizeof(*q));

	if (!q)
		return err_errno(e, "can't talk to the pod's uplink");
	q->op = op;
	q->number = number;
	if (strlen(text) >= sizeof(q->text))
		return err_new(e, ERR_USAGE, "the hole %.60s… is too long", text);
	memcpy(q->text, text, strlen(text));
	if (send(u->control_fd, q, sizeof(*q), MSG_NOSIGNAL) < 0)
		return err_errno(e, "can't talk to the pod's uplink");
	return hear(u, op, ret, e);
}

int uplink_add(struct uplink *u, uint32_t number, const struct hole *h, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));

	return a ? ask(u, UPLINK_ADD, number, h->text, a, e) : err_errno(e, "can't hear the pod's uplink");
}

int uplink_remove(struct uplink *u, uint32_t number, uint32_t *ret_cut, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));
	int r = a ? ask(u, UPLINK_REMOVE, number, "", a, e) : err_errno(e, "can't hear the pod's uplink");

	if (r == 0)
		*ret_cut = a->cut;
	return r;
}

int uplink_count(struct uplink *u, uint32_t number, struct uplink_counts *ret, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));
	int r = a ? ask(u, UPLINK_COUNT, number, "", a, e) : err_errno(e, "can't hear the pod's uplink");

	if (r == 0)
		*ret = (struct uplink_counts){ .accepted = a->accepted, .living = a->living };
	return r;
}

int uplink_log(struct uplink *u, struct str *out, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));
	int r = a ? ask(u, UPLINK_LOG, 0, "", a, e) : err_errno(e, "can't hear the pod's uplink");

	while (r == 0) {
		a->text[sizeof(a->text) - 1] = 0;
		str_add(out, a->text);
		if (!a->more)
			break;
		r = hear(u, UPLINK_LOG, a, e);
	}
	return r;
}

void uplink_end(struct uplink *u)
{
	if (u->control_fd >= 0)
		close(u->control_fd);
	if (u->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, u->pidfd, SIGKILL, NULL, 0);
		waitpid(u->pid, NULL, 0);
		close(u->pidfd);
	}
	*u = (struct uplink)UPLINK_NO_PROCESS;
}
