/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does another's rule stand in the way of what a pod would have forwarded? Every table that is asked about forwarding and
 * drops or rejects anything at all counts: reading what exactly it drops would be guessing. Looked at, never changed.
 */
#include "net/uplink_foreign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "net/nft.h"

enum { ANSWER_MS = 5000, TABLES_MAX = 64, DUMP_BYTES = 65536 };

struct table {
	uint8_t family;
	char name[64];
};

struct search {
	struct table tables[TABLES_MAX];
	size_t n;
	bool found;
	char *who;
	size_t cap;
};

struct span {
	const uint8_t *at, *end;
};

static struct span attr_find(struct span in, uint16_t type)
{
	while ((size_t)(in.end - in.at) >= (size_t)NLA_HDRLEN) {
		const struct nlattr *a = (const void *)in.at;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > (size_t)(in.end - in.at))
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return (struct span){ in.at + NLA_HDRLEN, in.at + a->nla_len };
		if ((size_t)NLA_ALIGN(a->nla_len) > (size_t)(in.end - in.at))
			break;
		in.at += NLA_ALIGN(a->nla_len);
	}
	return (struct span){ NULL, NULL };
}

static bool text_of(struct span s, char *out, size_t cap)
{
	size_t n = s.at ? strnlen((const char *)s.at, (size_t)(s.end - s.at)) : 0;

	snprintf(out, cap, "%.*s", (int)(n < cap ? n : cap - 1), n ? (const char *)s.at : "");
	return n > 0;
}

static uint32_t u32_of(struct span s, uint32_t none)
{
	uint32_t wire;

	if (!s.at || s.end - s.at < (ptrdiff_t)sizeof(wire))
		return none;
	memcpy(&wire, s.at, sizeof(wire));
	return ntohl(wire);
}

static void tell(struct search *s, const char *what, const char *table)
{
	if (!s->found)
		snprintf(s->who, s->cap, "%s of the table %s", what, table);
	s->found = true;
}

/* ---- chains: who is asked about forwarding ---- */

static void on_chain(struct search *s, uint8_t family, struct span in)
{
	struct span hook = attr_find(in, NFTA_CHAIN_HOOK);
	struct table t = { .family = family };

	if (!hook.at || u32_of(attr_find(hook, NFTA_HOOK_HOOKNUM), ~0u) != NF_INET_FORWARD ||
	    (family != NFPROTO_INET && family != NFPROTO_IPV4 && family != NFPROTO_IPV6))
		return;
	if (!text_of(attr_find(in, NFTA_CHAIN_TABLE), t.name, sizeof(t.name)) || str_has_prefix(t.name, "rocket-"))
		return;
	if (u32_of(attr_find(in, NFTA_CHAIN_POLICY), NF_ACCEPT) == NF_DROP)
		tell(s, "the forward policy", t.name);
	if (s->n == TABLES_MAX)
		tell(s, "one of very many chains", t.name);
	else
		s->tables[s->n++] = t;
}

/* ---- rules: does one of them refuse ---- */

static bool expression_refuses(struct span in)
{
	struct span data = attr_find(in, NFTA_EXPR_DATA), verdict;
	char name[32], target[32];

	text_of(attr_find(in, NFTA_EXPR_NAME), name, sizeof(name));
	if (str_equal(name, "reject"))
		return true;
	if (str_equal(name, "target"))
		return text_of(attr_find(data, NFTA_TARGET_NAME), target, sizeof(target)) &&
		       (str_equal(target, "REJECT") || str_equal(target, "DROP"));
	if (!str_equal(name, "immediate"))
		return false;
	verdict = attr_find(attr_find(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT);
	return verdict.at && u32_of(attr_find(verdict, NFTA_VERDICT_CODE), NF_ACCEPT) == NF_DROP;
}

static bool is_asked(const struct search *s, uint8_t family, const char *table)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->tables[i].family == family && str_equal(s->tables[i].name, table))
			return true;
	return false;
}

static void on_rule(struct search *s, uint8_t family, struct span in)
{
	struct span list = attr_find(in, NFTA_RULE_EXPRESSIONS);
	char table[64];

	text_of(attr_find(in, NFTA_RULE_TABLE), table, sizeof(table));
	if (!is_asked(s, family, table))
		return;
	while (list.at && (size_t)(list.end - list.at) >= (size_t)NLA_HDRLEN) {
		const struct nlattr *a = (const void *)list.at;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > (size_t)(list.end - list.at))
			return;
		if (expression_refuses((struct span){ list.at + NLA_HDRLEN, list.at + a->nla_len }))
			tell(s, "a rule", table);
		if ((size_t)NLA_ALIGN(a->nla_len) > (size_t)(list.end - list.at))
			return;
		list.at += NLA_ALIGN(a->nla_len);
	}
}

/* ---- dumps ---- */

typedef void each_fn(struct search *s, uint8_t family, struct span in);

/* One datagram; false at the dump's end. */
static bool read_dump(int fd, struct search *s, each_fn *each)
{
	const size_t head = (size_t)NLMSG_LENGTH(sizeof(struct nfgenmsg));
	alignas(struct nlmsghdr) static uint8_t buf[DUMP_BYTES];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got = poll(&p, 1, ANSWER_MS) == 1 ? recv(fd, buf, sizeof(buf), 0) : -1;

	for (ssize_t at = 0; at + (ssize_t)NLMSG_HDRLEN <= got;) {
		const struct nlmsghdr *h = (const void *)(buf + at);
		const struct nfgenmsg *g = NLMSG_DATA(h);

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > (size_t)(got - at) || h->nlmsg_type == NLMSG_DONE ||
		    h->nlmsg_type == NLMSG_ERROR)
			return false;
		if (h->nlmsg_len >= head)
			each(s, g->nfgen_family, (struct span){ buf + at + head, buf + at + h->nlmsg_len });
		at += (ssize_t)NLMSG_ALIGN(h->nlmsg_len);
	}
	return got > 0;
}

static void dump(int fd, uint16_t type, struct search *s, each_fn *each)
{
	struct {
		struct nlmsghdr h;
		struct nfgenmsg g;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.g = { .nfgen_family = AF_UNSPEC },
	};

	if (send(fd, &q, sizeof(q), 0) < 0)
		return;
	while (read_dump(fd, s, each) && !s->found)
		;
}

/* iptables' own kernel tables (iptables-legacy): netlink does not tell their rules, so a filter there may drop. */
static void look_at_legacy(struct search *s)
{
	static const char *const files[] = { "/proc/self/net/ip_tables_names", "/proc/self/net/ip6_tables_names" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char text[256] = "";
		autoclose int fd = open(files[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "filter"))
			tell(s, "iptables-legacy", "filter");
	}
}

bool uplink_foreign_drops(char *who, size_t cap)
{
	struct search s = { .who = who, .cap = cap };
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd >= 0)
		dump(fd, NFT_MSG_GETCHAIN, &s, on_chain);
	if (fd >= 0 && !s.found && s.n)
		dump(fd, NFT_MSG_GETRULE, &s, on_rule);
	if (!s.found)
		look_at_legacy(&s);
	return s.found;
}
