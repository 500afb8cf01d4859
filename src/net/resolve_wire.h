/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's uplink and its resolver say to each other; a SOCK_SEQPACKET pair made by the supervisor.
 *
 *   resolver → READY    once: error 0, or the errno and where
 *   uplink   → CLEAR                        no name is open any more
 *            → NAME     name, suffix        this one is (suffix: every name below it; "" and suffix: every name)
 *   resolver → PIN      number, name, addresses, ttl_s     may the pod have them?
 *   uplink   → PINNED   number, allowed (a bit each)       it can reach these now
 *   resolver → REFUSED  name                a name without a hole was asked for
 *
 * Neither waits for the other but for PINNED, and that not longer than for a server outside.
 */
#pragma once

#include <stdint.h>

#include "net/dns.h"

enum resolve_op { RESOLVE_READY = 1, RESOLVE_CLEAR, RESOLVE_NAME, RESOLVE_PIN, RESOLVE_PINNED, RESOLVE_REFUSED };
enum { RESOLVE_PORT = 53, RESOLVE_TTL_MAX_S = 300, RESOLVE_GRACE_S = 60 };
/* Where a pod's name server listens: on its loopback, apart from all that apps use. */
#define RESOLVE_ADDRESS "127.77.255.53"

struct resolve_packet {
	uint32_t op;
	uint32_t number;        /* READY: errno */
	uint32_t allowed;
	uint32_t ttl_s;
	uint32_t n;
	uint32_t suffix;
	char name[DNS_NAME_MAX];
	struct out_addr addrs[DNS_ADDRS_MAX];
};
