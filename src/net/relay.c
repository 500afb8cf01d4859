/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's end: starting rocket-relay and talking to it (net/relay_wire.h). */
#include "net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/relay_wire.h"

enum { ANSWER_MS = 5000, NOBODY = 65534 };

static const char *const stage_words[RELAY_STAGE_COUNT] = {
	[RELAY_STAGE_NONE] = "start",
	[RELAY_STAGE_JOIN] = "join the pod's namespaces",
	[RELAY_STAGE_SYSCTL] = "set tcp_fwmark_accept and fwmark_reflect in the pod's network",
	[RELAY_STAGE_ROUTES] = "set its routes in the pod's network",
	[RELAY_STAGE_ROOT] = "change to an empty root",
	[RELAY_STAGE_IDS] = "change to an unprivileged user of the pod",
	[RELAY_STAGE_CAPS] = "give up its capabilities",
	[RELAY_STAGE_LIMITS] = "set its limits",
	[RELAY_STAGE_FILTER] = "load its system call filter",
	[RELAY_STAGE_MEMORY] = "reserve its tables",
};

/* The relay's user: nobody where the pod has such an id, else the last one that it has. */
static uint32_t relay_id(const struct plan *p)
{
	return p->ids.count == 0 || p->ids.count > NOBODY ? NOBODY : p->ids.count - 1;
}

struct relay_command {
	char uid[16], gid[16], namespaces[16];
	char *argv[5];
	char *envp[1];
	int fds[3];             /* become 0, 1, 2 */
	int exe_fd;
};

static void command_make(const struct relay_spawn_request *r, int control_fd, struct relay_command *c)
{
	unsigned namespaces = r->on_host ? 0 : CLONE_NEWNET | (r->plan->ids.count ? CLONE_NEWUSER : 0);

	snprintf(c->uid, sizeof(c->uid), "%u", r->has_user ? r->uid : relay_id(r->plan));
	snprintf(c->gid, sizeof(c->gid), "%u", r->has_user ? r->gid : relay_id(r->plan));
	snprintf(c->namespaces, sizeof(c->namespaces), "%u", namespaces);
	c->argv[0] = (char *)(uintptr_t) "rocket-relay";
	c->argv[1] = c->uid;
	c->argv[2] = c->gid;
	c->argv[3] = c->namespaces;
	c->argv[4] = NULL;
	c->envp[0] = NULL;
	c->fds[0] = control_fd;
	c->fds[1] = r->pod_pidfd;
	c->fds[2] = r->empty_root_fd;
	c->exe_fd = r->exe_fd;
}

/*
 * Between vfork and exec: system calls only, on the caller's memory. The three descriptors are first moved
 * out of each other's way; everything above them closes at exec.
 */
