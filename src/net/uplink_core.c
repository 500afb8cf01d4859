/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink's holes and its loop: a request of the supervisor's becomes routes in the pod and rules outside, in the
 * order that never opens more than was asked: rules first when opening, routes first when closing, and nothing is half open.
 */
#include "net/uplink_core.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { MARK_FIRST = 0x72000000, MARK_MASK = 0xffffff };

void uplink_core_reply(const struct uplink_core *c, struct uplink_reply *r)
{
	(void)!send(c->control_fd, r, sizeof(*r), MSG_NOSIGNAL);
}

/* ---- add ---- */

static int check_family(const struct uplink_core *c, const struct out_dest *d, const char *text, struct err *e)
{
	if (d->kind != OUT_NET || d->net.addr.family != AF_INET6 || c->has_v6)
		return 0;
	err_new(e, ERR_NETWORK, "can't open the hole %s", text);
	err_because(e, "this host forwards no IPv6, and has no way out for it");
	return err_try(e, "ip -6 route get 2001:db8::1; sysctl net.ipv6.conf.all.forwarding");
}

static int parse(const struct uplink_request *q, struct uplink_hole *h, struct arena *a, struct err *e)
{
	struct hole hole;
	int r = hole_parse(a, q->text, NULL, &hole, e);

	if (r < 0)
		return r;
	if (hole.kind != HOLE_OUT || !hole.name || strlen(hole.name) >= sizeof(h->text))
		return err_new(e, ERR_USAGE, "the uplink opens out: holes alone");
	snprintf(h->text, sizeof(h->text), "%s", hole.name);
	hole.name = h->text;
	out_dest_of(&hole, &h->dest);
	return 0;
}

static int write_new(struct uplink_core *c, uint32_t number, struct err *e)
{
	int r;

	nft_begin(&c->nft);
	uplink_wall_add_parts(c, number);
	r = uplink_wall_write(c, e);
	if (r == 0)
		r = uplink_route_open(c, &c->holes[number], e);
	if (r < 0 || !out_dest_asks_names(&c->holes[number].dest))
		return r;
	r = uplink_names_write(c, e);
	if (r < 0)
		uplink_route_close(c, &c->holes[number]);
	return r;
}

static void take_back(struct uplink_core *c, uint32_t number)
{
	struct err ignored = {};

	c->holes[number].open = false;
	nft_begin(&c->nft);
	(void)!uplink_wall_write(c, &ignored);
	nft_begin(&c->nft);
	uplink_wall_remove_parts(c, number);
	(void)!nft_commit(&c->nft, &ignored);
}

static int do_add(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a)
{
	struct uplink_hole *h = &c->holes[q->number], made = {};
	autoarena arena = {};
	int r = parse(q, &made, &arena, &a->err);

	if (r == 0)
		r = check_family(c, &made.dest, q->text, &a->err);
	if (r < 0)
		return r;
	made.open = true;
	made.mark = MARK_FIRST | (++c->marks & MARK_MASK);
	*h = made;
	/* A name points into the hole itself. */
	if (h->dest.name)
		h->dest.name = h->text + (made.dest.name - made.text);
	r = write_new(c, q->number, &a->err);
	if (r < 0)
		take_back(c, q->number);
	return r;
}

/* ---- remove, count ---- */

static int do_remove(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a)
{
	struct uplink_hole *h = &c->holes[q->number];
	bool name = out_dest_asks_names(&h->dest);
	struct err ignored = {};
	int r;

	if (!h->open)
		return err_new(&a->err, ERR_NOT_FOUND, "no such hole is open");
	if (name)
		h->open = false;
	if (name && uplink_names_write(c, &a->err) < 0)
		return -a->err.code;
	/* While routes and wall still let their resets pass; what is made meanwhile is cut when nothing more can be. */
	a->cut = uplink_cut(c, q->number, true);
	uplink_route_close(c, h);
	h->open = false;
	nft_begin(&c->nft);
	r = uplink_wall_write(c, &a->err);
	if (r < 0)
		return r;
	a->cut += uplink_cut(c, q->number, true);
	nft_begin(&c->nft);
	uplink_wall_remove_parts(c, q->number);
	(void)!nft_commit(&c->nft, &ignored);
	uplink_names_forget(c, q->number);
	return 0;
}

static int do_count(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a)
{
	if (!c->holes[q->number].open)
		return err_new(&a->err, ERR_STATE, "no such hole is open");
	a->living = uplink_cut(c, q->number, false);
	if (uplink_wall_count(c, q->number, &a->accepted, &a->err) == 0)
		return 0;
	return err_recode(&a->err, ERR_STATE);
}

/* ---- the loop ---- */

typedef int request_fn(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a);

static int do_resolver(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a)
{
	if (c->given_fd < 0)
		return err_new(&a->err, ERR_FAILED, "no resolver was handed over");
	cleanup_close(&c->resolver_fd);
	c->resolver_fd = take_fd(&c->given_fd);
	return uplink_names_write(c, &a->err);
}

static int do_judge(struct uplink_core *c, const struct uplink_request *q, struct uplink_reply *a)
{
	for (uint32_t i = 0; i < UPLINK_HOLES_MAX && !a->accepted; i++) {
		/* What learning opened for now is what there is to learn. */
		if (c->holes[i].open && !(c->learn && c->holes[i].dest.kind == OUT_INTERNET))
			a->accepted = uplink_hole_has(c, i, q->protocol, &q->addr, q->port);
	}
	return 0;
}

static request_fn *const requests[] = {
	[UPLINK_JUDGE] = do_judge,
	[UPLINK_RESOLVER] = do_resolver,
	[UPLINK_ADD] = do_add,
	[UPLINK_REMOVE] = do_remove,
	[UPLINK_COUNT] = do_count,
};

static void answer(struct uplink_core *c, struct uplink_request *q)
{
	struct uplink_reply a = { .op = q->op, .number = q->number };

	q->text[sizeof(q->text) - 1] = 0;
	if (q->op == UPLINK_LOG) {
		uplink_names_log(c, q->op);
		return;
	}
	if (q->op >= ARRAY_SIZE(requests) || !requests[q->op] || q->number >= UPLINK_HOLES_MAX)
		err_new(&a.err, ERR_FAILED, "the pod's uplink speaks another version");
	else
		(void)!requests[q->op](c, q, &a);
	uplink_core_reply(c, &a);
}

/* False: the supervisor is gone. */
static bool hear_supervisor(struct uplink_core *c)
{
	struct uplink_request q;
	size_t nfds = 1;
	ssize_t n = io_recv_fds(c->control_fd, &q, sizeof(q), &c->given_fd, &nfds);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	if (n == sizeof(q))
		answer(c, &q);
	cleanup_close(&c->given_fd);
	c->given_fd = -1;
	return true;
}

void uplink_core_run(struct uplink_core *c)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = c->control_fd, .events = POLLIN },
				       { .fd = c->resolver_fd, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			uplink_names_hear(c);
		if (p[0].revents && !hear_supervisor(c))
			return;
	}
}
