/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small rtnetlink: links, addresses, routes and rules of both families, many changes in one system
 * call. Needs no allocation, no stdio and no struct err, because the relay uses it without a C library.
 *
 *   struct netlink_batch b = {};
 *   netlink_add_link_up(&b, 1);
 *   netlink_add_route(&b, NETLINK_CREATE, &(struct netlink_route){ … });
 *   r = netlink_commit(fd, &b, &failed);
 *
 * The changes act on the network namespace in which the socket was opened and need CAP_NET_ADMIN over
 * it. rtnetlink(7), <linux/rtnetlink.h>, <linux/fib_rules.h>.
 */
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

enum netlink_change { NETLINK_CREATE, NETLINK_DELETE };

/*
 * One message a change. All of them are sent even when one fails; netlink_commit() tells the first that
 * failed. What was so already (exists, is gone) is no failure, and neither is a change of a family that
 * this kernel lacks when the message is marked with netlink_forgive_family().
 */
enum { NETLINK_BATCH_BYTES = 2048, NETLINK_BATCH_CHANGES = 24 };

struct netlink_batch {
	uint32_t len;
	uint32_t n;
	bool full;               /* an add found no room: commit refuses the whole batch */
	uint32_t deletes;        /* bit i: change i deletes */
	uint32_t forgive_family; /* bit i: change i may fail for want of its family */
	alignas(4) uint8_t bytes[NETLINK_BATCH_BYTES];
};

struct netlink_address {
	uint8_t family;         /* AF_INET or AF_INET6 */
	uint8_t bytes[16];      /* network order; the first 4 for AF_INET */
};

struct netlink_route {
	uint8_t type;           /* RTN_UNICAST, RTN_LOCAL, RTN_PROHIBIT, RTN_BLACKHOLE … */
	struct netlink_address to; /* family always; bytes count when to_bits > 0 */
	uint8_t to_bits;        /* 0: default */
	uint32_t table;         /* RT_TABLE_MAIN … */
	uint32_t metric;        /* 0: the kernel's */
	uint32_t link;          /* output interface, 0: none */
	const struct netlink_address *gateway; /* NULL: on the link */
	const struct netlink_address *source;  /* preferred source, or NULL */
	bool onlink;            /* the gateway is on the link, whatever the tables say */
};

struct netlink_rule {
	uint8_t family;
	uint32_t priority;
	uint32_t table;
	uint32_t mark;          /* 0: not matched */
	uint8_t protocol;       /* IPPROTO_UDP …; 0: not matched */
	uint16_t from_port, from_port_end; /* source ports; 0: not matched */
	uint16_t to_port, to_port_end;     /* destination ports; 0: not matched */
};

/* A route socket in the caller's network namespace, close-on-exec. The descriptor or -errno. */
[[nodiscard]] int netlink_open(void);

void netlink_add_link_up(struct netlink_batch *b, uint32_t link);
/* One end of a veth pair in a network namespace: a name of at most 15 bytes, and where. */
struct netlink_veth_end {
	const char *name;
	int netns_fd;           /* -1: the socket's own namespace */
	uint32_t index;         /* 0: the kernel picks */
};
/* A veth pair; both ends are down. The first end is made in the socket's namespace. */
void netlink_add_veth(struct netlink_batch *b, const struct netlink_veth_end *here, const struct netlink_veth_end *there);
void netlink_add_address(struct netlink_batch *b, enum netlink_change change, uint32_t link,
			 const struct netlink_address *addr, uint8_t bits);
void netlink_add_route(struct netlink_batch *b, enum netlink_change change, const struct netlink_route *r);
void netlink_add_rule(struct netlink_batch *b, enum netlink_change change, const struct netlink_rule *r);
/* The change added last may fail because the kernel was started without its address family. */
void netlink_forgive_family(struct netlink_batch *b);

/*
 * Sends the batch and waits for the kernel's answers. 0, or -errno of the first change that failed with
 * its number in *ret_failed (-1: the talk itself failed). The batch is empty afterwards.
 */
[[nodiscard]] int netlink_commit(int fd, struct netlink_batch *b, int *ret_failed);
