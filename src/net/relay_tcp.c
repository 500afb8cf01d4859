/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP through a hole: a client's connection and its twin inside the pod, and the way between them.
 *
 *   accept ─▶ CONNECTING ─▶ OPEN ─▶ both directions ended ─▶ closed
 *               │ refused            │ either side broke
 *               └───────▶ reset ◀────┘
 *
 * The end of a stream is passed on as such (half-close), a reset as a reset, a refusal as a reset at once.
 * Sockets are watched edge-triggered and only once, so a connection costs two epoll_ctl() in its life.
 */
#include <errno.h>
#include <stdalign.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/relay_core.h"
#include "net/relay_pipe.h"
#include "net/wall.h"

enum {
	SIDE_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	INPUT_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR,
};

enum side { CLIENT, APP };

static void socket_reset(int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) < 0)
		shutdown(fd, SHUT_RDWR);
	close(fd);
}

static uint32_t conn_take(struct relay_core *c)
{
	uint32_t slot = c->conns_free;

	if (c->conns_living == c->conns_max)
		return RELAY_NONE;
	if (slot != RELAY_NONE)
		c->conns_free = c->conns[slot].next;
	else
		slot = c->conns_used++;
	c->conns_living++;
	return slot;
}

static void conn_give(struct relay_core *c, uint32_t slot)
{
	struct relay_conn *n = &c->conns[slot];

	n->state = RELAY_FREE;
	n->next = c->conns_free;
	c->conns_free = slot;
	c->conns_living--;
	if (c->paused)
		relay_resume(c);
}

/* Ends a connection in one of two ways: closed in order, or reset on both sides. */
static void conn_end(struct relay_core *c, uint32_t slot, void (*end)(int fd))
{
	struct relay_conn *n = &c->conns[slot];

	for (unsigned side = CLIENT; side <= APP; side++) {
		relay_way_drop(c, &n->way[side]);
		if (n->fd[side] >= 0)
			end(n->fd[side]);
		n->fd[side] = -1;
	}
	n->generation++;
	n->state = RELAY_DEAD;
	if (!n->again)
		conn_give(c, slot); /* else relay_tcp_continue() does, when it comes to it */
}

static void close_fd(int fd)
{
	close(fd);
}

static void conn_want_more(struct relay_core *c, uint32_t slot, unsigned way)
{
	struct relay_conn *n = &c->conns[slot];

	if (!n->again) {
		n->next = c->again;
		c->again = slot;
	}
	n->again |= 1U << way;
}

/* Moves bytes in one direction. False when that ended the connection. */
static bool conn_pump(struct relay_core *c, uint32_t slot, unsigned way)
{
	struct relay_conn *n = &c->conns[slot];
	enum relay_pump r = relay_way_pump(c, &n->way[way], n->fd[way], n->fd[!way]);

	if (r == RELAY_PUMP_BROKEN) {
		conn_end(c, slot, socket_reset);
		return false;
	}
	if (n->way[CLIENT].closed && n->way[APP].closed) {
		conn_end(c, slot, close_fd);
		return false;
	}
	if (r == RELAY_PUMP_MORE)
		conn_want_more(c, slot, way);
	return true;
}

static void conn_refuse(struct relay_core *c, uint32_t slot)
{
	c->holes[c->conns[slot].hole].refused++;
	conn_end(c, slot, socket_reset);
}

/* The inner connection stands: from now on both sides are watched for bytes. */
static void conn_open(struct relay_core *c, uint32_t slot)
{
	struct relay_conn *n = &c->conns[slot];

	n->state = RELAY_OPEN;
	c->holes[n->hole].accepted++;
	if (relay_watch(c, n->fd[CLIENT], SIDE_EVENTS, RELAY_CLIENT, slot, n->generation) < 0)
		conn_end(c, slot, socket_reset);
}

static int conn_watch_app(struct relay_core *c, uint32_t slot)
{
	struct relay_conn *n = &c->conns[slot];

	return relay_watch(c, n->fd[APP], SIDE_EVENTS, RELAY_APP, slot, n->generation);
}

static void conn_connect_unix(struct relay_core *c, uint32_t slot)
{
	struct relay_conn *n = &c->conns[slot];
	const struct relay_hole *h = &c->holes[n->hole];
	int fd = relay_inner_open_unix(h->name, h->name_len);

	if (fd < 0) {
		conn_refuse(c, slot);
		return;
	}
	n->fd[APP] = fd;
	n->fell_back = true;
	if (conn_watch_app(c, slot) < 0)
		conn_end(c, slot, socket_reset);
	else
		conn_open(c, slot);
}

/*
 * Makes the inner connection in the family that n->family says, and in the other one when the app does
 * not listen there.
 */
static void conn_connect(struct relay_core *c, uint32_t slot, const union relay_addr *client)
{
	struct relay_conn *n = &c->conns[slot];
	struct relay_inner want = { .type = SOCK_STREAM, .family = n->family, .port = n->app_port };
	bool pending = false;
	int fd = relay_inner_open(&want, client, &pending);

	if (fd < 0 && !n->fell_back) {
		n->fell_back = true;
		n->family = want.family = n->family == AF_INET6 ? AF_INET : AF_INET6;
		fd = relay_inner_open(&want, client, &pending);
	}
	if (fd < 0) {
		conn_refuse(c, slot);
		return;
	}
	n->fd[APP] = fd;
	n->state = RELAY_CONNECTING;
	if (conn_watch_app(c, slot) < 0)
		conn_end(c, slot, socket_reset);
	else if (!pending)
		conn_open(c, slot);
}

