/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an app's UDP answers reach the relay. An unconnected UDP socket has no mark, so the rule for marks
 * does not help: the answer to a client would meet the wall. Instead
 *
 *   rule     udp from the hole's app ports → NET_RELAY_UDP_TABLE     while the hole is open
 *   route    local CLIENT in that table, source loopback             while a session of the client lives
 *
 * so that from the hole's port the living clients can be answered, and nobody else can be reached.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/relay_core.h"
#include "net/wall.h"

static const uint8_t loopback_v4[16] = { 127, 0, 0, 1 };
static const uint8_t loopback_v6[16] = { [15] = 1 };

static void peer_route(struct relay_core *c, enum netlink_change change, const union relay_addr *a)
{
	bool is_v6 = a->any.sa_family == AF_INET6;
	struct netlink_address source = { .family = (uint8_t)a->any.sa_family };
	struct netlink_route route = {
		.type = RTN_LOCAL,
		.to.family = (uint8_t)a->any.sa_family,
		.to_bits = is_v6 ? 128 : 32,
		.table = NET_RELAY_UDP_TABLE,
		.link = NET_LO,
		.source = &source,
	};
	int failed = -1;

	if (is_v6) {
		memcpy(route.to.bytes, &a->v6.sin6_addr, 16);
		memcpy(source.bytes, loopback_v6, 16);
	} else {
		memcpy(route.to.bytes, &a->v4.sin_addr, 4);
		memcpy(source.bytes, loopback_v4, 16);
	}
	netlink_add_route(&c->batch, change, &route);
	/* Without its route a client gets no answer; the wall stays shut either way. */
	if (netlink_commit(c->netlink_fd, &c->batch, &failed) < 0)
		return;
}

static uint32_t peer_find(const struct relay_core *c, const union relay_addr *a)
{
	for (uint32_t i = 0; i < c->peers_used; i++)
		if (c->peers[i].uses && relay_addr_same_host(&c->peers[i].addr, a))
			return i;
	return RELAY_NONE;
}

uint32_t relay_peer_take(struct relay_core *c, const union relay_addr *client)
{
	uint32_t slot;

	if (c->netlink_fd < 0)
		return RELAY_NONE;
	slot = peer_find(c, client);
	if (slot == RELAY_NONE) {
		slot = c->peers_free;
		if (slot != RELAY_NONE)
			c->peers_free = c->peers[slot].next;
		else
			slot = c->peers_used++; /* never more than sessions */
		c->peers[slot].addr = *client;
		c->peers[slot].uses = 0;
		peer_route(c, NETLINK_CREATE, client);
	}
	c->peers[slot].uses++;
	return slot;
}

void relay_peer_release(struct relay_core *c, uint32_t peer)
{
	if (peer == RELAY_NONE || --c->peers[peer].uses > 0)
		return;
	peer_route(c, NETLINK_DELETE, &c->peers[peer].addr);
	c->peers[peer].next = c->peers_free;
	c->peers_free = peer;
}

static int rule_change(struct relay_core *c, enum netlink_change change, const struct relay_hole *h, uint8_t family)
{
	struct netlink_rule rule = {
		.family = family,
		.priority = NET_RELAY_UDP_RULE,
		.table = NET_RELAY_UDP_TABLE,
		.protocol = IPPROTO_UDP,
		.from_port = h->rule_first,
		.from_port_end = h->rule_last,
	};
	int failed = -1;

	netlink_add_rule(&c->batch, change, &rule);
	netlink_forgive_family(&c->batch);
	return netlink_commit(c->netlink_fd, &c->batch, &failed);
}

static uint8_t family_bit(uint8_t family)
{
	return family == AF_INET6 ? 2 : 1;
}

/* Does another hole rest on the same rule? */
static bool rule_is_shared(const struct relay_core *c, uint32_t hole, uint8_t family)
{
	const struct relay_hole *h = &c->holes[hole];

	for (uint32_t i = 0; i < RELAY_HOLES_MAX; i++) {
		const struct relay_hole *other = &c->holes[i];

		if (i != hole && (other->rule_families & family_bit(family)) &&
		    other->rule_first == h->rule_first && other->rule_last == h->rule_last)
			return true;
	}
	return false;
}

int relay_rule_add(struct relay_core *c, const struct relay_request *q)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct relay_hole *h = &c->holes[q->hole];

	h->rule_first = q->port_first;
	h->rule_last = q->port_last;
	for (unsigned i = 0; i < 2; i++) {
		int r;

		/* Both: the app may answer in the other family than the client's. */
		if (c->netlink_fd < 0 || (h->rule_families & family_bit(families[i])))
			continue;
		r = rule_change(c, NETLINK_CREATE, h, families[i]);
		if (r < 0)
			return r;
		h->rule_families |= family_bit(families[i]);
	}
	return 0;
}

void relay_rule_remove(struct relay_core *c, uint32_t hole)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct relay_hole *h = &c->holes[hole];

	for (unsigned i = 0; i < 2; i++) {
		if (!(h->rule_families & family_bit(families[i])))
			continue;
		if (!rule_is_shared(c, hole, families[i]) && rule_change(c, NETLINK_DELETE, h, families[i]) < 0)
			continue;
		h->rule_families &= (uint8_t)~family_bit(families[i]);
	}
	h->rule_first = h->rule_last = 0;
}
