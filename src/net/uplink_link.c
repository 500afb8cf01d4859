/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link: a veth pair between the pod's network and the namespace where the wall stands, with two addresses of its
 * own at each end. The pairs are /31 of 198.18.0.0/15 (RFC 2544, for no one's network) and /127 of fd72:6b74::/48; which
 * one follows from the pod's id, and the next one is taken where the host has a route there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/netlink.h"
#include "net/uplink_core.h"
#include "net/wall.h"

enum { PAIR_TRIES = 64, ROUTES_MAX = 16 << 20 };
static const char pod_link[] = "out0";

static void make_addresses(struct uplink_core *c, uint16_t pair)
{
	uint32_t low = (uint32_t)pair << 1;
	uint8_t v4[4] = { 198, (uint8_t)(18 + (low >> 16)), (uint8_t)(low >> 8), (uint8_t)low };
	uint8_t v6[16] = { 0xfd, 0x72, 0x6b, 0x74, [6] = (uint8_t)(pair >> 8), [7] = (uint8_t)pair, [15] = 2 };

	c->out4 = c->in4 = (struct out_addr){ .family = AF_INET };
	c->out6 = c->in6 = (struct out_addr){ .family = AF_INET6 };
	memcpy(c->out4.bytes, v4, 4);
	memcpy(c->out6.bytes, v6, 16);
	v4[3] |= 1;
	v6[15] |= 1;
	memcpy(c->in4.bytes, v4, 4);
	memcpy(c->in6.bytes, v6, 16);
}

/* How many routes of this namespace, the default aside, hold the pair's address (proc(5), /proc/net/route). */
static int count_routes(const struct out_addr *a)
{
	uint32_t want;
	struct err ignored = {};
	autofree char *text = NULL;
	size_t n;
	int count = 0;

	memcpy(&want, a->bytes, sizeof(want));
	if (io_read_file(AT_FDCWD, "/proc/self/net/route", ROUTES_MAX, &text, &n, &ignored) < 0)
		return 0;
	for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		char name[17];
		unsigned to, gateway, flags, refs, use, metric, mask;

		if (sscanf(line + 1, "%16s %x %x %x %u %u %u %x", name, &to, &gateway, &flags, &refs, &use, &metric,
			   &mask) == 8 &&
		    mask && (want & mask) == to)
			count++;
	}
	return count;
}

static uint16_t first_pair(const char *id)
{
	char digits[5] = "";

	memcpy(digits, id, 4);
	return (uint16_t)strtoul(digits, NULL, 16);
}

/* ---- sockets in the pod ---- */

static int pod_socket(int domain, int type, int protocol)
{
	return socket(domain, type | SOCK_CLOEXEC, protocol);
}

static int open_in_pod(struct uplink_core *c, struct err *e)
{
	c->pod_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	c->pod_route_fd = netlink_open();
	c->pod_diag_fd = pod_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	if (c->pod_ns_fd < 0 || c->pod_route_fd < 0)
		return err_errno(e, "can't open a route socket in the pod's network");
	return 0;
}

static int visit_pod(struct uplink_core *c, int pod_fd, struct err *e)
{
	int r;

	if (setns(pod_fd, CLONE_NEWNET) < 0)
		return err_errno(e, "can't enter the pod's network");
	r = open_in_pod(c, e);
	if (setns(c->wall_ns_fd, CLONE_NEWNET) < 0)
		return err_errno(e, "can't come back from the pod's network");
	return r;
}

/* ---- the pair ---- */

static int commit(int fd, struct netlink_batch *b, const char *what, struct err *e)
{
	int failed = -1, r = netlink_commit(fd, b, &failed);

	if (r == 0)
		return 0;
	errno = -r;
	return err_errno(e, "can't %s", what);
}

static struct netlink_address address_of(const struct out_addr *a)
{
	struct netlink_address n = { .family = a->family };

	memcpy(n.bytes, a->bytes, sizeof(n.bytes));
	return n;
}

static int set_end(struct uplink_core *c, int fd, uint32_t link, const struct out_addr *v4, const struct out_addr *v6,
		   struct err *e)
{
	struct netlink_address a4 = address_of(v4), a6 = address_of(v6);
	struct netlink_batch b = {};

	netlink_add_address(&b, NETLINK_CREATE, link, &a4, 31);
	if (c->has_v6) {
		netlink_add_address(&b, NETLINK_CREATE, link, &a6, 127);
		netlink_forgive_family(&b);
	}
	netlink_add_link_up(&b, link);
	return commit(fd, &b, "set up the pod's link", e);
}

static int make_pair(struct uplink_core *c, struct err *e)
{
	const struct netlink_veth_end here = { .name = c->link, .netns_fd = -1 };
	const struct netlink_veth_end there = { .name = pod_link, .netns_fd = c->pod_ns_fd };
	struct netlink_batch b = {};

	netlink_add_veth(&b, &here, &there);
	if (commit(c->wall_route_fd, &b, "make the pod's link", e) < 0)
		return err_try(e, "modprobe veth");
	c->link_index = if_nametoindex(c->link);
	return c->link_index ? 0 : err_errno(e, "can't find the pod's link %s", c->link);
}

/* Replies come in by the one link there is; reverse-path checks would ask rules that know only the way out. */
static int relax_pod(struct uplink_core *c, int pod_fd, struct err *e)
{
	if (setns(pod_fd, CLONE_NEWNET) < 0)
		return err_errno(e, "can't enter the pod's network");
	c->in_index = if_nametoindex(pod_link);
	(void)!io_write_knob(AT_FDCWD, "/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	(void)!io_write_knob(AT_FDCWD, "/proc/sys/net/ipv4/conf/out0/rp_filter", "0");
	if (setns(c->wall_ns_fd, CLONE_NEWNET) < 0)
		return err_errno(e, "can't come back from the pod's network");
	return c->in_index ? 0 : err_new(e, ERR_FAILED, "the pod's end of its link is gone");
}

static int make_outer(struct uplink_core *c, struct err *e)
{
	uint16_t pair = first_pair(c->id);
	int tries = 0;

	make_addresses(c, pair);
	while (count_routes(&c->out4) && tries++ < PAIR_TRIES)
		make_addresses(c, ++pair);
	return set_end(c, c->wall_route_fd, c->link_index, &c->out4, &c->out6, e);
}

int uplink_link_make(struct uplink_core *c, struct err *e)
{
	const int pod_fd = STDOUT_FILENO; /* see rocket-uplink.c */
	int r;

	c->wall_route_fd = netlink_open();
	if (c->wall_route_fd < 0)
		return err_errno(e, "can't open a route socket");
	r = visit_pod(c, pod_fd, e);
	if (r == 0)
		r = make_pair(c, e);
	if (r == 0)
		r = make_outer(c, e);
	/* Another pod may have taken the pair in the same moment; both move on, to different ones. */
	for (int i = 0; r == 0 && count_routes(&c->out4) > 1 && i < PAIR_TRIES; i++) {
		make_addresses(c, (uint16_t)(first_pair(c->id) + 257 * (i + 1) + getpid()));
		r = set_end(c, c->wall_route_fd, c->link_index, &c->out4, &c->out6, e);
	}
	if (r == 0)
		r = relax_pod(c, pod_fd, e);
	return r < 0 ? r : set_end(c, c->pod_route_fd, c->in_index, &c->in4, &c->in6, e);
}