/* An inner connection that took its time is there, or is refused: then the other family has its turn. */
static void conn_connected(struct relay_core *c, uint32_t slot, uint32_t events)
{
	struct relay_conn *n = &c->conns[slot];
	union relay_addr client = {};
	socklen_t len = sizeof(client);

	if (!(events & (EPOLLERR | EPOLLHUP))) {
		if (events & EPOLLOUT)
			conn_open(c, slot);
		return;
	}
	if (n->fell_back || getpeername(n->fd[CLIENT], &client.any, &len) < 0) {
		conn_refuse(c, slot);
		return;
	}
	close(n->fd[APP]);
	n->fd[APP] = -1;
	n->generation++;
	n->fell_back = true;
	n->family = n->family == AF_INET6 ? AF_INET : AF_INET6;
	conn_connect(c, slot, &client);
}

void relay_tcp_event(struct relay_core *c, uint32_t slot, unsigned side, uint32_t events)
{
	struct relay_conn *n = &c->conns[slot];
	uint32_t generation = n->generation;

	if (n->state == RELAY_CONNECTING) {
		conn_connected(c, slot, events);
		if (n->state != RELAY_OPEN || n->generation != generation)
			return;
	}
	if (events & ~(EPOLLIN | EPOLLOUT))
		n->way[side].ending = true;
	if ((events & INPUT_EVENTS) && !conn_pump(c, slot, side))
		return;
	if ((events & EPOLLOUT) && n->way[!side].waits && !conn_pump(c, slot, !side))
		return;
	if (events & EPOLLERR)
		conn_end(c, slot, socket_reset);
}

void relay_tcp_continue(struct relay_core *c)
{
	uint32_t slot = c->again;

	c->again = RELAY_NONE;
	while (slot != RELAY_NONE) {
		struct relay_conn *n = &c->conns[slot];
		uint32_t next = n->next;
		uint8_t again = n->again;

		n->again = 0;
		if (n->state == RELAY_DEAD)
			conn_give(c, slot);
		else if ((!(again & 1) || conn_pump(c, slot, CLIENT)) && (again & 2))
			(void)conn_pump(c, slot, APP);
		slot = next;
	}
}

/* The interface that an IPv4 client came in on; the kernel itself drops IPv6 loopback from elsewhere. */
static bool client_is_honest(const struct relay_listener *l, int fd, const union relay_addr *client)
{
	alignas(struct cmsghdr) uint8_t options[256];
	struct msghdr msg = { .msg_control = options };
	socklen_t len = sizeof(options);

	if (l->lo_only || client->any.sa_family != AF_INET || !relay_addr_is_loopback(client))
		return true;
	if (getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, options, &len) < 0)
		return false;
	msg.msg_controllen = len;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m; m = CMSG_NXTHDR(&msg, m)) {
		const struct in_pktinfo *info = (const void *)CMSG_DATA(m);

		if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_PKTINFO)
			return relay_address_is_honest(client, (uint32_t)info->ipi_ifindex);
	}
	return false;
}

static void conn_start(struct relay_core *c, const struct relay_listener *l, int fd, uint32_t slot,
		       const union relay_addr *client)
{
	struct relay_conn *n = &c->conns[slot];

	*n = (struct relay_conn){
		.fd = { fd, -1 },
		.way = { { .pipe = { -1, -1 } }, { .pipe = { -1, -1 } } },
		.generation = n->generation + 1,
		.hole = l->hole,
		.app_port = l->app_port,
		.state = RELAY_CONNECTING,
		.family = l->family,
	};
	if (l->family == AF_UNIX)
		conn_connect_unix(c, slot);
	else if (client_is_honest(l, fd, client))
		conn_connect(c, slot, client);
	else
		conn_refuse(c, slot);
}

/* One connection a call: a listening socket is watched level-triggered, so epoll tells of the next one. */
void relay_tcp_accept(struct relay_core *c, uint32_t listener)
{
	const struct relay_listener *l = &c->listeners[listener];
	union relay_addr client = {};
	socklen_t len = sizeof(client);
	uint32_t slot = conn_take(c);
	int fd, errnum;

	if (slot == RELAY_NONE) {
		relay_pause(c);
		return;
	}
	fd = accept4(l->fd, &client.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		conn_start(c, l, fd, slot, &client);
		return;
	}
	errnum = errno;
	conn_give(c, slot);
	if (errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM)
		relay_pause(c);
}

uint32_t relay_tcp_cut(struct relay_core *c, uint32_t hole)
{
	uint32_t cut = 0;

	for (uint32_t i = 0; i < c->conns_used; i++) {
		struct relay_conn *n = &c->conns[i];

		if (n->hole != hole || (n->state != RELAY_OPEN && n->state != RELAY_CONNECTING))
			continue;
		conn_end(c, i, socket_reset);
		cut++;
	}
	return cut;
}

uint32_t relay_tcp_count(const struct relay_core *c, uint32_t hole)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->conns_used; i++)
		n += c->conns[i].hole == hole && c->conns[i].state == RELAY_OPEN;
	return n;
}
