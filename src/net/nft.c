/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nf_tables messages → one transaction → the kernel's verdict. A transaction is BATCH_BEGIN, messages, BATCH_END in one
 * send; the kernel answers each message that fails, and those that asked for an acknowledgement. See nft.h.
 */
#include "net/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_FIRST = 16384, ROOM_MOST = 8 << 20, ANSWER_MS = 5000 };

/* Since Linux 5.12; Debian 12's headers have it, older ones don't. */
enum { TABLE_OWNER = 2 };

/* ---- bytes ---- */

static void *take(struct nft *n, size_t size)
{
	size_t aligned = NLMSG_ALIGN(size), cap = n->cap ? n->cap : ROOM_FIRST;
	uint8_t *grown;

	while (cap - n->len < aligned && cap < ROOM_MOST)
		cap *= 2;
	if (n->full || cap - n->len < aligned) {
		n->full = true;
		return NULL;
	}
	if (cap != n->cap) {
		grown = realloc(n->bytes, cap);
		if (!grown) {
			n->full = true;
			return NULL;
		}
		n->bytes = grown;
		n->cap = cap;
	}
	grown = n->bytes + n->len;
	memset(grown, 0, aligned);
	n->len += aligned;
	return grown;
}

static void attr(struct nft *n, uint16_t type, const void *bytes, size_t len)
{
	struct nlattr *a = take(n, NLA_HDRLEN + len);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((uint8_t *)a + NLA_HDRLEN, bytes, len);
}

static void attr_u32(struct nft *n, uint16_t type, uint32_t value)
{
	uint32_t wire = htonl(value);

	attr(n, type, &wire, sizeof(wire));
}

static void attr_u64(struct nft *n, uint16_t type, uint64_t value)
{
	uint64_t wire = htobe64(value);

	attr(n, type, &wire, sizeof(wire));
}

static void attr_str(struct nft *n, uint16_t type, const char *text)
{
	attr(n, type, text, strlen(text) + 1);
}

static size_t nest(struct nft *n, uint16_t type)
{
	size_t at = n->len;
	struct nlattr *a = take(n, NLA_HDRLEN);

	if (a)
		a->nla_type = type | NLA_F_NESTED;
	return at;
}

static void nest_end(struct nft *n, size_t at)
{
	if (!n->full)
		((struct nlattr *)(void *)(n->bytes + at))->nla_len = (uint16_t)(n->len - at);
}

static void message(struct nft *n, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *h;
	struct nfgenmsg *g;

	n->message = n->len;
	h = take(n, NLMSG_LENGTH(sizeof(*g)));
	if (!h)
		return;
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = n->seq++;
	g = NLMSG_DATA(h);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
}

static void message_end(struct nft *n)
{
	if (!n->full)
		((struct nlmsghdr *)(void *)(n->bytes + n->message))->nlmsg_len = (uint32_t)(n->len - n->message);
}

static void change(struct nft *n, uint16_t type, uint16_t flags)
{
	message(n, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_INET, 0);
}

/* ---- the socket ---- */

int nft_open(struct nft *n, const char *table, struct err *e)
{
	int big = 4 << 20;

	*n = (struct nft){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), .table = table, .seq = 1 };
	if (n->fd < 0) {
		err_errno(e, "can't talk to the kernel's packet filter");
		return err_try(e, "modprobe nf_tables");
	}
	(void)!setsockopt(n->fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	(void)!setsockopt(n->fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	return 0;
}

void nft_close(struct nft *n)
{
	if (n->fd >= 0)
		close(n->fd);
	free(n->bytes);
	*n = (struct nft)NFT_CLOSED;
}

void nft_begin(struct nft *n)
{
	n->len = 0;
	n->full = false;
	message(n, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	message_end(n);
	n->first_seq = n->seq;
}

static ssize_t receive(struct nft *n, void *buf, size_t cap)
{
	struct pollfd p = { .fd = n->fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&p, 1, ANSWER_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	return ready <= 0 ? -1 : recv(n->fd, buf, cap, 0);
}

/* One datagram: 1 when `last` was acknowledged or a message failed (*ret_errnum), 0: more to come, -1 with errno. */
static int answers(struct nft *n, uint32_t last, int *ret_errnum)
{
	alignas(struct nlmsghdr) uint8_t buf[8192];
	ssize_t got = receive(n, buf, sizeof(buf));
	bool done = false;

	if (got < 0)
		return -1;
	for (size_t at = 0; at + NLMSG_HDRLEN <= (size_t)got;) {
		const struct nlmsghdr *h = (const void *)(buf + at);
		const struct nlmsgerr *a = (const void *)(buf + at + NLMSG_HDRLEN);

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > (size_t)got - at)
			break;
		at += NLMSG_ALIGN(h->nlmsg_len);
		/* Below first_seq: of a transaction that failed before. */
		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*a)) ||
		    h->nlmsg_seq + 1 < n->first_seq)
			continue;
		if (a->error && !*ret_errnum)
			*ret_errnum = -a->error;
		done |= a->error || h->nlmsg_seq == last;
	}
	return done;
}

