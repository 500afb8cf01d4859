/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of DNS as a pod's resolver needs: one question for addresses in, one answer out (RFC 1035, RFC 6891). Both
 * sides are hostile: the app that asks and whoever answers from outside. Pure, bounded, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/out_dest.h"

enum {
	DNS_NAME_MAX = 256,     /* text with its end */
	DNS_QUESTION_MAX = 260, /* a name of 255 bytes, type, class */
	DNS_PACKET_MAX = 1232,  /* what we send and ask for: no fragments on any path */
	DNS_ADDRS_MAX = 24,
};
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_HTTPS = 65 };
enum dns_rcode { DNS_OK = 0, DNS_BAD = 1, DNS_FAILED = 2, DNS_NO_NAME = 3, DNS_REFUSED = 5 };

struct dns_question {
	uint16_t id;
	uint16_t type;
	bool recursion;
	char name[DNS_NAME_MAX];        /* lower case, without the last dot */
	uint8_t bytes[DNS_QUESTION_MAX]; /* as it came: what an answer repeats */
	uint16_t len;
};

/*
 * A client's packet. False: not one to answer. *ret_rcode tells what to answer when it is no question that can be
 * answered (DNS_BAD), else DNS_OK. Names of letters, digits, '-' and '_' alone are taken.
 */
bool dns_read_question(const uint8_t *packet, size_t n, struct dns_question *ret, enum dns_rcode *ret_rcode);

struct dns_answer {
	enum dns_rcode rcode;
	uint32_t ttl_s;         /* the least of the chain's */
	struct out_addr addrs[DNS_ADDRS_MAX];
	size_t n;
};
/* The packet that answers the question; at most 512 bytes. Gives its length. */
size_t dns_write_answer(const struct dns_question *q, const struct dns_answer *a, uint8_t *out);

/* The packet that asks a server outside; out holds DNS_PACKET_MAX bytes. */
size_t dns_write_query(const struct dns_question *q, uint16_t id, uint8_t *out);
/*
 * What a server said to it. False: no answer to this question and id. Only addresses of the asked name and of the names
 * that its chain of CNAMEs leads to are taken.
 */
bool dns_read_reply(const uint8_t *packet, size_t n, const struct dns_question *q, uint16_t id, struct dns_answer *ret);
