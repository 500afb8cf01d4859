/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question's way: client → has its name a hole? → a server outside → what it says → the uplink opens the wall for these
 * addresses → the client. The answer goes out after the wall is open, so that a program that connects at once gets
 * through. Nothing is cached: the server outside does that.
 */
#include "net/resolve_core.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const int64_t ask_ns = 2000000000, pin_ns = 2000000000;
enum { TRIES = 3, NS_PER_MS = 1000000 };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- to the client, and to the uplink ---- */

static void reply(const struct resolve_core *c, const struct sockaddr_in *to, const struct dns_question *q,
		  const struct dns_answer *a)
{
	uint8_t out[DNS_PACKET_MAX];
	size_t n = dns_write_answer(q, a, out);

	(void)!sendto(c->listen_fd, out, n, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof(*to));
}

static void reply_code(const struct resolve_core *c, const struct sockaddr_in *to, const struct dns_question *q,
		       enum dns_rcode rcode)
{
	reply(c, to, q, &(struct dns_answer){ .rcode = rcode });
}

static void finish(struct resolve_core *c, struct resolve_pending *p, enum dns_rcode rcode)
{
	reply_code(c, &p->client, &p->question, rcode);
	p->state = RESOLVE_FREE;
}

static void tell_refused(const struct resolve_core *c, const char *name)
{
	struct resolve_packet packet = { .op = RESOLVE_REFUSED };

	memcpy(packet.name, name, sizeof(packet.name));
	(void)!send(c->control_fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- outside ---- */

static void ask(struct resolve_core *c, struct resolve_pending *p)
{
	uint8_t out[DNS_PACKET_MAX], random[3];
	size_t n;

	if (p->tries++ >= TRIES || !c->n_servers || getrandom(random, sizeof(random), 0) != sizeof(random)) {
		finish(c, p, DNS_FAILED);
		return;
	}
	p->id = (uint16_t)(random[0] << 8 | random[1]);
	p->socket = random[2] % RESOLVE_SOCKETS;
	p->server = (uint8_t)((p->tries - 1) % c->n_servers);
	p->deadline_ns = now_ns() + ask_ns;
	n = dns_write_query(&p->question, p->id, out);
	(void)!send(c->servers[p->server].fd[p->socket], out, n, MSG_DONTWAIT);
}

/* Only what can be answered at once is asked of the uplink: it opens the wall, or does not. */
static void ask_pins(struct resolve_core *c, struct resolve_pending *p, const struct dns_answer *a)
{
	struct resolve_packet packet = { .op = RESOLVE_PIN, .number = ++c->numbers, .ttl_s = a->ttl_s, .n = (uint32_t)a->n };

	memcpy(packet.name, p->question.name, sizeof(packet.name));
	memcpy(packet.addrs, a->addrs, sizeof(packet.addrs));
	p->state = RESOLVE_PINNING;
	p->number = packet.number;
	p->answer = *a;
	p->deadline_ns = now_ns() + pin_ns;
	if (send(c->control_fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		finish(c, p, DNS_FAILED);
}

static struct resolve_pending *find_asked(struct resolve_core *c, size_t server, size_t socket, uint16_t id)
{
	for (size_t i = 0; i < RESOLVE_PENDING; i++) {
		struct resolve_pending *p = &c->pending[i];

		if (p->state == RESOLVE_ASKED && p->server == server && p->socket == socket && p->id == id)
			return p;
	}
	return NULL;
}

static void hear_server(struct resolve_core *c, size_t server, size_t socket)
{
	uint8_t packet[DNS_PACKET_MAX];
	ssize_t n = recv(c->servers[server].fd[socket], packet, sizeof(packet), MSG_DONTWAIT);
	struct resolve_pending *p;
	struct dns_answer a;

	if (n < 2)
		return;
	p = find_asked(c, server, socket, (uint16_t)(packet[0] << 8 | packet[1]));
	if (!p || !dns_read_reply(packet, (size_t)n, &p->question, p->id, &a))
		return;
	if (a.rcode != DNS_OK && a.rcode != DNS_NO_NAME)
		ask(c, p); /* this server can't; the next one may */
	else if (a.n)
		ask_pins(c, p, &a);
	else
		finish(c, p, a.rcode);
}

/* ---- names with a hole ---- */

static bool is_open(const struct resolve_core *c, const char *name)
{
	struct out_dest d = { .kind = OUT_NAME };

	for (size_t i = 0; i < c->n_names; i++) {
		d.name = c->names[i].name;
		d.suffix = c->names[i].suffix;
		if (out_dest_names(&d, name) || (d.suffix && !*d.name))
			return true;
	}
	return false;
}

static void add_name(struct resolve_core *c, const struct resolve_packet *packet)
{
	if (c->n_names == RESOLVE_NAMES_MAX)
		return;
	memcpy(c->names[c->n_names].name, packet->name, DNS_NAME_MAX);
	c->names[c->n_names++].suffix = packet->suffix;
}

static void take_pinned(struct resolve_core *c, const struct resolve_packet *packet)
{
	struct dns_answer a = {};
	struct resolve_pending *p = NULL;

	for (size_t i = 0; i < RESOLVE_PENDING; i++)
		if (c->pending[i].state == RESOLVE_PINNING && c->pending[i].number == packet->number)
			p = &c->pending[i];
	if (!p)
		return;
	for (size_t i = 0; i < p->answer.n; i++)
		if (packet->allowed >> i & 1)
			a.addrs[a.n++] = p->answer.addrs[i];
	a.ttl_s = packet->ttl_s;
	a.rcode = a.n ? DNS_OK : DNS_REFUSED;
	reply(c, &p->client, &p->question, &a);
	p->state = RESOLVE_FREE;
}

/* False: the uplink is gone. */
static bool hear_uplink(struct resolve_core *c)
{
	struct resolve_packet packet;
	ssize_t n = recv(c->control_fd, &packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n != sizeof(packet))
		return false;
	packet.name[DNS_NAME_MAX - 1] = 0;
	if (packet.op == RESOLVE_CLEAR)
		c->n_names = 0;
	else if (packet.op == RESOLVE_NAME)
		add_name(c, &packet);
	else if (packet.op == RESOLVE_PINNED)
		take_pinned(c, &packet);
	return true;
}

/* ---- clients ---- */

static struct resolve_pending *find_free(struct resolve_core *c)
{
	for (size_t i = 0; i < RESOLVE_PENDING; i++)
		if (c->pending[i].state == RESOLVE_FREE)
			return &c->pending[i];
	return NULL;
}

static void take_question(struct resolve_core *c, const struct sockaddr_in *from, const struct dns_question *q)
{
	struct resolve_pending *p;

	if (!is_open(c, q->name)) {
		tell_refused(c, q->name);
		reply_code(c, from, q, DNS_REFUSED);
		return;
	}
	if (q->type != DNS_A && q->type != DNS_AAAA) {
		reply_code(c, from, q, DNS_OK); /* there is such a name; it has nothing of this kind here */
		return;
	}
	p = find_free(c);
	if (!p) {
		reply_code(c, from, q, DNS_FAILED);
		return;
	}
	*p = (struct resolve_pending){ .state = RESOLVE_ASKED, .client = *from, .question = *q };
	ask(c, p);
}

static void hear_client(struct resolve_core *c)
{
	uint8_t packet[DNS_PACKET_MAX];
	struct sockaddr_in from = {};
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(c->listen_fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	enum dns_rcode rcode = DNS_BAD;
	struct dns_question q = {};

	if (n <= 0 || !dns_read_question(packet, (size_t)n, &q, &rcode))
		return;
	if (rcode == DNS_OK)
		take_question(c, &from, &q);
	else
		reply_code(c, &from, &q, rcode);
}

/* ---- the loop ---- */

/* What waited too long asks again or gives up. The milliseconds until the next one, -1: none. */
static int run_deadlines(struct resolve_core *c)
{
	int64_t now = now_ns(), next = INT64_MAX;

	for (size_t i = 0; i < RESOLVE_PENDING; i++) {
		struct resolve_pending *p = &c->pending[i];

		if (p->state == RESOLVE_ASKED && p->deadline_ns <= now)
			ask(c, p);
		else if (p->state == RESOLVE_PINNING && p->deadline_ns <= now)
			finish(c, p, DNS_FAILED);
		if (p->state != RESOLVE_FREE && p->deadline_ns < next)
			next = p->deadline_ns;
	}
	return next == INT64_MAX ? -1 : (int)((next - now) / NS_PER_MS) + 1;
}

static void hear_servers(struct resolve_core *c, const struct pollfd *p)
{
	for (size_t s = 0; s < c->n_servers; s++)
		for (size_t k = 0; k < RESOLVE_SOCKETS; k++)
			if (p[s * RESOLVE_SOCKETS + k].revents)
				hear_server(c, s, k);
}

void resolve_core_run(struct resolve_core *c)
{
	struct pollfd p[2 + RESOLVE_SERVERS * RESOLVE_SOCKETS] = {
		{ .fd = c->control_fd, .events = POLLIN },
		{ .fd = c->listen_fd, .events = POLLIN },
	};
	nfds_t n = 2;

	for (size_t s = 0; s < c->n_servers; s++)
		for (size_t k = 0; k < RESOLVE_SOCKETS; k++)
			p[n++] = (struct pollfd){ .fd = c->servers[s].fd[k], .events = POLLIN };
	for (;;) {
		if (poll(p, n, run_deadlines(c)) < 0 && errno != EINTR)
			return;
		if (p[0].revents && !hear_uplink(c))
			return;
		hear_servers(c, p + 2);
		if (p[1].revents)
			hear_client(c);
	}
}
