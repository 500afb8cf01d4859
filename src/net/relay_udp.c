/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP through a hole: a session is one client (host, port) at one listening socket, with an inner socket
 * of its own that is bound to the client's address. It ends RELAY_UDP_IDLE_MS after its last
 * datagram; when the table is full the session that was idle longest makes room.
 *
 * The app's answers are routed back by relay_peer.c. Answers leave from the host address that the client
 * wrote to (ip(7), IP_PKTINFO), which matters where a hole listens on every address.
 */
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/relay_core.h"

enum { READ_ROUNDS = 64, SESSION_EVENTS = EPOLLIN };

/* A datagram's envelope. */
struct envelope {
	union relay_addr client;
	union relay_addr to;
	uint32_t link;
};

union packet_info {
	struct in_pktinfo v4;
	struct in6_pktinfo v6;
};

int64_t relay_now_ms(void)
{
	struct timespec t = {};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void envelope_read_info(struct envelope *v, struct msghdr *msg)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		const union packet_info *info = (const void *)CMSG_DATA(m);

		if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_PKTINFO) {
			v->to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = info->v4.ipi_spec_dst };
			v->link = (uint32_t)info->v4.ipi_ifindex;
		}
		if (m->cmsg_level == IPPROTO_IPV6 && m->cmsg_type == IPV6_PKTINFO) {
			v->to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = info->v6.ipi6_addr };
			v->link = info->v6.ipi6_ifindex;
		}
	}
}

