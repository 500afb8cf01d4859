/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS packets of both sides, split in two: a client's question, and what a server says to it. Never out of bounds, and an
 * answer that is written reads as one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The first byte says how long the question is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct dns_question q = {};
	struct dns_answer a = {};
	enum dns_rcode rcode = DNS_OK;
	uint8_t out[DNS_PACKET_MAX];
	size_t cut, len;

	if (n < 2 || n > 8192)
		return 0;
	cut = bytes[0] < n - 1 ? bytes[0] : n - 1;
	if (!dns_read_question(bytes + 1, cut, &q, &rcode) || rcode != DNS_OK)
		return 0;
	if (strlen(q.name) >= DNS_NAME_MAX || q.len > DNS_QUESTION_MAX || dns_write_query(&q, 7, out) > DNS_PACKET_MAX)
		abort();
	if (!dns_read_reply(bytes + 1 + cut, n - 1 - cut, &q, q.id, &a))
		return 0;
	if (a.n > DNS_ADDRS_MAX)
		abort();
	len = dns_write_answer(&q, &a, out);
	if (len > 512 || !dns_read_reply(out, len, &q, q.id, &a))
		abort();
	return 0;
}