[[gnu::noreturn]] static void command_exec(const struct relay_command *c)
{
	enum { OUT_OF_THE_WAY = 16 };
	int exe = fcntl(c->exe_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY), moved[3];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		moved[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (int i = 0; i < 3; i++)
		if (dup2(moved[i], i) < 0)
			_exit(ERR_ROCKET);
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		syscall(SYS_execveat, exe, "", c->argv, c->envp, AT_EMPTY_PATH);
	_exit(ERR_NOT_INVOKABLE);
}

static int command_start(const struct relay_command *c, struct relay *ret, struct err *e)
{
	pid_t pid = vfork();

	if (pid == 0)
		command_exec(c);
	if (pid < 0)
		return err_errno(e, "can't start the pod's relay");
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd < 0) {
		int r = err_errno(e, "can't watch the pod's relay");

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	ret->pid = pid;
	return 0;
}

int relay_spawn(const struct relay_spawn_request *r, struct relay *ret, struct err *e)
{
	struct relay started = RELAY_NO_PROCESS;
	struct relay_command command;
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket for the pod's relay");
	command_make(r, pair[1], &command);
	result = command_start(&command, &started, e);
	close(pair[1]);
	if (result < 0) {
		close(pair[0]);
		return result;
	}
	started.control_fd = pair[0];
	*ret = started;
	return 0;
}

/* One packet from the relay. ERR_FAILED when it is gone or says nothing in time. */
static int reply_receive(const struct relay *r, struct relay_reply *ret, struct err *e)
{
	struct pollfd p = { .fd = r->control_fd, .events = POLLIN };
	ssize_t n;
	int ready;

	do
		ready = poll(&p, 1, ANSWER_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return err_new(e, ERR_FAILED, "the pod's relay does not answer");
	n = ready < 0 ? -1 : recv(r->control_fd, ret, sizeof(*ret), MSG_DONTWAIT);
	if (n < 0)
		return err_errno(e, "can't hear the pod's relay");
	if (n != sizeof(*ret)) {
		err_new(e, ERR_FAILED, "the pod's relay is gone");
		return err_because(e, n ? "it sent a packet of the wrong size" : "it ended by itself or was killed");
	}
	return 0;
}

int relay_wait_ready(struct relay *r, struct err *e)
{
	struct relay_reply a = {};
	int result = reply_receive(r, &a, e);

	if (result < 0)
		return result;
	if (a.op != RELAY_READY || a.stage >= RELAY_STAGE_COUNT)
		return err_new(e, ERR_FAILED, "the pod's relay speaks another version");
	if (a.error == 0)
		return 0;
	errno = a.error;
	return err_errno(e, "the pod's relay can't %s", stage_words[a.stage]);
}

static int relay_ask(const struct relay *r, const struct relay_request *q, const int *fds, size_t nfds,
		     struct relay_reply *ret, struct err *e)
{
	struct relay_reply a = {};
	int result;

	if (io_send_fds(r->control_fd, q, sizeof(*q), fds, nfds) < 0)
		return err_errno(e, "can't talk to the pod's relay");
	result = reply_receive(r, &a, e);
	if (result < 0)
		return result;
	if (a.op != q->op || a.hole != q->hole)
		return err_new(e, ERR_FAILED, "the pod's relay answered something else");
	if (a.error) {
		errno = a.error;
		return err_errno(e, "the pod's relay refused");
	}
	*ret = a;
	return 0;
}

/* How many sockets from v[0] on go into one packet: one family, ports in a row. */
static size_t batch_len(const struct relay_socket *v, size_t n)
{
	size_t len = 1;

	while (len < n && len < RELAY_FDS_MAX && v[len].family == v[0].family &&
	       v[len].app_port == v[0].app_port + len)
		len++;
	return len;
}

static int relay_add_batch(const struct relay *r, uint32_t hole, const struct relay_sockets *s, size_t from,
			   size_t n, struct err *e)
{
	struct relay_request q = {
		.op = RELAY_ADD,
		.hole = hole,
		.app_port = s->v[from].app_port,
		.port_first = s->app_port,
		.port_last = s->app_port_end,
		.proto = s->proto,
		.family = s->v[from].family,
	};
	struct relay_reply a = {};
	int fds[RELAY_FDS_MAX];

	for (size_t i = 0; i < n; i++)
		fds[i] = s->v[from + i].fd;
	return relay_ask(r, &q, fds, n, &a, e);
}

int relay_add(struct relay *r, uint32_t hole, struct relay_sockets *s, struct err *e)
{
	int result = 0;
	size_t n;

	for (size_t at = 0; result == 0 && at < s->n; at += n) {
		n = batch_len(s->v + at, s->n - at);
		result = relay_add_batch(r, hole, s, at, n, e);
	}
	relay_sockets_close(s);
	return result;
}

int relay_add_unix(struct relay *r, uint32_t hole, int fd, const char *name, struct err *e)
{
	struct relay_request q = { .op = RELAY_ADD, .hole = hole, .proto = IPPROTO_TCP, .family = AF_UNIX };
	struct relay_reply a = {};
	size_t n = strlen(name);
	int result;

	if (n == 0 || n >= sizeof(q.name)) {
		close(fd);
		return err_new(e, ERR_USAGE, "the name of a socket has 1 to 107 characters, not %zu", n);
	}
	memcpy(q.name, name, n);
	if (*name == '@')
		q.name[0] = 0;
	q.name_len = (uint8_t)n;
	result = relay_ask(r, &q, &fd, 1, &a, e);
	close(fd);
	return result;
}

int relay_remove(struct relay *r, uint32_t hole, uint32_t *ret_cut, struct err *e)
{
	struct relay_request q = { .op = RELAY_REMOVE, .hole = hole };
	struct relay_reply a = {};
	int result = relay_ask(r, &q, NULL, 0, &a, e);

	if (result == 0)
		*ret_cut = a.cut;
	return result;
}

int relay_count(struct relay *r, uint32_t hole, struct relay_counts *ret, struct err *e)
{
	struct relay_request q = { .op = RELAY_COUNT, .hole = hole };
	struct relay_reply a = {};
	int result = relay_ask(r, &q, NULL, 0, &a, e);

	if (result < 0)
		return result;
	*ret = (struct relay_counts){ .accepted = a.accepted, .refused = a.refused, .living = a.cut };
	return 0;
}

void relay_end(struct relay *r)
{
	if (r->control_fd >= 0)
		close(r->control_fd);
	if (r->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
		waitpid(r->pid, NULL, 0);
		close(r->pidfd);
	}
	*r = (struct relay)RELAY_NO_PROCESS;
}
