/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes in → rtnetlink messages → the kernel's verdict.
 *
 * Messages are laid one after the other into a fixed buffer and sent at once. Only the last one asks for
 * an acknowledgement: the kernel answers in order and reports every failure unasked, so the last
 * answer closes the batch and a whole network is set up with one sendto() and one recv().
 */
#include "net/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

/* Room for `size` more bytes, zeroed; NULL and `full` when there is none. */
static void *batch_take(struct netlink_batch *b, size_t size)
{
	size_t aligned = NLMSG_ALIGN(size);
	void *room;

	if (b->full || aligned > sizeof(b->bytes) - b->len) {
		b->full = true;
		return NULL;
	}
	room = b->bytes + b->len;
	memset(room, 0, aligned);
	b->len += aligned;
	return room;
}

/* Starts a message; its sequence number is its place in the batch, from 1. Gives the family header. */
static void *message_begin(struct netlink_batch *b, uint16_t type, uint16_t flags, size_t body)
{
	struct nlmsghdr *h;

	if (b->n == NETLINK_BATCH_CHANGES)
		b->full = true;
	h = batch_take(b, NLMSG_LENGTH(body));
	if (!h)
		return NULL;
	h->nlmsg_len = NLMSG_LENGTH(body);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++b->n;
	return NLMSG_DATA(h);
}

/* The message that is being built: found by walking, the lengths are our own. */
static struct nlmsghdr *message_last(struct netlink_batch *b)
{
	uint8_t *at = b->bytes;

	for (uint32_t i = 1; i < b->n; i++)
		at += NLMSG_ALIGN(((struct nlmsghdr *)(void *)at)->nlmsg_len);
	return (void *)at;
}

static void message_attr(struct netlink_batch *b, uint16_t type, const void *bytes, size_t n)
{
	struct rtattr *a = batch_take(b, RTA_LENGTH(n));

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(n);
	memcpy(RTA_DATA(a), bytes, n);
}

/* The message reaches as far as the batch does. */
static void message_close(struct netlink_batch *b)
{
	struct nlmsghdr *h = message_last(b);

	if (!b->full)
		h->nlmsg_len = (uint32_t)(b->bytes + b->len - (uint8_t *)h);
}

static void message_attr_u32(struct netlink_batch *b, uint16_t type, uint32_t value)
{
	message_attr(b, type, &value, sizeof(value));
}

