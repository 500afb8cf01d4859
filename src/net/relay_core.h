/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay process from the inside: one thread, one epoll, fixed tables.
 *
 *   supervisor ──control──▶ relay_control ──listening sockets──▶ slots
 *   client ──▶ relay_tcp: accept, inner connect, splice both ways ──▶ app
 *   client ──▶ relay_udp: a session a client, datagram by datagram ──▶ app
 *
 * The tables are address space that is reserved at the start and touched slot by slot, so an idle relay
 * costs a few pages and a busy one never asks for memory. An epoll event names a slot and its generation;
 * a slot that was given up since has another one, so that late events hit nothing.
 *
 * These files are compiled into rocket-relay, which has no C library but rocket-relay-libc.c, and into
 * the unit tests, which have one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netlink.h"
#include "net/relay_address.h"
#include "net/relay_wire.h"

enum {
	RELAY_LISTENERS_MAX = 32768,
	RELAY_CONNS_MAX = 65536,
	RELAY_SESSIONS_MAX = 4096,
	RELAY_PEERS_MAX = RELAY_SESSIONS_MAX,
	RELAY_HOLES_MAX = 2048,       /* numbers of holes are below this */
	RELAY_SPARE_PIPES = 8,
	RELAY_HASH = 1024,            /* buckets */
	RELAY_COPY_BYTES = 8192,      /* what is shorter is copied, what is longer is spliced */
	RELAY_DATAGRAM_MAX = 65536,
	RELAY_UDP_IDLE_MS = 60000,
	RELAY_NONE = 0xffffffff,      /* no slot */
};

enum relay_kind { RELAY_CONTROL, RELAY_LISTENER, RELAY_CLIENT, RELAY_APP, RELAY_SESSION };

struct relay_listener {
	int fd;                 /* -1: free */
	uint32_t generation;
	uint32_t next;          /* free list */
	uint32_t hole;
	uint16_t app_port;
	uint8_t proto, family;
	bool lo_only;           /* bound to lo: no client needs to be asked where it came from */
};

/* One direction of a connection. Data lies in a pipe only while the receiving side does not take it. */
struct relay_way {
	int pipe[2];            /* -1: none */
	uint32_t held;          /* bytes in the pipe */
	bool bulk;              /* the last read was a full one: splice */
	bool waits;             /* the receiver takes no more for now */
	bool ending;            /* the sender's end is behind what it sent last: read up to it */
	bool ended;             /* it was read */
	bool closed;            /* … and the receiver was told */
};

enum relay_state { RELAY_FREE, RELAY_CONNECTING, RELAY_OPEN, RELAY_DEAD };

struct relay_conn {
	int fd[2];              /* client, app */
	struct relay_way way[2]; /* way[i] begins at fd[i] */
	uint32_t generation;
	uint32_t next;          /* free list, or the list of those with more to do */
	uint32_t hole;
	uint16_t app_port;
	uint8_t state;          /* enum relay_state */
	uint8_t family;         /* tried inside */
	bool fell_back;         /* the other family is tried already */
	uint8_t again;          /* bit i: way i has more to do; the slot is on the list when not 0 */
};

struct relay_session {
	int fd;                 /* the inner socket; -1: free */
	uint32_t generation;
	uint32_t next;          /* free list, or hash chain */
	uint32_t older, newer;  /* by last use */
	uint32_t listener;
	uint32_t peer;          /* its route inside, or RELAY_NONE */
	uint32_t link;          /* the host interface that the client came in on */
	int64_t used_ms;
	bool fell_back;
	union relay_addr client;
	union relay_addr to;    /* the host address that the client wrote to: answers come from there */
};

/* A UDP client's address, local inside the pod while a session of its lives. */
struct relay_peer {
	uint32_t uses;          /* 0: free */
	uint32_t next;
	union relay_addr addr;
};

struct relay_hole {
	uint64_t accepted, refused;
	uint16_t rule_first, rule_last; /* 0: no rule set */
	uint8_t rule_families;  /* bit 0: IPv4, bit 1: IPv6 */
	uint8_t name_len;       /* AF_UNIX: what is connected to, as in sun_path */
	char name[RELAY_NAME_MAX];
};