/* One datagram from a client into c->datagram. Its length, or -1. */
static ssize_t envelope_receive(struct relay_core *c, int fd, struct envelope *ret)
{
	alignas(struct cmsghdr) uint8_t control[256];
	struct iovec iov = { .iov_base = c->datagram, .iov_len = RELAY_DATAGRAM_MAX };
	struct msghdr msg = {
		.msg_name = &ret->client,
		.msg_namelen = sizeof(ret->client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	memset(ret, 0, sizeof(*ret));
	n = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (n >= 0)
		envelope_read_info(ret, &msg);
	return n;
}

/* Writes the sender's address of an answer into a control message. Gives its length. */
static size_t answer_source(const struct relay_session *s, struct cmsghdr *m)
{
	union packet_info *info = (void *)CMSG_DATA(m);
	bool is_v6 = s->to.any.sa_family == AF_INET6;

	m->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	m->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	if (is_v6) {
		info->v6 = (struct in6_pktinfo){ .ipi6_addr = s->to.v6.sin6_addr };
		if (IN6_IS_ADDR_LINKLOCAL(&s->to.v6.sin6_addr))
			info->v6.ipi6_ifindex = s->link;
		m->cmsg_len = CMSG_LEN(sizeof(info->v6));
		return CMSG_SPACE(sizeof(info->v6));
	}
	info->v4 = (struct in_pktinfo){ .ipi_spec_dst = s->to.v4.sin_addr };
	m->cmsg_len = CMSG_LEN(sizeof(info->v4));
	return CMSG_SPACE(sizeof(info->v4));
}

/* An answer that the host can't send now is lost, as datagrams are. */
static void answer_send(struct relay_core *c, const struct relay_session *s, size_t n)
{
	alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(union packet_info))] = {};
	struct iovec iov = { .iov_base = c->datagram, .iov_len = n };
	union relay_addr client = s->client;
	struct msghdr msg = {
		.msg_name = &client,
		.msg_namelen = relay_addr_len(&client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
	};

	if (s->to.any.sa_family == client.any.sa_family)
		msg.msg_controllen = answer_source(s, (struct cmsghdr *)(void *)control);
	else
		msg.msg_control = NULL;
	if (sendmsg(c->listeners[s->listener].fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

/* The list by last use: newest at the end. */
static void session_unlink(struct relay_core *c, uint32_t slot)
{
	struct relay_session *s = &c->sessions[slot];

	if (s->older != RELAY_NONE)
		c->sessions[s->older].newer = s->newer;
	else
		c->oldest = s->newer;
	if (s->newer != RELAY_NONE)
		c->sessions[s->newer].older = s->older;
	else
		c->newest = s->older;
}

static void session_link_newest(struct relay_core *c, uint32_t slot)
{
	struct relay_session *s = &c->sessions[slot];

	s->older = c->newest;
	s->newer = RELAY_NONE;
	if (c->newest != RELAY_NONE)
		c->sessions[c->newest].newer = slot;
	else
		c->oldest = slot;
	c->newest = slot;
	s->used_ms = relay_now_ms();
}

static void session_touch(struct relay_core *c, uint32_t slot)
{
	session_unlink(c, slot);
	session_link_newest(c, slot);
}

static uint32_t *session_bucket(struct relay_core *c, uint32_t listener, const union relay_addr *client)
{
	uint32_t h = relay_addr_hash(client) ^ relay_addr_port(client) * 2654435761U ^ listener * 40503U;

	return &c->session_hash[(h ^ h >> 16) % RELAY_HASH];
}

static uint32_t session_find(struct relay_core *c, uint32_t listener, const struct envelope *v)
{
	uint32_t slot = *session_bucket(c, listener, &v->client);

	while (slot != RELAY_NONE) {
		const struct relay_session *s = &c->sessions[slot];

		if (s->listener == listener && relay_addr_port(&s->client) == relay_addr_port(&v->client) &&
		    relay_addr_same_host(&s->client, &v->client) && relay_addr_same_host(&s->to, &v->to))
			return slot;
		slot = s->next;
	}
	return RELAY_NONE;
}

static void session_unhash(struct relay_core *c, uint32_t slot)
{
	const struct relay_session *s = &c->sessions[slot];
	uint32_t *at = session_bucket(c, s->listener, &s->client);

	while (*at != slot)
		at = &c->sessions[*at].next;
	*at = s->next;
}

static void session_close(struct relay_core *c, uint32_t slot)
{
	struct relay_session *s = &c->sessions[slot];

	session_unlink(c, slot);
	session_unhash(c, slot);
	close(s->fd);
	s->fd = -1;
	s->generation++;
	relay_peer_release(c, s->peer);
	s->next = c->sessions_free;
	c->sessions_free = slot;
	c->sessions_living--;
}

static uint32_t session_take(struct relay_core *c)
{
	uint32_t slot = c->sessions_free;

	if (c->sessions_living == c->sessions_max) {
		session_close(c, c->oldest);
		slot = c->sessions_free;
	}
	if (slot != RELAY_NONE)
		c->sessions_free = c->sessions[slot].next;
	else
		slot = c->sessions_used++;
	c->sessions_living++;
	return slot;
}

/* Makes (or makes anew) the inner socket of a session. 0 or -errno. */
static int session_connect(struct relay_core *c, uint32_t slot, sa_family_t family)
{
	struct relay_session *s = &c->sessions[slot];
	struct relay_inner want = {
		.type = SOCK_DGRAM,
		.family = family,
		.port = c->listeners[s->listener].app_port,
	};
	union relay_addr inside;
	bool pending = false;
	int fd = relay_inner_open(&want, &s->client, &pending), r;

	if (fd < 0)
		return fd;
	s->generation++;
	r = relay_watch(c, fd, SESSION_EVENTS, RELAY_SESSION, slot, s->generation);
	if (r < 0) {
		close(fd);
		return r;
	}
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	relay_peer_release(c, s->peer);
	s->peer = relay_address_source(&s->client, family, &inside) ? relay_peer_take(c, &inside) : RELAY_NONE;
	return 0;
}

static sa_family_t other_family(sa_family_t family)
{
	return family == AF_INET6 ? AF_INET : AF_INET6;
}

/* A new session for the client, or RELAY_NONE when the pod has no way to the app. */
static uint32_t session_open(struct relay_core *c, uint32_t listener, const struct envelope *v)
{
	uint32_t slot = session_take(c);
	struct relay_session *s = &c->sessions[slot];
	uint32_t *bucket = session_bucket(c, listener, &v->client);
	int r;

	*s = (struct relay_session){
		.fd = -1,
		.generation = s->generation,
		.next = *bucket,
		.listener = listener,
		.peer = RELAY_NONE,
		.link = v->link,
		.client = v->client,
		.to = v->to,
	};
	*bucket = slot;
	session_link_newest(c, slot);
	r = session_connect(c, slot, c->listeners[listener].family);
	if (r == 0)
		return slot;
	session_close(c, slot);
	return RELAY_NONE;
}

static struct relay_hole *session_hole(struct relay_core *c, uint32_t slot)
{
	return &c->holes[c->listeners[c->sessions[slot].listener].hole];
}

/* 0, or the error that the app's side has: ECONNREFUSED when nobody listens. */
static int session_send(struct relay_core *c, uint32_t slot, size_t n)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);
	int fd = c->sessions[slot].fd;

	if (send(fd, c->datagram, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : errno;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
		return 0;
	return errnum;
}

/*
 * Passes the client's datagram on. Where the app refuses it, the other family is tried once a session;
 * where that refuses too, the session ends: the next datagram tries again from the start.
 */
static void session_forward(struct relay_core *c, uint32_t slot, size_t n)
{
	struct relay_session *s = &c->sessions[slot];
	const struct relay_listener *l = &c->listeners[s->listener];
	int errnum = session_send(c, slot, n);

	if (errnum == ECONNREFUSED && !s->fell_back) {
		s->fell_back = true;
		if (session_connect(c, slot, other_family((sa_family_t)l->family)) == 0)
			errnum = session_send(c, slot, n);
	}
	if (errnum != ECONNREFUSED)
		return;
	session_hole(c, slot)->refused++;
	session_close(c, slot);
}

static void datagram_handle(struct relay_core *c, uint32_t listener, const struct envelope *v, size_t n)
{
	uint32_t hole = c->listeners[listener].hole;
	uint32_t slot;

	if (!relay_address_is_honest(&v->client, v->link) || relay_addr_port(&v->client) == 0) {
		c->holes[hole].refused++;
		return;
	}
	slot = session_find(c, listener, v);
	if (slot == RELAY_NONE) {
		slot = session_open(c, listener, v);
		c->holes[hole].accepted += slot != RELAY_NONE;
		c->holes[hole].refused += slot == RELAY_NONE;
	} else {
		session_touch(c, slot);
	}
	if (slot != RELAY_NONE)
		session_forward(c, slot, n);
}

void relay_udp_read(struct relay_core *c, uint32_t listener)
{
	for (unsigned i = 0; i < READ_ROUNDS; i++) {
		struct envelope v;
		ssize_t n = envelope_receive(c, c->listeners[listener].fd, &v);

		if (n < 0)
			return;
		datagram_handle(c, listener, &v, (size_t)n);
	}
}

void relay_udp_event(struct relay_core *c, uint32_t slot, uint32_t events)
{
	struct relay_session *s = &c->sessions[slot];

	for (unsigned i = 0; i < READ_ROUNDS; i++) {
		ssize_t n = recv(s->fd, c->datagram, RELAY_DATAGRAM_MAX, MSG_DONTWAIT);

		if (n >= 0) {
			session_touch(c, slot);
			answer_send(c, s, (size_t)n);
			continue;
		}
		if (errno == ECONNREFUSED) {
			session_hole(c, slot)->refused++;
			session_close(c, slot);
		}
		return;
	}
}

void relay_udp_expire(struct relay_core *c)
{
	int64_t now = relay_now_ms();

	while (c->oldest != RELAY_NONE && now - c->sessions[c->oldest].used_ms >= RELAY_UDP_IDLE_MS)
		session_close(c, c->oldest);
}

uint32_t relay_udp_cut(struct relay_core *c, uint32_t hole)
{
	uint32_t cut = 0;

	for (uint32_t i = 0; i < c->sessions_used; i++) {
		if (c->sessions[i].fd < 0 || c->listeners[c->sessions[i].listener].hole != hole)
			continue;
		session_close(c, i);
		cut++;
	}
	return cut;
}

uint32_t relay_udp_count(const struct relay_core *c, uint32_t hole)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->sessions_used; i++)
		n += c->sessions[i].fd >= 0 && c->listeners[c->sessions[i].listener].hole == hole;
	return n;
}
