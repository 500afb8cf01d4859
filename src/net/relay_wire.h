/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor and its pod's relay say to each other: a SOCK_SEQPACKET pair made by the supervisor,
 * one struct a packet, both ends built from the same source. The relay never speaks unasked but once.
 *
 *   relay       → READY  error, stage                     once, when it is jailed (or why it could not be)
 *   supervisor  → ADD    hole, proto, family, app_port    with 1..16 bound sockets (SCM_RIGHTS); the
 *                                                         i-th belongs to app_port + i
 *               ← ADD    error
 *   supervisor  → ADD    hole, family AF_UNIX, name       with one listening socket; name is connected to
 *               ← ADD    error
 *   supervisor  → REMOVE hole
 *               ← REMOVE cut = connections and sessions that were ended
 *   supervisor  → COUNT  hole
 *               ← COUNT  accepted, refused, cut = living ones
 *
 * End of file on the supervisor's side ends the relay, and with it every connection.
 */
#pragma once

#include <stdint.h>

enum relay_op { RELAY_READY = 1, RELAY_ADD, RELAY_REMOVE, RELAY_COUNT };

/* Where the relay's start may fail; relay.c has the words. */
enum relay_stage {
	RELAY_STAGE_NONE,
	RELAY_STAGE_JOIN,
	RELAY_STAGE_SYSCTL,
	RELAY_STAGE_ROUTES,
	RELAY_STAGE_ROOT,
	RELAY_STAGE_IDS,
	RELAY_STAGE_CAPS,
	RELAY_STAGE_LIMITS,
	RELAY_STAGE_FILTER,
	RELAY_STAGE_MEMORY,
	RELAY_STAGE_COUNT,
};

enum { RELAY_FDS_MAX = 16, RELAY_NAME_MAX = 108 };

struct relay_request {
	uint32_t op;
	uint32_t hole;         /* the supervisor's number for the hole */
	uint16_t app_port;
	uint16_t port_first;   /* the hole's whole range of app ports: UDP's answers are routed by it */
	uint16_t port_last;
	uint8_t proto;         /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t family;        /* AF_INET, AF_INET6 or AF_UNIX: the sockets' */
	uint8_t name_len;      /* AF_UNIX: bytes of name, as in sun_path */
	uint8_t reserved;
	char name[RELAY_NAME_MAX];
};

struct relay_reply {
	uint32_t op;
	uint32_t hole;
	int32_t error;         /* errno, 0: done */
	uint32_t stage;        /* READY: enum relay_stage */
	uint64_t accepted;
	uint64_t refused;      /* the app did not listen, or the client claimed to be what it can't be */
	uint32_t cut;
	uint32_t reserved;
};
