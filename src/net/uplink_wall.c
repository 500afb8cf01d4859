/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall: one table that nobody in the pod can reach. Seen from the veth's outer end:
 *
 *   forward   in from the pod  → out      out to the pod → back
 *   input     in from the pod  → tohost   (the host's own addresses)
 *   output    out to the pod   → fromhost
 *   postrouting                  the pod's address is masked
 *
 *   out       known connection of an open hole → accept      ─ one lookup: the path of all but first packets
 *             → holes                          → accept, and the connection gets the hole's mark
 *             anything else                    → rejected at once
 *
 * "holes" alone changes: it is written anew as a whole with every hole, so that no rule's handle need be known.
 */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/uplink_core.h"

enum { PRIORITY = -10, PRIORITY_SRCNAT = 100, DST4 = 16, DST6 = 24, SRC4 = 12, SRC6 = 8, PORTS_TO = 2 };
static const char set_open[] = "open", set_own4[] = "own4", set_own6[] = "own6";
static const char set_never4[] = "never4", set_never6[] = "never6";

/* ---- matches ---- */

static void match_u32(struct nft *n, uint32_t key, uint32_t value)
{
	nft_meta(n, key);
	nft_cmp(n, NFT_CMP_EQ, &value, sizeof(value));
}

static void match_not_u32(struct nft *n, uint32_t key, uint32_t value)
{
	nft_meta(n, key);
	nft_cmp(n, NFT_CMP_NEQ, &value, sizeof(value));
}

static void match_u8(struct nft *n, uint32_t key, uint8_t value)
{
	nft_meta(n, key);
	nft_cmp(n, NFT_CMP_EQ, &value, sizeof(value));
}

static void match_state(struct nft *n, uint32_t states)
{
	const uint32_t none = 0;

	nft_ct(n, NFT_CT_STATE);
	nft_mask(n, &states, sizeof(states));
	nft_cmp(n, NFT_CMP_NEQ, &none, sizeof(none));
}

enum { KNOWN = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) };

