/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's end of relay_wire.h: holes come and go while the pod runs. unix(7), SCM_RIGHTS. */
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/relay_core.h"
#include "net/wall.h"

/* A packet with what came beside it. */
struct packet {
	struct relay_request q;
	int fds[RELAY_FDS_MAX];
	unsigned nfds;
};

static void packet_take_fds(struct packet *p, struct msghdr *msg)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		p->nfds = (unsigned)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(p->fds, CMSG_DATA(m), p->nfds * sizeof(int));
	}
}

/* The length of a packet, 0 at the end, or -errno. The control buffer holds RELAY_FDS_MAX and no more. */
static ssize_t packet_receive(int fd, struct packet *p)
{
	alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(p->fds))];
	struct iovec iov = { .iov_base = &p->q, .iov_len = sizeof(p->q) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	memset(p, 0, sizeof(*p));
	n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	packet_take_fds(p, &msg);
	return n;
}

static uint32_t listener_take(struct relay_core *c)
{
	uint32_t slot = c->listeners_free;

	if (slot != RELAY_NONE)
		c->listeners_free = c->listeners[slot].next;
	else if (c->listeners_used < RELAY_LISTENERS_MAX)
		slot = c->listeners_used++;
	return slot;
}

static void listener_close(struct relay_core *c, uint32_t slot)
{
	struct relay_listener *l = &c->listeners[slot];

	/* Whoever else holds the socket: it listens no more. */
	shutdown(l->fd, SHUT_RDWR);
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
	close(l->fd);
	l->fd = -1;
	l->generation++;
	l->next = c->listeners_free;
	c->listeners_free = slot;
}

static bool socket_is_of_lo(int fd)
{
	int link = 0;
	socklen_t len = sizeof(link);

	return getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &link, &len) == 0 && link == NET_LO;
}

/* Takes the descriptor over, whatever comes. 0 or -errno. */
static int listener_add(struct relay_core *c, const struct relay_request *q, unsigned i, int fd)
{
	uint32_t slot = listener_take(c);
	struct relay_listener *l;
	int r;

	if (slot == RELAY_NONE) {
		close(fd);
		return -ENOSPC;
	}
	l = &c->listeners[slot];
	*l = (struct relay_listener){
		.fd = fd,
		.generation = l->generation,
		.hole = q->hole,
		.app_port = (uint16_t)(q->app_port + i),
		.proto = q->proto,
		.family = q->family,
		.lo_only = socket_is_of_lo(fd),
	};
	r = relay_watch(c, fd, c->paused && q->proto == IPPROTO_TCP ? 0 : EPOLLIN, RELAY_LISTENER, slot,
			l->generation);
	if (r < 0)
		listener_close(c, slot);
	return r;
}

static bool unix_is_sound(const struct packet *p)
{
	const struct relay_request *q = &p->q;

	return p->nfds == 1 && q->hole < RELAY_HOLES_MAX && q->proto == IPPROTO_TCP && q->name_len > 0 &&
	       q->name_len <= RELAY_NAME_MAX;
}

static bool request_is_sound(const struct packet *p)
{
	const struct relay_request *q = &p->q;

	if (q->family == AF_UNIX)
		return unix_is_sound(p);
	bool known = (q->family == AF_INET || q->family == AF_INET6) &&
		     (q->proto == IPPROTO_TCP || q->proto == IPPROTO_UDP);

	return known && p->nfds > 0 && q->hole < RELAY_HOLES_MAX && q->app_port > 0 &&
	       q->app_port + p->nfds - 1 <= 65535 && q->port_first > 0 && q->port_first <= q->port_last;
}

static void hole_name(struct relay_hole *h, const struct relay_request *q)
{
	h->name_len = q->name_len;
	memcpy(h->name, q->name, q->name_len);
}

static int holes_add(struct relay_core *c, const struct packet *p)
{
	int r = 0;

	if (!request_is_sound(p))
		r = -EINVAL;
	else if (p->q.proto == IPPROTO_UDP)
		r = relay_rule_add(c, &p->q);
	else if (p->q.family == AF_UNIX)
		hole_name(&c->holes[p->q.hole], &p->q);
	for (unsigned i = 0; i < p->nfds; i++) {
		int added = r == 0 ? listener_add(c, &p->q, i, p->fds[i]) : (close(p->fds[i]), 0);

		if (added < 0)
			r = added;
	}
	return r;
}

static uint32_t hole_remove(struct relay_core *c, uint32_t hole)
{
	uint32_t cut = relay_udp_cut(c, hole) + relay_tcp_cut(c, hole);

	for (uint32_t i = 0; i < c->listeners_used; i++)
		if (c->listeners[i].fd >= 0 && c->listeners[i].hole == hole)
			listener_close(c, i);
	relay_rule_remove(c, hole);
	c->holes[hole].accepted = c->holes[hole].refused = 0;
	return cut;
}

static void request_answer(struct relay_core *c, const struct packet *p, struct relay_reply *a)
{
	const struct relay_request *q = &p->q;

	if (q->op == RELAY_ADD) {
		a->error = -holes_add(c, p);
		return;
	}
	for (unsigned i = 0; i < p->nfds; i++)
		close(p->fds[i]);
	if (q->hole >= RELAY_HOLES_MAX || (q->op != RELAY_REMOVE && q->op != RELAY_COUNT)) {
		a->error = EINVAL;
		return;
	}
	if (q->op == RELAY_REMOVE) {
		a->cut = hole_remove(c, q->hole);
		return;
	}
	a->accepted = c->holes[q->hole].accepted;
	a->refused = c->holes[q->hole].refused;
	a->cut = relay_tcp_count(c, q->hole) + relay_udp_count(c, q->hole);
}

bool relay_control_read(struct relay_core *c)
{
	struct packet p;
	ssize_t n = packet_receive(c->control_fd, &p);
	struct relay_reply a = { .op = p.q.op, .hole = p.q.hole };

	if (n == -EAGAIN || n == -EINTR)
		return true;
	if (n <= 0)
		return false;
	if (n == sizeof(p.q))
		request_answer(c, &p, &a);
	else
		a.error = EINVAL;
	return send(c->control_fd, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a);
}

void relay_control_ready(int control_fd, enum relay_stage stage, int errnum)
{
	struct relay_reply a = { .op = RELAY_READY, .error = errnum, .stage = stage };

	/* The supervisor is gone: so is the reason to say anything. */
	if (send(control_fd, &a, sizeof(a), MSG_NOSIGNAL) < 0)
		return;
}
