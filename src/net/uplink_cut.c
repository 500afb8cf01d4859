/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Living connections of the pod, by sock_diag(7): which of them a hole lets through, and their end. A destroyed TCP
 * socket resets its peer, and its owner's next call gives ECONNABORTED; a connected UDP socket likewise.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "net/uplink_core.h"

/* The kernel's numbers, from include/net/tcp_states.h. */
enum { STATE_ESTABLISHED = 1, STATE_TIME_WAIT = 6, STATE_CLOSE = 7, STATE_LISTEN = 10, STATE_NEW_SYN_RECV = 12 };
enum { ANSWER_MS = 2000, KILL_MAX = 8192 };

struct walk {
	struct uplink_core *c;
	uint32_t number;
	bool cut;
	uint8_t family, protocol;
	uint32_t found;
};

bool uplink_hole_has(const struct uplink_core *c, uint32_t number, uint8_t protocol, const struct out_addr *to,
		     uint16_t port)
{
	const struct uplink_hole *h = &c->holes[number];

	if (!out_dest_takes(&h->dest, protocol, port))
		return false;
	return out_dest_holds(&h->dest, to) || (h->dest.kind == OUT_NAME && uplink_names_hold(c, number, to));
}

static bool another_has(const struct walk *w, const struct out_addr *to, uint16_t port)
{
	for (uint32_t i = 0; i < UPLINK_HOLES_MAX; i++)
		if (i != w->number && w->c->holes[i].open && uplink_hole_has(w->c, i, w->protocol, to, port))
			return true;
	return false;
}

/* A dual-stack socket speaks to IPv4 by mapped addresses. */
static struct out_addr address_of(uint8_t family, const void *bytes)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct out_addr a = { .family = family };

	memcpy(a.bytes, bytes, out_addr_len(&a));
	if (family == AF_INET6 && memcmp(a.bytes, mapped, sizeof(mapped)) == 0) {
		a.family = AF_INET;
		memmove(a.bytes, a.bytes + sizeof(mapped), 4);
	}
	return a;
}

static void destroy(int fd, const struct walk *w, const struct inet_diag_msg *m)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DESTROY, .nlmsg_flags = NLM_F_REQUEST },
		.r = { .sdiag_family = m->idiag_family, .sdiag_protocol = w->protocol, .id = m->id },
	};

	(void)!send(fd, &q, sizeof(q), 0);
}

static void look(struct walk *w, const struct inet_diag_msg *m)
{
	struct out_addr to = address_of(m->idiag_family, m->id.idiag_dst);
	uint16_t port = ntohs(m->id.idiag_dport);

	if (!port || !uplink_hole_has(w->c, w->number, w->protocol, &to, port))
		return;
	if (w->cut && another_has(w, &to, port))
		return;
	w->found++;
	if (w->cut && w->found < KILL_MAX)
		destroy(w->c->pod_diag_fd, w, m);
}

/* One datagram of the dump; false at its end. */
static bool read_dump(struct walk *w)
{
	alignas(struct nlmsghdr) uint8_t buf[16384];
	struct pollfd p = { .fd = w->c->pod_diag_fd, .events = POLLIN };
	ssize_t got = poll(&p, 1, ANSWER_MS) == 1 ? recv(p.fd, buf, sizeof(buf), 0) : -1;

	for (ssize_t at = 0; at + (ssize_t)NLMSG_HDRLEN <= got;) {
		const struct nlmsghdr *h = (const void *)(buf + at);

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > (size_t)(got - at))
			return false;
		at += (ssize_t)NLMSG_ALIGN(h->nlmsg_len);
		/* Errors are of sockets that were gone before we destroyed them. */
		if (h->nlmsg_type == NLMSG_DONE || (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == 1))
			return false;
		if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			look(w, NLMSG_DATA(h));
	}
	return got > 0;
}

static void walk(struct walk *w)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_seq = 1,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.r = { .sdiag_family = w->family, .sdiag_protocol = w->protocol,
		       .idiag_states = ~(1u << STATE_LISTEN | 1u << STATE_TIME_WAIT | 1u << STATE_NEW_SYN_RECV |
					 (w->protocol == IPPROTO_TCP ? 1u << STATE_CLOSE : 0)) },
	};

	if (send(w->c->pod_diag_fd, &q, sizeof(q), 0) < 0)
		return;
	while (read_dump(w))
		;
}

uint32_t uplink_cut(struct uplink_core *c, uint32_t number, bool cut)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 }, protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	uint32_t found = 0;

	if (c->pod_diag_fd < 0)
		return 0;
	for (int f = 0; f < 2; f++)
		for (int p = 0; p < 2; p++) {
			struct walk w = { c, number, cut, families[f], protocols[p], 0 };

			if (!c->holes[number].dest.protocol || c->holes[number].dest.protocol == protocols[p])
				walk(&w);
			found += w.found;
		}
	return found;
}