static size_t address_len(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void message_attr_address(struct netlink_batch *b, uint16_t type,
				 const struct netlink_address *addr)
{
	message_attr(b, type, addr->bytes, address_len(addr->family));
}

/* Starts the message of a change that creates or deletes: the kernel's DEL is always its NEW plus one. */
static void *change_begin(struct netlink_batch *b, enum netlink_change change, uint16_t new_type, size_t body)
{
	bool creates = change == NETLINK_CREATE;
	uint16_t flags = creates ? NLM_F_CREATE | NLM_F_EXCL : 0;
	void *m = message_begin(b, creates ? new_type : new_type + 1, flags, body);

	if (m && !creates)
		b->deletes |= 1U << (b->n - 1);
	return m;
}

void netlink_add_link_up(struct netlink_batch *b, uint32_t link)
{
	struct ifinfomsg *m = message_begin(b, RTM_NEWLINK, 0, sizeof(*m));

	if (!m)
		return;
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = (int)link;
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	message_close(b);
}

/* Starts a nested attribute; nest_end() with what this gave closes it. */
static struct rtattr *nest_begin(struct netlink_batch *b, uint16_t type)
{
	struct rtattr *a = batch_take(b, RTA_LENGTH(0));

	if (a)
		a->rta_type = type;
	return a;
}

static void nest_end(struct netlink_batch *b, struct rtattr *a)
{
	if (a)
		a->rta_len = (uint16_t)(b->bytes + b->len - (uint8_t *)a);
}

static void attr_veth_end(struct netlink_batch *b, const struct netlink_veth_end *end)
{
	message_attr(b, IFLA_IFNAME, end->name, strlen(end->name) + 1);
	if (end->netns_fd >= 0)
		message_attr_u32(b, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
}

void netlink_add_veth(struct netlink_batch *b, const struct netlink_veth_end *here, const struct netlink_veth_end *there)
{
	struct ifinfomsg *m = change_begin(b, NETLINK_CREATE, RTM_NEWLINK, sizeof(*m)), *peer;
	struct rtattr *info, *data, *other;

	if (!m)
		return;
	m->ifi_index = (int)here->index;
	attr_veth_end(b, here);
	info = nest_begin(b, IFLA_LINKINFO);
	message_attr(b, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = nest_begin(b, IFLA_INFO_DATA);
	other = nest_begin(b, VETH_INFO_PEER);
	peer = batch_take(b, sizeof(*peer));
	if (peer)
		peer->ifi_index = (int)there->index;
	attr_veth_end(b, there);
	nest_end(b, other);
	nest_end(b, data);
	nest_end(b, info);
	message_close(b);
}

void netlink_add_address(struct netlink_batch *b, enum netlink_change change, uint32_t link,
			 const struct netlink_address *addr, uint8_t bits)
{
	struct ifaddrmsg *m = change_begin(b, change, RTM_NEWADDR, sizeof(*m));

	if (!m)
		return;
	m->ifa_family = addr->family;
	m->ifa_prefixlen = bits;
	m->ifa_index = link;
	m->ifa_flags = addr->family == AF_INET6 ? IFA_F_NODAD : 0;
	message_attr_address(b, IFA_LOCAL, addr);
	message_attr_address(b, IFA_ADDRESS, addr);
	message_close(b);
}

static uint8_t route_scope(const struct netlink_route *r)
{
	if (r->type == RTN_LOCAL)
		return RT_SCOPE_HOST;
	return r->link && !r->gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

void netlink_add_route(struct netlink_batch *b, enum netlink_change change, const struct netlink_route *r)
{
	struct rtmsg *m = change_begin(b, change, RTM_NEWROUTE, sizeof(*m));

	if (!m)
		return;
	m->rtm_family = r->to.family;
	m->rtm_dst_len = r->to_bits;
	m->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = r->to.family == AF_INET ? route_scope(r) : RT_SCOPE_UNIVERSE;
	m->rtm_type = r->type;
	m->rtm_flags = r->onlink ? RTNH_F_ONLINK : 0;
	message_attr_u32(b, RTA_TABLE, r->table);
	if (r->to_bits)
		message_attr_address(b, RTA_DST, &r->to);
	if (r->metric)
		message_attr_u32(b, RTA_PRIORITY, r->metric);
	if (r->link)
		message_attr_u32(b, RTA_OIF, r->link);
	if (r->gateway)
		message_attr_address(b, RTA_GATEWAY, r->gateway);
	if (r->source)
		message_attr_address(b, RTA_PREFSRC, r->source);
	message_close(b);
}

void netlink_add_rule(struct netlink_batch *b, enum netlink_change change, const struct netlink_rule *r)
{
	struct fib_rule_port_range from = { r->from_port, r->from_port_end }, to = { r->to_port, r->to_port_end };
	struct fib_rule_hdr *m = change_begin(b, change, RTM_NEWRULE, sizeof(*m));

	if (!m)
		return;
	m->family = r->family;
	m->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	m->action = FR_ACT_TO_TBL;
	message_attr_u32(b, FRA_TABLE, r->table);
	message_attr_u32(b, FRA_PRIORITY, r->priority);
	if (r->mark)
		message_attr_u32(b, FRA_FWMARK, r->mark);
	if (r->protocol)
		message_attr(b, FRA_IP_PROTO, &r->protocol, sizeof(r->protocol));
	if (r->from_port)
		message_attr(b, FRA_SPORT_RANGE, &from, sizeof(from));
	if (r->to_port)
		message_attr(b, FRA_DPORT_RANGE, &to, sizeof(to));
	message_close(b);
}

void netlink_forgive_family(struct netlink_batch *b)
{
	if (b->n)
		b->forgive_family |= 1U << (b->n - 1);
}

/* Does this answer to change i mean that nothing is wrong? */
static bool answer_is_fine(const struct netlink_batch *b, uint32_t i, int errnum)
{
	uint32_t bit = 1U << i;

	switch (errnum) {
	case 0:
		return true;
	case EEXIST:
		return !(b->deletes & bit);
	case ESRCH:
	case ENOENT:
	case EADDRNOTAVAIL:
		return b->deletes & bit;
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case EACCES: /* IPv6 is switched off for the link: nothing of the family passes anyway */
		return b->forgive_family & bit;
	default:
		return false;
	}
}

/* Takes one datagram of answers. 1 when the batch's last answer was among them, 0, or -errno. */
static int answers_read(int fd, const struct netlink_batch *b, int *failed, int *errnum)
{
	alignas(struct nlmsghdr) uint8_t buf[4096];
	struct sockaddr_nl from = {};
	socklen_t from_len = sizeof(from);
	ssize_t got = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
	size_t end = got < 0 ? 0 : (size_t)got;
	bool last = false;

	if (got < 0)
		return errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0)
		return 0; /* not from the kernel */
	for (size_t at = 0; at + NLMSG_HDRLEN <= end; ) {
		const struct nlmsghdr *h = (const void *)(buf + at);
		const struct nlmsgerr *a = (const void *)(buf + at + NLMSG_HDRLEN);

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > end - at)
			break;
		at += NLMSG_ALIGN(h->nlmsg_len);
		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*a)))
			continue;
		if (h->nlmsg_seq < 1 || h->nlmsg_seq > b->n)
			continue;
		if (!*errnum && !answer_is_fine(b, h->nlmsg_seq - 1, -a->error)) {
			*errnum = -a->error;
			*failed = (int)h->nlmsg_seq - 1;
		}
		last |= h->nlmsg_seq == b->n;
	}
	return last;
}

static int batch_exchange(int fd, struct netlink_batch *b, int *failed)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int errnum = 0, r;

	message_last(b)->nlmsg_flags |= NLM_F_ACK;
	if (sendto(fd, b->bytes, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	do
		r = answers_read(fd, b, failed, &errnum);
	while (r == 0);
	return r < 0 ? r : -errnum;
}

int netlink_commit(int fd, struct netlink_batch *b, int *ret_failed)
{
	int failed = -1, r = 0;

	if (b->full)
		r = -ENOBUFS;
	else if (b->n)
		r = batch_exchange(fd, b, &failed);
	b->len = b->n = b->deletes = b->forgive_family = 0;
	b->full = false;
	if (r < 0)
		*ret_failed = failed;
	return r;
}
