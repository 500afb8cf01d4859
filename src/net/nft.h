/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small nf_tables: tables, chains, sets and rules as netlink messages, one transaction a commit. For helper
 * programs (rocket-uplink); `rocket` and the supervisor do not link it.
 *
 *   struct nft n;
 *   nft_open(&n, "rocket-0123", &e);
 *   nft_begin(&n);
 *   nft_table(&n);                        owned by this socket: the kernel removes it when the socket closes
 *   nft_rule_begin(&n, "forward");
 *   nft_meta(&n, NFT_META_L4PROTO);  nft_cmp(&n, NFT_CMP_EQ, &proto, 1);  nft_verdict(&n, NF_ACCEPT, NULL);
 *   nft_rule_end(&n);
 *   nft_commit(&n, &e);
 *
 * One register is used, so every match is: load, compare. Network order where the wire has it, the host's where the
 * kernel keeps the value itself. <linux/netfilter/nf_tables.h>; nft --debug=netlink shows the same words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* From <linux/netfilter.h>, which can't stand beside musl's <netinet/in.h>: numbers of the kernel's interface. */
enum { NF_DROP = 0, NF_ACCEPT = 1 };
enum { NF_INET_LOCAL_IN = 1, NF_INET_FORWARD = 2, NF_INET_LOCAL_OUT = 3, NF_INET_POST_ROUTING = 4 };
enum { NFPROTO_INET = 1, NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10 };

struct nft {
	int fd;
	const char *table;      /* at most 31 bytes; the caller's */
	uint8_t *bytes;         /* of the transaction in the making */
	size_t len, cap;
	uint32_t seq, first_seq;
	size_t message, list, elem, set_elems; /* where what is open began */
	bool full;
};
#define NFT_CLOSED { .fd = -1 }

/* A socket in the caller's network namespace; needs CAP_NET_ADMIN over it. ERR_FAILED: no nf_tables here. */
[[nodiscard]] int nft_open(struct nft *n, const char *table, struct err *e);
void nft_close(struct nft *n);

void nft_begin(struct nft *n);
/* Sends the transaction: all of it holds afterwards, or nothing. */
[[nodiscard]] int nft_commit(struct nft *n, struct err *e);

/* The table (family inet), bound to this socket's life. */
void nft_table(struct nft *n);
struct nft_hook {
	const char *type;       /* "filter", "nat" */
	uint32_t hook;          /* NF_INET_FORWARD … */
	int32_t priority;
};
/* A chain; hook NULL: one that others jump to. */
void nft_chain(struct nft *n, const char *name, const struct nft_hook *hook);
/* Takes all rules out of a chain. */
void nft_flush(struct nft *n, const char *chain);

/* A named set of addresses (key_len 4 or 16) or marks (4). interval: elements are ranges; timeout: they may end. */
void nft_set(struct nft *n, const char *name, uint32_t key_len, bool interval, bool timeout);
void nft_set_delete(struct nft *n, const char *name);
/* One element: [from, to] in an interval set, else from alone (to NULL). timeout_ms 0: for good. */
void nft_element(struct nft *n, const char *set, uint32_t key_len, const void *from, const void *to,
		 uint64_t timeout_ms);
void nft_element_delete(struct nft *n, const char *set, uint32_t key_len, const void *from);

/* Named counters outlive the rules that use them. */
void nft_counter(struct nft *n, const char *name);
void nft_counter_delete(struct nft *n, const char *name);
/* Packets counted so far. ERR_NOT_FOUND: the kernel has no such counter, so the table is not ours any more. */
[[nodiscard]] int nft_counter_read(struct nft *n, const char *name, uint64_t *ret_packets, struct err *e);

/* ---- a rule: begin, expressions, end ---- */

void nft_rule_begin(struct nft *n, const char *chain);
void nft_rule_end(struct nft *n);
void nft_meta(struct nft *n, uint32_t key);
void nft_payload(struct nft *n, uint32_t base, uint32_t offset, uint32_t len);
void nft_ct(struct nft *n, uint32_t key);
void nft_ct_set_mark(struct nft *n, uint32_t mark);
void nft_mask(struct nft *n, const void *mask, uint32_t len);
void nft_cmp(struct nft *n, uint32_t op, const void *value, uint32_t len);
void nft_range(struct nft *n, const void *from, const void *to, uint32_t len);
void nft_lookup(struct nft *n, const char *set, bool inverted);
void nft_count_named(struct nft *n, const char *counter);
/* NF_ACCEPT, NF_DROP, NFT_JUMP with a chain, NFT_RETURN … */
void nft_verdict(struct nft *n, int32_t verdict, const char *chain);
enum nft_reject { NFT_REJECT_WITH_RESET, NFT_REJECT_PROHIBITED };
void nft_reject(struct nft *n, enum nft_reject how);
void nft_masquerade(struct nft *n);