struct relay_pipe {
	int end[2];
};

struct relay_core {
	int epoll_fd, control_fd, netlink_fd;
	struct relay_listener *listeners;
	struct relay_conn *conns;
	struct relay_session *sessions;
	struct relay_peer *peers;
	struct relay_hole *holes;
	uint32_t *session_hash;  /* RELAY_HASH heads */
	uint8_t *datagram;       /* RELAY_DATAGRAM_MAX bytes */
	uint32_t listeners_used, conns_used, sessions_used, peers_used; /* slots touched so far */
	uint32_t listeners_free, conns_free, sessions_free, peers_free; /* heads of free lists */
	uint32_t conns_living, conns_max;
	uint32_t sessions_living, sessions_max;
	uint32_t oldest, newest; /* sessions by last use */
	uint32_t again;          /* connections with more to do now */
	bool paused;             /* no room for more connections: nothing is accepted */
	unsigned spare_pipes;
	struct relay_pipe spare[RELAY_SPARE_PIPES];
	struct netlink_batch batch;
};

/*
 * Takes over control_fd and netlink_fd (in the pod's network namespace; -1: UDP answers are not routed).
 * Needs descriptors: 2 a connection, and 2 more for each
 * direction that is stalled while there are any. 0 or -errno.
 */
[[nodiscard]] int relay_core_init(struct relay_core *c, int control_fd, int netlink_fd);
/* Serves until the supervisor closes its end. 0, or -errno when epoll itself fails. */
[[nodiscard]] int relay_core_run(struct relay_core *c);
/* One round: waits at most timeout_ms (-1: for ever) and handles what came. 0, 1 at the end, or -errno. */
[[nodiscard]] int relay_core_step(struct relay_core *c, int timeout_ms);

/* Between the files of the relay: */
[[nodiscard]] int relay_watch(struct relay_core *c, int fd, uint32_t events, enum relay_kind kind, uint32_t slot,
			      uint32_t generation);
void relay_pause(struct relay_core *c);
void relay_resume(struct relay_core *c);

/* False at the supervisor's end of file. */
[[nodiscard]] bool relay_control_read(struct relay_core *c);
void relay_control_ready(int control_fd, enum relay_stage stage, int errnum);

void relay_tcp_accept(struct relay_core *c, uint32_t listener);
void relay_tcp_event(struct relay_core *c, uint32_t slot, unsigned side, uint32_t events);
void relay_tcp_continue(struct relay_core *c);
uint32_t relay_tcp_cut(struct relay_core *c, uint32_t hole);
uint32_t relay_tcp_count(const struct relay_core *c, uint32_t hole);

void relay_udp_read(struct relay_core *c, uint32_t listener);
void relay_udp_event(struct relay_core *c, uint32_t slot, uint32_t events);
void relay_udp_expire(struct relay_core *c);
uint32_t relay_udp_cut(struct relay_core *c, uint32_t hole);
uint32_t relay_udp_count(const struct relay_core *c, uint32_t hole);
int64_t relay_now_ms(void);

/* relay_inner.c: a socket in the pod that speaks for a client. */
struct relay_inner {
	int type;               /* SOCK_STREAM or SOCK_DGRAM */
	sa_family_t family;
	uint16_t port;
};
/* The descriptor (non-blocking), with *ret_pending when the connection is not there yet; or -errno. */
/* The same for a unix socket: name as in sun_path. */
[[nodiscard]] int relay_inner_open_unix(const char *name, size_t n);
[[nodiscard]] int relay_inner_open(const struct relay_inner *want, const union relay_addr *client, bool *ret_pending);

/* relay_peer.c: routes for the answers of UDP apps. */
uint32_t relay_peer_take(struct relay_core *c, const union relay_addr *client);
void relay_peer_release(struct relay_core *c, uint32_t peer);
[[nodiscard]] int relay_rule_add(struct relay_core *c, const struct relay_request *q);
void relay_rule_remove(struct relay_core *c, uint32_t hole);
