/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink process: what its parts share. Everything is allocated at its start or bounded by these numbers.
 *
 *   uplink_way.c     which way out this host allows; pasta
 *   uplink_link.c    the veth, its addresses
 *   uplink_wall.c    the table outside the pod
 *   uplink_route.c   rules and routes in the pod: the answer
 *   uplink_cut.c     living connections: counted and ended
 *   uplink_names.c   addresses of names, with their time; the resolver
 *   uplink_core.c    holes, the control socket, the loop
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "net/nft.h"
#include "net/out_dest.h"
#include "net/uplink_wire.h"

enum {
	UPLINK_PINS = 4096,     /* addresses of names, all holes together */
	UPLINK_ROUTES = 16384,
	UPLINK_LOG_NAMES = 512,
	UPLINK_NAME_ADDRS = 8,
	UPLINK_OWN = 256,
};

/* One address that a name's answer gave, for one hole. */
struct uplink_pin {
	uint32_t number;        /* of the hole; UPLINK_HOLES_MAX: unused */
	struct out_addr addr;
	int64_t until_ns;       /* monotonic; the wall forgets it then, and we remember it for cutting */
};

struct uplink_hole {
	bool open;
	struct out_dest dest;
	uint32_t mark;          /* on its connections */
	uint16_t class;         /* its protocol and ports, in the pod's rules */
	char text[512];         /* what dest.name points into */
};

struct uplink_class {
	uint32_t users;
	uint8_t protocol;
	uint16_t port, port_end;
	bool internet;          /* its table says "throw" for what is not public, so nothing else is in it */
};

struct uplink_route {
	uint16_t class;
	uint8_t type;           /* RTN_UNICAST or RTN_THROW */
	uint32_t users;
	struct out_net to;
};

/* A name that had no hole, or that a learning pod was let through to. */
struct uplink_name {
	char name[256];
	uint64_t count;
	int64_t first_ns, last_ns; /* of the day */
	bool refused;
	struct out_addr addrs[UPLINK_NAME_ADDRS]; /* its last ones */
	uint32_t n_addrs;
};

struct uplink_core {
	const char *id, *name;
	bool learn;
	int control_fd, root_fd;
	int host_ns_fd, wall_ns_fd, pod_ns_fd;
	int wall_route_fd, pod_route_fd, pod_diag_fd;
	char way[16];
	char link[16];          /* the veth's name outside */
	uint32_t link_index, in_index; /* of the two ends, each in its namespace */
	struct out_addr out4, in4, out6, in6; /* of the two ends: outside is the pod's gateway */
	bool has_v4, has_v6;
	char table[32];
	struct nft nft;
	uint32_t marks;         /* given so far */
	struct uplink_hole *holes; /* UPLINK_HOLES_MAX */
	struct uplink_class *classes; /* NET_OUT_CLASSES */
	struct uplink_route *routes;
	size_t n_routes;
	struct uplink_pin *pins; /* UPLINK_PINS */
	struct uplink_name *names; /* UPLINK_LOG_NAMES */
	size_t n_names;
	int resolver_fd;        /* net/resolve_wire.h; -1: none */
	int given_fd;           /* came with the request that is being answered */
	pid_t pasta_pid;
	struct out_addr own[UPLINK_OWN]; /* of the host, with pasta */
	size_t n_own;
};

/* ---- uplink_way.c ---- */

/* Decides, and puts the calling process into the namespace where the wall will stand. On the host, as root. */
[[nodiscard]] int uplink_way_choose(struct uplink_core *c, struct err *e);
/* The host's own addresses, which no network leads to: into the table's sets. */
void uplink_way_fill_own(struct uplink_core *c);

/* ---- uplink_link.c ---- */

/* Opens the pod's sockets, makes the pair, gives both ends their addresses, brings them up. */
[[nodiscard]] int uplink_link_make(struct uplink_core *c, struct err *e);

/* ---- uplink_wall.c ---- */

[[nodiscard]] int uplink_wall_make(struct uplink_core *c, struct err *e);
/* Writes the chain of holes anew from what is open. One transaction. */
[[nodiscard]] int uplink_wall_write(struct uplink_core *c, struct err *e);
/* A name's address for a hole, for as long. */
[[nodiscard]] int uplink_wall_pin(struct uplink_core *c, uint32_t number, const struct out_addr *a, int64_t ms,
				  struct err *e);
/* The hole's things that the chain does not hold: its mark, its counter, its sets. */
void uplink_wall_add_parts(struct uplink_core *c, uint32_t number);
void uplink_wall_remove_parts(struct uplink_core *c, uint32_t number);
[[nodiscard]] int uplink_wall_count(struct uplink_core *c, uint32_t number, uint64_t *ret, struct err *e);

/* ---- uplink_route.c ---- */

[[nodiscard]] int uplink_route_open(struct uplink_core *c, struct uplink_hole *h, struct err *e);
void uplink_route_close(struct uplink_core *c, struct uplink_hole *h);
/* One more address of a hole by name. */
[[nodiscard]] int uplink_route_pin(struct uplink_core *c, struct uplink_hole *h, const struct out_addr *a,
				   struct err *e);
void uplink_route_unpin(struct uplink_core *c, struct uplink_hole *h, const struct out_addr *a);

/* ---- uplink_cut.c ---- */

/* Does the hole let this through? */
bool uplink_hole_has(const struct uplink_core *c, uint32_t number, uint8_t protocol, const struct out_addr *to,
		     uint16_t port);
/* Living connections that this hole lets through; with cut they are ended, unless another open hole has them too. */
uint32_t uplink_cut(struct uplink_core *c, uint32_t number, bool cut);

/* ---- uplink_names.c ---- */

/* Is the address one that this hole's name had? */
bool uplink_names_hold(const struct uplink_core *c, uint32_t number, const struct out_addr *a);
void uplink_names_forget(struct uplink_core *c, uint32_t number);
/* Tells the resolver which names are open. */
[[nodiscard]] int uplink_names_write(struct uplink_core *c, struct err *e);
/* A packet of the resolver's. */
void uplink_names_hear(struct uplink_core *c);
void uplink_names_log(struct uplink_core *c, uint32_t op);

/* ---- uplink_core.c ---- */

/* Serves until the supervisor's end closes. */
void uplink_core_run(struct uplink_core *c);
void uplink_core_reply(const struct uplink_core *c, struct uplink_reply *r);