int nft_commit(struct nft *n, struct err *e)
{
	uint32_t last = n->seq - 1;
	int errnum = 0, r = 0;

	if (last < n->first_seq && !n->full)
		return 0; /* nothing to change */
	if (!n->full)
		((struct nlmsghdr *)(void *)(n->bytes + n->message))->nlmsg_flags |= NLM_F_ACK;
	message(n, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	message_end(n);
	if (n->full)
		return err_new(e, ERR_FAILED, "the pod has too many rules for one transaction");
	if (send(n->fd, n->bytes, n->len, 0) < 0)
		return err_errno(e, "can't hand the pod's rules to the kernel");
	while (r == 0)
		r = answers(n, last, &errnum);
	if (r < 0)
		return err_errno(e, "the kernel does not answer about the pod's rules");
	if (!errnum)
		return 0;
	errno = errnum;
	err_errno(e, "the kernel refused the pod's rules");
	return err_try(e, "modprobe -a nf_tables nft_ct nft_masq nft_reject_inet nft_counter");
}

/* ---- tables, chains, sets, counters ---- */

void nft_table(struct nft *n)
{
	change(n, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	attr_str(n, NFTA_TABLE_NAME, n->table);
	attr_u32(n, NFTA_TABLE_FLAGS, TABLE_OWNER);
	message_end(n);
}

void nft_chain(struct nft *n, const char *name, const struct nft_hook *hook)
{
	size_t at;

	change(n, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	attr_str(n, NFTA_CHAIN_TABLE, n->table);
	attr_str(n, NFTA_CHAIN_NAME, name);
	if (hook) {
		at = nest(n, NFTA_CHAIN_HOOK);
		attr_u32(n, NFTA_HOOK_HOOKNUM, hook->hook);
		attr_u32(n, NFTA_HOOK_PRIORITY, (uint32_t)hook->priority);
		nest_end(n, at);
		attr_u32(n, NFTA_CHAIN_POLICY, NF_ACCEPT);
		attr_str(n, NFTA_CHAIN_TYPE, hook->type);
	}
	message_end(n);
}

void nft_flush(struct nft *n, const char *chain)
{
	change(n, NFT_MSG_DELRULE, 0);
	attr_str(n, NFTA_RULE_TABLE, n->table);
	attr_str(n, NFTA_RULE_CHAIN, chain);
	message_end(n);
}

void nft_set(struct nft *n, const char *name, uint32_t key_len, bool interval, bool timeout)
{
	change(n, NFT_MSG_NEWSET, NLM_F_CREATE);
	attr_str(n, NFTA_SET_TABLE, n->table);
	attr_str(n, NFTA_SET_NAME, name);
	attr_u32(n, NFTA_SET_FLAGS, (interval ? NFT_SET_INTERVAL : 0) | (timeout ? NFT_SET_TIMEOUT : 0));
	/* The type is nft(8)'s, for those who list our table: ipv4_addr 7, ipv6_addr 8, mark 19. */
	attr_u32(n, NFTA_SET_KEY_TYPE, key_len == 16 ? 8 : interval || timeout ? 7 : 19);
	attr_u32(n, NFTA_SET_KEY_LEN, key_len);
	attr_u32(n, NFTA_SET_ID, n->seq);
	message_end(n);
}

void nft_set_delete(struct nft *n, const char *name)
{
	change(n, NFT_MSG_DELSET, 0);
	attr_str(n, NFTA_SET_TABLE, n->table);
	attr_str(n, NFTA_SET_NAME, name);
	message_end(n);
}

static void element(struct nft *n, const void *key, uint32_t key_len, uint32_t flags, uint64_t timeout_ms)
{
	size_t at = nest(n, NFTA_LIST_ELEM), in = nest(n, NFTA_SET_ELEM_KEY);

	attr(n, NFTA_DATA_VALUE, key, key_len);
	nest_end(n, in);
	if (flags)
		attr_u32(n, NFTA_SET_ELEM_FLAGS, flags);
	if (timeout_ms && !flags)
		attr_u64(n, NFTA_SET_ELEM_TIMEOUT, timeout_ms);
	nest_end(n, at);
}

/* The address after `key`: an interval ends before it. False after the last one. */
static bool key_next(uint8_t *key, uint32_t len)
{
	for (uint32_t i = len; i-- > 0;)
		if (++key[i])
			return true;
	return false;
}

static void elements(struct nft *n, uint16_t type, uint16_t flags, const char *set)
{
	change(n, type, flags);
	attr_str(n, NFTA_SET_ELEM_LIST_TABLE, n->table);
	attr_str(n, NFTA_SET_ELEM_LIST_SET, set);
	n->set_elems = nest(n, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nft_element(struct nft *n, const char *set, uint32_t key_len, const void *from, const void *to,
		 uint64_t timeout_ms)
{
	uint8_t end[16];

	elements(n, NFT_MSG_NEWSETELEM, NLM_F_CREATE, set);
	element(n, from, key_len, 0, timeout_ms);
	if (to) {
		memcpy(end, to, key_len);
		if (key_next(end, key_len))
			element(n, end, key_len, NFT_SET_ELEM_INTERVAL_END, 0);
	}
	nest_end(n, n->set_elems);
	message_end(n);
}

void nft_element_delete(struct nft *n, const char *set, uint32_t key_len, const void *from)
{
	elements(n, NFT_MSG_DELSETELEM, 0, set);
	element(n, from, key_len, 0, 0);
	nest_end(n, n->set_elems);
	message_end(n);
}

static void object(struct nft *n, uint16_t type, uint16_t flags, const char *name)
{
	change(n, type, flags);
	attr_str(n, NFTA_OBJ_TABLE, n->table);
	attr_str(n, NFTA_OBJ_NAME, name);
	attr_u32(n, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
}

void nft_counter(struct nft *n, const char *name)
{
	object(n, NFT_MSG_NEWOBJ, NLM_F_CREATE, name);
	nest_end(n, nest(n, NFTA_OBJ_DATA));
	message_end(n);
}

void nft_counter_delete(struct nft *n, const char *name)
{
	object(n, NFT_MSG_DELOBJ, 0, name);
	message_end(n);
}

/* The attribute `type` among those in [at, end), or NULL. */
static const struct nlattr *attr_find(const uint8_t *at, const uint8_t *end, uint16_t type)
{
	while ((size_t)(end - at) >= (size_t)NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > (size_t)(end - at))
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if ((size_t)NLA_ALIGN(a->nla_len) > (size_t)(end - at))
			return NULL;
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

/* Packets in an object's message; 0 when it has none. */
static uint64_t packets_of(const uint8_t *bytes, const uint8_t *end)
{
	const struct nlattr *data = attr_find(bytes, end, NFTA_OBJ_DATA), *packets;
	const uint8_t *in = (const uint8_t *)data;
	uint64_t wire = 0;

	if (!data)
		return 0;
	packets = attr_find(in + NLA_HDRLEN, in + data->nla_len, NFTA_COUNTER_PACKETS);
	if (packets && packets->nla_len >= (size_t)NLA_HDRLEN + sizeof(wire))
		memcpy(&wire, (const uint8_t *)packets + NLA_HDRLEN, sizeof(wire));
	return be64toh(wire);
}

int nft_counter_read(struct nft *n, const char *name, uint64_t *ret_packets, struct err *e)
{
	const size_t head = (size_t)NLMSG_LENGTH(sizeof(struct nfgenmsg));
	uint32_t seq = n->seq;
	ssize_t got = -1;

	n->len = 0;
	n->full = false;
	object(n, NFT_MSG_GETOBJ, 0, name);
	message_end(n);
	if (n->full || send(n->fd, n->bytes, n->len, 0) < 0)
		return err_errno(e, "can't ask the kernel for a counter");
	for (;;) {
		alignas(struct nlmsghdr) uint8_t buf[4096];
		const struct nlmsghdr *h = (const void *)buf;

		got = receive(n, buf, sizeof(buf));
		if (got < 0)
			return err_errno(e, "the kernel does not answer about a counter");
		if ((size_t)got < NLMSG_HDRLEN || h->nlmsg_len > (size_t)got || h->nlmsg_seq != seq)
			continue; /* left from before */
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_len < head)
			return err_new(e, ERR_NOT_FOUND, "the kernel has no counter %s", name);
		*ret_packets = packets_of(buf + head, buf + h->nlmsg_len);
		return 0;
	}
}

/* ---- rules ---- */

void nft_rule_begin(struct nft *n, const char *chain)
{
	change(n, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	attr_str(n, NFTA_RULE_TABLE, n->table);
	attr_str(n, NFTA_RULE_CHAIN, chain);
	n->list = nest(n, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(struct nft *n)
{
	nest_end(n, n->list);
	message_end(n);
}

/* An expression's attributes stand between these two; the first gives where its data began. */
static size_t expr(struct nft *n, const char *name)
{
	n->elem = nest(n, NFTA_LIST_ELEM);
	attr_str(n, NFTA_EXPR_NAME, name);
	return nest(n, NFTA_EXPR_DATA);
}

static void expr_end(struct nft *n, size_t data)
{
	nest_end(n, data);
	nest_end(n, n->elem);
}

static void attr_value(struct nft *n, uint16_t type, const void *value, uint32_t len)
{
	size_t at = nest(n, type);

	attr(n, NFTA_DATA_VALUE, value, len);
	nest_end(n, at);
}

void nft_meta(struct nft *n, uint32_t key)
{
	size_t at = expr(n, "meta");

	attr_u32(n, NFTA_META_KEY, key);
	attr_u32(n, NFTA_META_DREG, NFT_REG_1);
	expr_end(n, at);
}

void nft_payload(struct nft *n, uint32_t base, uint32_t offset, uint32_t len)
{
	size_t at = expr(n, "payload");

	attr_u32(n, NFTA_PAYLOAD_DREG, NFT_REG_1);
	attr_u32(n, NFTA_PAYLOAD_BASE, base);
	attr_u32(n, NFTA_PAYLOAD_OFFSET, offset);
	attr_u32(n, NFTA_PAYLOAD_LEN, len);
	expr_end(n, at);
}

void nft_ct(struct nft *n, uint32_t key)
{
	size_t at = expr(n, "ct");

	attr_u32(n, NFTA_CT_KEY, key);
	attr_u32(n, NFTA_CT_DREG, NFT_REG_1);
	expr_end(n, at);
}

void nft_ct_set_mark(struct nft *n, uint32_t mark)
{
	size_t at = expr(n, "immediate");

	attr_u32(n, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	attr_value(n, NFTA_IMMEDIATE_DATA, &mark, sizeof(mark));
	expr_end(n, at);
	at = expr(n, "ct");
	attr_u32(n, NFTA_CT_KEY, NFT_CT_MARK);
	attr_u32(n, NFTA_CT_SREG, NFT_REG_1);
	expr_end(n, at);
}

void nft_mask(struct nft *n, const void *mask, uint32_t len)
{
	static const uint8_t zero[16];
	size_t at = expr(n, "bitwise");

	attr_u32(n, NFTA_BITWISE_SREG, NFT_REG_1);
	attr_u32(n, NFTA_BITWISE_DREG, NFT_REG_1);
	attr_u32(n, NFTA_BITWISE_LEN, len);
	attr_value(n, NFTA_BITWISE_MASK, mask, len);
	attr_value(n, NFTA_BITWISE_XOR, zero, len);
	expr_end(n, at);
}

void nft_cmp(struct nft *n, uint32_t op, const void *value, uint32_t len)
{
	size_t at = expr(n, "cmp");

	attr_u32(n, NFTA_CMP_SREG, NFT_REG_1);
	attr_u32(n, NFTA_CMP_OP, op);
	attr_value(n, NFTA_CMP_DATA, value, len);
	expr_end(n, at);
}

void nft_range(struct nft *n, const void *from, const void *to, uint32_t len)
{
	size_t at = expr(n, "range");

	attr_u32(n, NFTA_RANGE_SREG, NFT_REG_1);
	attr_u32(n, NFTA_RANGE_OP, NFT_RANGE_EQ);
	attr_value(n, NFTA_RANGE_FROM_DATA, from, len);
	attr_value(n, NFTA_RANGE_TO_DATA, to, len);
	expr_end(n, at);
}

void nft_lookup(struct nft *n, const char *set, bool inverted)
{
	size_t at = expr(n, "lookup");

	attr_str(n, NFTA_LOOKUP_SET, set);
	attr_u32(n, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (inverted)
		attr_u32(n, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_end(n, at);
}

void nft_count_named(struct nft *n, const char *counter)
{
	size_t at = expr(n, "objref");

	attr_u32(n, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	attr_str(n, NFTA_OBJREF_IMM_NAME, counter);
	expr_end(n, at);
}

void nft_verdict(struct nft *n, int32_t verdict, const char *chain)
{
	size_t at = expr(n, "immediate"), data, code;

	attr_u32(n, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nest(n, NFTA_IMMEDIATE_DATA);
	code = nest(n, NFTA_DATA_VERDICT);
	attr_u32(n, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		attr_str(n, NFTA_VERDICT_CHAIN, chain);
	nest_end(n, code);
	nest_end(n, data);
	expr_end(n, at);
}

void nft_reject(struct nft *n, enum nft_reject how)
{
	size_t at = expr(n, "reject");
	uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;

	attr_u32(n, NFTA_REJECT_TYPE, how == NFT_REJECT_WITH_RESET ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	if (how == NFT_REJECT_PROHIBITED)
		attr(n, NFTA_REJECT_ICMP_CODE, &code, 1);
	expr_end(n, at);
}

void nft_masquerade(struct nft *n)
{
	expr_end(n, expr(n, "masq"));
}