static void match_family(struct nft *n, uint8_t family)
{
	match_u8(n, NFT_META_NFPROTO, family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
}

static void load_to(struct nft *n, uint8_t family)
{
	if (family == AF_INET6)
		nft_payload(n, NFT_PAYLOAD_NETWORK_HEADER, DST6, 16);
	else
		nft_payload(n, NFT_PAYLOAD_NETWORK_HEADER, DST4, 4);
}

static void match_to(struct nft *n, const struct out_net *net)
{
	uint32_t len = (uint32_t)out_addr_len(&net->addr);
	uint8_t mask[16] = {};

	match_family(n, net->addr.family);
	if (net->bits == 0)
		return;
	for (uint32_t i = 0; i < net->bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	load_to(n, net->addr.family);
	if (net->bits < 8 * len)
		nft_mask(n, mask, len);
	nft_cmp(n, NFT_CMP_EQ, net->addr.bytes, len);
}

static void match_ports(struct nft *n, const struct out_dest *d, uint8_t family)
{
	uint16_t from = htons(d->port), to = htons(d->port_end);

	if (!d->protocol)
		return;
	match_u8(n, NFT_META_L4PROTO,
		 d->protocol == IPPROTO_ICMP && family == AF_INET6 ? IPPROTO_ICMPV6 : d->protocol);
	if (!d->port || d->protocol == IPPROTO_ICMP)
		return;
	nft_payload(n, NFT_PAYLOAD_TRANSPORT_HEADER, PORTS_TO, 2);
	if (from == to)
		nft_cmp(n, NFT_CMP_EQ, &from, sizeof(from));
	else
		nft_range(n, &from, &to, sizeof(from));
}

/* Not to where no network leads: the host's own, loopback, metadata … */
static void match_allowed(struct nft *n, uint8_t family)
{
	load_to(n, family);
	nft_lookup(n, family == AF_INET6 ? set_never6 : set_never4, true);
	load_to(n, family);
	nft_lookup(n, family == AF_INET6 ? set_own6 : set_own4, true);
}

/* ---- the fixed part ---- */

static void rule_jump(struct nft *n, const char *chain, uint32_t key, uint32_t link, const char *to)
{
	nft_rule_begin(n, chain);
	match_u32(n, key, link);
	nft_verdict(n, NFT_JUMP, to);
	nft_rule_end(n);
}

static void rule_all(struct nft *n, const char *chain, int32_t verdict, const char *to)
{
	nft_rule_begin(n, chain);
	nft_verdict(n, verdict, to);
	nft_rule_end(n);
}

/* Of connections that a hole let through, as long as it is open. */
static void rule_known(struct nft *n, const char *chain)
{
	nft_rule_begin(n, chain);
	nft_ct(n, NFT_CT_MARK);
	nft_lookup(n, set_open, false);
	match_state(n, KNOWN);
	nft_verdict(n, NF_ACCEPT, NULL);
	nft_rule_end(n);
}

/* The two ends of the link may ask for each other's hardware address. */
static void rule_neighbours(struct nft *n, const char *chain)
{
	const uint8_t from = 135, to = 136;

	nft_rule_begin(n, chain);
	match_u8(n, NFT_META_L4PROTO, IPPROTO_ICMPV6);
	nft_payload(n, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nft_range(n, &from, &to, 1);
	nft_verdict(n, NF_ACCEPT, NULL);
	nft_rule_end(n);
}

/* A refusal is told at once: a reset to what was a connection, "prohibited" to all else. */
static void rule_refuse(struct nft *n, const char *chain)
{
	nft_rule_begin(n, chain);
	match_u8(n, NFT_META_L4PROTO, IPPROTO_TCP);
	match_state(n, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_INVALID_BIT);
	nft_reject(n, NFT_REJECT_WITH_RESET);
	nft_rule_end(n);
	nft_rule_begin(n, chain);
	nft_reject(n, NFT_REJECT_PROHIBITED);
	nft_rule_end(n);
}

static void rule_mask(struct nft *n, const struct uplink_core *c, const struct out_addr *a)
{
	uint32_t len = (uint32_t)out_addr_len(a);

	nft_rule_begin(n, "post");
	match_family(n, a->family);
	nft_payload(n, NFT_PAYLOAD_NETWORK_HEADER, a->family == AF_INET6 ? SRC6 : SRC4, len);
	nft_cmp(n, NFT_CMP_EQ, a->bytes, len);
	match_not_u32(n, NFT_META_OIF, c->link_index);
	nft_masquerade(n);
	nft_rule_end(n);
}

static void add_chains(struct nft *n)
{
	static const struct {
		const char *name;
		struct nft_hook hook;
	} bases[] = {
		{ "forward", { "filter", NF_INET_FORWARD, PRIORITY } },
		{ "input", { "filter", NF_INET_LOCAL_IN, PRIORITY } },
		{ "output", { "filter", NF_INET_LOCAL_OUT, PRIORITY } },
		{ "post", { "nat", NF_INET_POST_ROUTING, PRIORITY_SRCNAT } },
	};
	static const char *const plain[] = { "out", "back", "tohost", "fromhost", "holes" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		nft_chain(n, plain[i], NULL);
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		nft_chain(n, bases[i].name, &bases[i].hook);
}

static void add_net(struct nft *n, const char *set, const struct out_net *net)
{
	uint32_t len = (uint32_t)out_addr_len(&net->addr);
	uint8_t last[16];

	memcpy(last, net->addr.bytes, len);
	for (uint32_t i = net->bits; i < 8 * len; i++)
		last[i / 8] |= (uint8_t)(0x80 >> i % 8);
	nft_element(n, set, len, net->addr.bytes, last, 0);
}

static void add_sets(struct nft *n)
{
	nft_set(n, set_open, 4, false, false);
	nft_set(n, set_never4, 4, true, false);
	nft_set(n, set_never6, 16, true, false);
	nft_set(n, set_own4, 4, false, true);
	nft_set(n, set_own6, 16, false, true);
	for (size_t i = 0; i < out_never_n; i++)
		add_net(n, out_never[i].addr.family == AF_INET6 ? set_never6 : set_never4, &out_never[i]);
}

int uplink_wall_make(struct uplink_core *c, struct err *e)
{
	struct nft *n = &c->nft;
	int r = nft_open(n, c->table, e);

	if (r < 0)
		return r;
	nft_begin(n);
	nft_table(n);
	add_sets(n);
	add_chains(n);
	rule_jump(n, "forward", NFT_META_IIF, c->link_index, "out");
	rule_jump(n, "forward", NFT_META_OIF, c->link_index, "back");
	rule_jump(n, "input", NFT_META_IIF, c->link_index, "tohost");
	rule_jump(n, "output", NFT_META_OIF, c->link_index, "fromhost");
	rule_known(n, "out");
	rule_all(n, "out", NFT_JUMP, "holes");
	rule_refuse(n, "out");
	rule_known(n, "back");
	rule_all(n, "back", NF_DROP, NULL);
	rule_neighbours(n, "tohost");
	rule_known(n, "tohost");
	rule_refuse(n, "tohost");
	rule_neighbours(n, "fromhost");
	nft_rule_begin(n, "fromhost");
	match_state(n, KNOWN);
	nft_verdict(n, NF_ACCEPT, NULL);
	nft_rule_end(n);
	nft_rule_begin(n, "fromhost");
	nft_reject(n, NFT_REJECT_PROHIBITED);
	nft_rule_end(n);
	rule_mask(n, c, &c->in4);
	if (c->has_v6)
		rule_mask(n, c, &c->in6);
	return nft_commit(n, e);
}

/* ---- holes ---- */

/* "h12", "p12_4", "p12_6" */
static void part_name(char *out, size_t cap, char what, uint32_t number, uint8_t family)
{
	if (family)
		snprintf(out, cap, "%c%u_%c", what, number, family == AF_INET6 ? '6' : '4');
	else
		snprintf(out, cap, "%c%u", what, number);
}

static void accept_hole(struct nft *n, const struct uplink_hole *h, uint32_t number)
{
	char counter[16];

	part_name(counter, sizeof(counter), 'h', number, 0);
	nft_ct_set_mark(n, h->mark);
	nft_count_named(n, counter);
	nft_verdict(n, NF_ACCEPT, NULL);
}

static void write_net(struct nft *n, const struct uplink_hole *h, uint32_t number)
{
	const struct out_net *net = &h->dest.net;

	nft_rule_begin(n, "holes");
	match_to(n, net);
	/* One address was named itself; a network never holds those that nobody named. */
	if (net->bits < 8 * out_addr_len(&net->addr))
		match_allowed(n, net->addr.family);
	match_ports(n, &h->dest, net->addr.family);
	accept_hole(n, h, number);
	nft_rule_end(n);
}

static void write_name(struct nft *n, const struct uplink_hole *h, uint32_t number, uint8_t family)
{
	char set[16];

	part_name(set, sizeof(set), 'p', number, family);
	nft_rule_begin(n, "holes");
	match_family(n, family);
	load_to(n, family);
	nft_lookup(n, set, false);
	match_allowed(n, family);
	match_ports(n, &h->dest, family);
	accept_hole(n, h, number);
	nft_rule_end(n);
}

static void write_lan(struct nft *n, const struct uplink_hole *h, uint32_t number)
{
	for (size_t i = 0; i < out_private_n; i++) {
		nft_rule_begin(n, "holes");
		match_to(n, &out_private[i]);
		match_allowed(n, out_private[i].addr.family);
		match_ports(n, &h->dest, out_private[i].addr.family);
		accept_hole(n, h, number);
		nft_rule_end(n);
	}
}

/* Everything but the private networks: one rule a family that names each of them as not meant. */
static void write_internet(struct nft *n, const struct uplink_hole *h, uint32_t number, uint8_t family)
{
	uint32_t len = family == AF_INET6 ? 16 : 4;

	nft_rule_begin(n, "holes");
	match_family(n, family);
	match_allowed(n, family);
	for (size_t i = 0; i < out_private_n; i++) {
		uint8_t mask[16] = {};

		if (out_private[i].addr.family != family)
			continue;
		for (uint32_t bit = 0; bit < out_private[i].bits; bit++)
			mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		load_to(n, family);
		nft_mask(n, mask, len);
		nft_cmp(n, NFT_CMP_NEQ, out_private[i].addr.bytes, len);
	}
	match_ports(n, &h->dest, family);
	accept_hole(n, h, number);
	nft_rule_end(n);
}

static void write_hole(struct nft *n, const struct uplink_hole *h, uint32_t number)
{
	switch (h->dest.kind) {
	case OUT_NET:
		write_net(n, h, number);
		return;
	case OUT_NAME:
		write_name(n, h, number, AF_INET);
		write_name(n, h, number, AF_INET6);
		return;
	case OUT_LAN:
		write_lan(n, h, number);
		return;
	case OUT_INTERNET:
		write_internet(n, h, number, AF_INET);
		write_internet(n, h, number, AF_INET6);
		return;
	default:
		return;
	}
}

int uplink_wall_write(struct uplink_core *c, struct err *e)
{
	nft_flush(&c->nft, "holes");
	for (uint32_t i = 0; i < UPLINK_HOLES_MAX; i++)
		if (c->holes[i].open)
			write_hole(&c->nft, &c->holes[i], i);
	return nft_commit(&c->nft, e);
}

void uplink_wall_add_parts(struct uplink_core *c, uint32_t number)
{
	const struct uplink_hole *h = &c->holes[number];
	char name[16];

	nft_element(&c->nft, set_open, 4, &h->mark, NULL, 0);
	part_name(name, sizeof(name), 'h', number, 0);
	nft_counter(&c->nft, name);
	if (h->dest.kind != OUT_NAME)
		return;
	part_name(name, sizeof(name), 'p', number, AF_INET);
	nft_set(&c->nft, name, 4, false, true);
	part_name(name, sizeof(name), 'p', number, AF_INET6);
	nft_set(&c->nft, name, 16, false, true);
}

void uplink_wall_remove_parts(struct uplink_core *c, uint32_t number)
{
	const struct uplink_hole *h = &c->holes[number];
	char name[16];

	nft_element_delete(&c->nft, set_open, 4, &h->mark);
	part_name(name, sizeof(name), 'h', number, 0);
	nft_counter_delete(&c->nft, name);
	if (h->dest.kind != OUT_NAME)
		return;
	part_name(name, sizeof(name), 'p', number, AF_INET);
	nft_set_delete(&c->nft, name);
	part_name(name, sizeof(name), 'p', number, AF_INET6);
	nft_set_delete(&c->nft, name);
}

int uplink_wall_pin(struct uplink_core *c, uint32_t number, const struct out_addr *a, int64_t ms, struct err *e)
{
	uint32_t len = (uint32_t)out_addr_len(a);
	struct err ignored = {};
	char set[16];

	part_name(set, sizeof(set), 'p', number, a->family);
	/* A known one starts its time anew: gone first, then there again, in one transaction. */
	nft_begin(&c->nft);
	nft_element_delete(&c->nft, set, len, a->bytes);
	nft_element(&c->nft, set, len, a->bytes, NULL, (uint64_t)ms);
	if (nft_commit(&c->nft, &ignored) == 0)
		return 0;
	nft_begin(&c->nft);
	nft_element(&c->nft, set, len, a->bytes, NULL, (uint64_t)ms);
	return nft_commit(&c->nft, e);
}

int uplink_wall_count(struct uplink_core *c, uint32_t number, uint64_t *ret, struct err *e)
{
	char counter[16];

	part_name(counter, sizeof(counter), 'h', number, 0);
	return nft_counter_read(&c->nft, counter, ret, e);
}
