/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's end: starting rocket-uplink and talking to it (net/uplink_wire.h). */
#include "net/uplink.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/uplink_wire.h"

enum { ANSWER_MS = 10000 };

int uplink_spawn(const struct uplink_spawn_request *r, struct uplink *ret, struct err *e)
{
	char *argv[] = { (char *)"rocket-uplink", r->plan->id, r->plan->name, (char *)(uintptr_t)(r->learn ? "learn" : "-"),
			 NULL };
	struct helper_command c = { .name = "uplink", .argv = argv, .exe_fd = r->exe_fd };
	struct uplink started = UPLINK_NO_PROCESS;
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket for the pod's uplink");
	memcpy(c.fds, (int[]){ pair[1], r->pod_pidfd, r->empty_root_fd }, sizeof(c.fds));
	result = helper_start(&c, &started.process, e);
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

static int ask_with(const struct uplink *u, uint32_t op, uint32_t number, const char *text, int fd,
		    struct uplink_reply *ret, struct err *e)
{
	autofree struct uplink_request *q = calloc(1, sizeof(*q));

	if (!q)
		return err_errno(e, "can't talk to the pod's uplink");
	q->op = op;
	q->number = number;
	if (strlen(text) >= sizeof(q->text))
		return err_new(e, ERR_USAGE, "the hole %.60s… is too long", text);
	memcpy(q->text, text, strlen(text));
	if (io_send_fds(u->control_fd, q, sizeof(*q), &fd, fd >= 0) < 0)
		return err_errno(e, "can't talk to the pod's uplink");
	return hear(u, op, ret, e);
}

static int ask(const struct uplink *u, uint32_t op, uint32_t number, const char *text, struct uplink_reply *ret,
	       struct err *e)
{
	return ask_with(u, op, number, text, -1, ret, e);
}

int uplink_give_resolver(struct uplink *u, int fd, struct err *e)
{
	autofree struct uplink_reply *a = calloc(1, sizeof(*a));

	return a ? ask_with(u, UPLINK_RESOLVER, 0, "", fd, a, e) : err_errno(e, "can't hear the pod's uplink");
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

int uplink_judge(struct uplink *u, const struct out_addr *a, uint8_t protocol, uint16_t port, bool *ret, struct err *e)
{
	autofree struct uplink_request *q = calloc(1, sizeof(*q));
	autofree struct uplink_reply *answer = calloc(1, sizeof(*answer));
	int r;

	if (!q || !answer)
		return err_errno(e, "can't talk to the pod's uplink");
	q->op = UPLINK_JUDGE;
	q->addr = *a;
	q->protocol = protocol;
	q->port = port;
	if (send(u->control_fd, q, sizeof(*q), MSG_NOSIGNAL) < 0)
		return err_errno(e, "can't talk to the pod's uplink");
	r = hear(u, UPLINK_JUDGE, answer, e);
	if (r == 0)
		*ret = answer->accepted;
	return r;
}

void uplink_end(struct uplink *u)
{
	if (u->control_fd >= 0)
		close(u->control_fd);
	helper_end(&u->process);
	*u = (struct uplink)UPLINK_NO_PROCESS;
}
