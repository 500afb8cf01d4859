/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an out: hole leads, as numbers: what the wall's rules, the pod's routes and the cutting of connections all
 * compare with. Pure; shared by the uplink and its tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod/hole.h"

/* An address of either family; the first 4 bytes for AF_INET. Network order. */
struct out_addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct out_net {
	struct out_addr addr;
	uint8_t bits;
};

enum out_kind {
	OUT_NET,        /* one address or network */
	OUT_NAME,       /* what the name's answers were */
	OUT_INTERNET,   /* every public address */
	OUT_LAN,        /* every private one */
	OUT_HOST,       /* the host itself */
	OUT_POD,        /* another pod */
};

struct out_dest {
	enum out_kind kind;
	struct out_net net;     /* OUT_NET */
	bool suffix;            /* OUT_NAME: every name below it */
	const char *name;       /* OUT_NAME, without a suffix's dot; OUT_POD: the pod; the hole's memory */
	uint8_t protocol;       /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP; 0: all */
	uint16_t port, port_end; /* 0: every port */
};

/* Does the pod need a resolver for it? By name, and where every name of a kind may be asked for. */
static inline bool out_dest_asks_names(const struct out_dest *d)
{
	return d->kind == OUT_NAME || d->kind == OUT_INTERNET || d->kind == OUT_LAN;
}

/* From a parsed HOLE_OUT. */
void out_dest_of(const struct hole *h, struct out_dest *ret);

size_t out_addr_len(const struct out_addr *a);
bool out_net_holds(const struct out_net *n, const struct out_addr *a);
/*
 * never: loopback, link-local, multicast, metadata, reserved, and the range that uplinks themselves use; no network and
 * no name leads there. private: what stands for a local network.
 */
bool out_is_never(const struct out_addr *a);
bool out_is_private(const struct out_addr *a);
/* The lists behind these two. */
extern const struct out_net out_never[], out_private[];
extern const size_t out_never_n, out_private_n;

/* Does the destination hold this address (names aside), for this protocol and port? */
bool out_dest_holds(const struct out_dest *d, const struct out_addr *a);
bool out_dest_takes(const struct out_dest *d, uint8_t protocol, uint16_t port);
/* Does the asked name, in lower case and without a last dot, belong to an OUT_NAME? */
bool out_dest_names(const struct out_dest *d, const char *name);
