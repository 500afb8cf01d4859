/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor and its pod's uplink say to each other: a SOCK_SEQPACKET pair made by the supervisor, one
 * struct a packet, both ends built from the same source.
 *
 *   uplink      → READY                            once: the link stands, or why it does not (code, what, because, hint)
 *   supervisor  → ADD    number, text (the hole)
 *               ← ADD    code …
 *   supervisor  → REMOVE number
 *               ← REMOVE cut = connections that were ended
 *   supervisor  → COUNT  number
 *               ← COUNT  accepted, living; ERR_STATE: the kernel does not have it any more
 *   supervisor  → RESOLVER                         with the uplink's end of the pair with the resolver (SCM_RIGHTS)
 *               ← RESOLVER code …
 *   supervisor  → JUDGE  addr, protocol, port
 *               ← JUDGE  accepted = 1: a hole that is open lets this through
 *   supervisor  → LOG
 *               ← LOG    text: a line each, see uplink.h; more = another packet follows
 *
 * End of file on the supervisor's side ends the uplink, and with it link, rules and routes.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "net/out_dest.h"

enum uplink_op { UPLINK_READY = 1, UPLINK_ADD, UPLINK_REMOVE, UPLINK_COUNT, UPLINK_LOG, UPLINK_RESOLVER, UPLINK_JUDGE };
enum { UPLINK_TEXT_MAX = 8700, UPLINK_HOLES_MAX = 1024 };

struct uplink_request {
	uint32_t op;
	uint32_t number;
	struct out_addr addr;
	uint16_t port;
	uint8_t protocol;
	char text[UPLINK_TEXT_MAX];
};

struct uplink_reply {
	uint32_t op;
	uint32_t number;
	struct err err;          /* code 0: done */
	uint64_t accepted, refused;
	uint32_t living;
	uint32_t cut;
	uint32_t more;
	char text[UPLINK_TEXT_MAX];
};
