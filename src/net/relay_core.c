/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's tables, its loop, and which file an event belongs to. epoll(7). */
#include "net/relay_core.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>


enum {
	EVENTS = 32,
	KIND_BITS = 3,
	GENERATION_BITS = 29,
	FDS_RESERVED = 64,
	FDS_A_CONN = 3, /* two sockets, and for every second a pipe; where it is more, none is used */
	PAUSE_MS = 1000,
	EXPIRE_MS = 5000,
};

/* kind in the low 3 bits, 29 of the generation, the slot in the upper half. */
static uint64_t event_pack(enum relay_kind kind, uint32_t slot, uint32_t generation)
{
	return (uint64_t)slot << 32 | (uint64_t)(generation << KIND_BITS) | kind;
}

static bool event_is_of(uint64_t data, uint32_t generation)
{
	return (uint32_t)data >> KIND_BITS == generation << KIND_BITS >> KIND_BITS;
}

int relay_watch(struct relay_core *c, int fd, uint32_t events, enum relay_kind kind, uint32_t slot,
		uint32_t generation)
{
	struct epoll_event ev = { .events = events, .data.u64 = event_pack(kind, slot, generation) };

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void listeners_mute(struct relay_core *c, bool mute)
{
	for (uint32_t i = 0; i < c->listeners_used; i++) {
		const struct relay_listener *l = &c->listeners[i];
		struct epoll_event ev = {
			.events = mute ? 0 : EPOLLIN,
			.data.u64 = event_pack(RELAY_LISTENER, i, l->generation),
		};

		if (l->fd >= 0 && l->proto == IPPROTO_TCP)
			epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, l->fd, &ev);
	}
	c->paused = mute;
}

void relay_pause(struct relay_core *c)
{
	if (!c->paused)
		listeners_mute(c, true);
}

void relay_resume(struct relay_core *c)
{
	if (c->paused)
		listeners_mute(c, false);
}

/* One reservation for all tables; a page costs memory when its first slot is used. */
struct table {
	void *where; /* pointer to the table's pointer */
	size_t bytes;
};

static int tables_reserve(struct relay_core *c)
{
	const struct table tables[] = {
		{ &c->listeners, RELAY_LISTENERS_MAX * sizeof(*c->listeners) },
		{ &c->conns, RELAY_CONNS_MAX * sizeof(*c->conns) },
		{ &c->sessions, RELAY_SESSIONS_MAX * sizeof(*c->sessions) },
		{ &c->peers, RELAY_PEERS_MAX * sizeof(*c->peers) },
		{ &c->holes, RELAY_HOLES_MAX * sizeof(*c->holes) },
		{ &c->session_hash, RELAY_HASH * sizeof(*c->session_hash) },
		{ &c->datagram, RELAY_DATAGRAM_MAX },
	};
	size_t total = 0;
	uint8_t *at;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		total += (tables[i].bytes + 63) & ~(size_t)63;
	at = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		memcpy(tables[i].where, &at, sizeof(at));
		at += (tables[i].bytes + 63) & ~(size_t)63;
	}
	return 0;
}

/* How much the descriptors that this process may have are good for. */
static void limits_choose(struct relay_core *c)
{
	struct rlimit files = { .rlim_cur = 1024 };
	uint64_t free_fds;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		files.rlim_cur = 1024;
	free_fds = files.rlim_cur > FDS_RESERVED ? files.rlim_cur - FDS_RESERVED : 0;
	if (free_fds > (uint64_t)RELAY_CONNS_MAX * FDS_A_CONN * 2)
		free_fds = (uint64_t)RELAY_CONNS_MAX * FDS_A_CONN * 2;
	c->sessions_max = free_fds / 4 < RELAY_SESSIONS_MAX ? (uint32_t)(free_fds / 4) : RELAY_SESSIONS_MAX;
	free_fds -= c->sessions_max;
	c->conns_max = free_fds / FDS_A_CONN < RELAY_CONNS_MAX ? (uint32_t)(free_fds / FDS_A_CONN) : RELAY_CONNS_MAX;
}

int relay_core_init(struct relay_core *c, int control_fd, int netlink_fd)
{
	int r;

	memset(c, 0, sizeof(*c));
	c->control_fd = control_fd;
	c->netlink_fd = netlink_fd;
	c->listeners_free = c->conns_free = c->sessions_free = c->peers_free = RELAY_NONE;
	c->oldest = c->newest = c->again = RELAY_NONE;
	limits_choose(c);
	if (c->sessions_max == 0 || c->conns_max == 0)
		return -EMFILE;
	r = tables_reserve(c);
	if (r < 0)
		return r;
	memset(c->session_hash, 0xff, RELAY_HASH * sizeof(*c->session_hash)); /* RELAY_NONE */
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return -errno;
	return relay_watch(c, control_fd, EPOLLIN, RELAY_CONTROL, 0, 0);
}

static void listener_event(struct relay_core *c, uint32_t slot, uint64_t data)
{
	const struct relay_listener *l = &c->listeners[slot];

	if (l->fd < 0 || !event_is_of(data, l->generation))
		return;
	if (l->proto == IPPROTO_TCP)
		relay_tcp_accept(c, slot);
	else
		relay_udp_read(c, slot);
}

static void conn_event(struct relay_core *c, uint32_t slot, unsigned side, const struct epoll_event *ev)
{
	const struct relay_conn *n = &c->conns[slot];
	bool alive = n->state == RELAY_OPEN || n->state == RELAY_CONNECTING;

	if (alive && event_is_of(ev->data.u64, n->generation))
		relay_tcp_event(c, slot, side, ev->events);
}

static void session_event(struct relay_core *c, uint32_t slot, const struct epoll_event *ev)
{
	const struct relay_session *s = &c->sessions[slot];

	if (s->fd >= 0 && event_is_of(ev->data.u64, s->generation))
		relay_udp_event(c, slot, ev->events);
}

/* False when the supervisor is gone. */
static bool event_handle(struct relay_core *c, const struct epoll_event *ev)
{
	enum relay_kind kind = ev->data.u64 & ((1U << KIND_BITS) - 1);
	uint32_t slot = (uint32_t)(ev->data.u64 >> 32);

	switch (kind) {
	case RELAY_CONTROL:
		return relay_control_read(c);
	case RELAY_LISTENER:
		listener_event(c, slot, ev->data.u64);
		break;
	case RELAY_CLIENT:
	case RELAY_APP:
		conn_event(c, slot, kind == RELAY_APP, ev);
		break;
	case RELAY_SESSION:
		session_event(c, slot, ev);
		break;
	}
	return true;
}

static int step_timeout(const struct relay_core *c, int timeout_ms)
{
	int most = c->again != RELAY_NONE ? 0 : c->paused ? PAUSE_MS : c->sessions_living ? EXPIRE_MS : -1;

	return most < 0 || (timeout_ms >= 0 && timeout_ms < most) ? timeout_ms : most;
}

int relay_core_step(struct relay_core *c, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_pwait(c->epoll_fd, events, EVENTS, step_timeout(c, timeout_ms), NULL);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		relay_resume(c);
	if (c->sessions_living)
		relay_udp_expire(c);
	relay_tcp_continue(c);
	for (int i = 0; i < n; i++)
		if (!event_handle(c, &events[i]))
			return 1;
	return 0;
}

int relay_core_run(struct relay_core *c)
{
	int r;

	do
		r = relay_core_step(c, -1);
	while (r == 0);
	return r < 0 ? r : 0;
}
