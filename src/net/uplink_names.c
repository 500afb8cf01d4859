/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: what the resolver found is judged here, outside the pod, before the wall opens. A chain counts by the name that
 * was asked for; private and never addresses of public names are refused, unless out:lan opens the private ones anyway.
 * An address stays open as long as its answer lives (at most 300 s) and a minute; connections that were made outlive it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "net/resolve_wire.h"
#include "net/uplink_core.h"

enum { MS_PER_S = 1000 };

/* ---- pins ---- */

static struct uplink_pin *pin_find(const struct uplink_core *c, uint32_t number, const struct out_addr *a)
{
	for (size_t i = 0; i < UPLINK_PINS; i++) {
		struct uplink_pin *p = &c->pins[i];

		if (p->number == number && p->addr.family == a->family &&
		    memcmp(p->addr.bytes, a->bytes, out_addr_len(a)) == 0)
			return p;
	}
	return NULL;
}

bool uplink_names_hold(const struct uplink_core *c, uint32_t number, const struct out_addr *a)
{
	return pin_find(c, number, a) != NULL;
}

static void pin_drop(struct uplink_core *c, struct uplink_pin *p)
{
	uplink_route_unpin(c, &c->holes[p->number], &p->addr);
	p->number = UPLINK_HOLES_MAX;
}

void uplink_names_forget(struct uplink_core *c, uint32_t number)
{
	for (size_t i = 0; i < UPLINK_PINS; i++)
		if (c->pins[i].number == number)
			c->pins[i].number = UPLINK_HOLES_MAX;
}

/* A free place, else that of the one whose time is over the longest; NULL while all live. */
static struct uplink_pin *pin_place(struct uplink_core *c)
{
	struct uplink_pin *oldest = &c->pins[0];

	for (size_t i = 0; i < UPLINK_PINS; i++) {
		if (c->pins[i].number == UPLINK_HOLES_MAX)
			return &c->pins[i];
		if (c->pins[i].until_ns < oldest->until_ns)
			oldest = &c->pins[i];
	}
	if (oldest->until_ns > io_monotonic_ns())
		return NULL;
	pin_drop(c, oldest);
	return oldest;
}

static bool pin(struct uplink_core *c, uint32_t number, const struct out_addr *a, int64_t ms)
{
	struct uplink_pin *p = pin_find(c, number, a);
	struct err ignored = {};

	if (!p) {
		p = pin_place(c);
		if (!p || uplink_route_pin(c, &c->holes[number], a, &ignored) < 0)
			return false;
		*p = (struct uplink_pin){ .number = number, .addr = *a };
	}
	p->until_ns = io_monotonic_ns() + ms * 1000000;
	return uplink_wall_pin(c, number, a, ms, &ignored) == 0;
}

/* ---- what is remembered of names ---- */

static struct uplink_name *name_note(struct uplink_core *c, const char *name, bool refused)
{
	struct uplink_name *n = NULL, *oldest = &c->names[0];

	for (size_t i = 0; i < c->n_names && !n; i++) {
		if (c->names[i].refused == refused && strcmp(c->names[i].name, name) == 0)
			n = &c->names[i];
		if (c->names[i].last_ns < oldest->last_ns)
			oldest = &c->names[i];
	}
	if (!n) {
		n = c->n_names < UPLINK_LOG_NAMES ? &c->names[c->n_names++] : oldest;
		*n = (struct uplink_name){ .refused = refused, .first_ns = io_now_ns() };
		memcpy(n->name, name, strlen(name) + 1);
	}
	n->count++;
	n->last_ns = io_now_ns();
	return n;
}

static void name_add_address(struct uplink_name *n, const struct out_addr *a)
{
	for (uint32_t i = 0; i < n->n_addrs && i < UPLINK_NAME_ADDRS; i++)
		if (memcmp(&n->addrs[i], a, sizeof(*a)) == 0)
			return;
	n->addrs[n->n_addrs++ % UPLINK_NAME_ADDRS] = *a;
}

/* ---- the resolver ---- */

static bool kind_is_open(const struct uplink_core *c, enum out_kind kind)
{
	for (size_t i = 0; i < UPLINK_HOLES_MAX; i++)
		if (c->holes[i].open && c->holes[i].dest.kind == kind)
			return true;
	return false;
}

/* Every open hole that has the name gets the address. */
static bool open_for(struct uplink_core *c, const char *name, const struct out_addr *a, int64_t ms)
{
	bool private = out_is_private(a), any = kind_is_open(c, private ? OUT_LAN : OUT_INTERNET);

	if (out_is_never(a) || (private && !any) || (a->family == AF_INET6 && !c->has_v6))
		return false;
	for (uint32_t i = 0; i < UPLINK_HOLES_MAX; i++)
		if (c->holes[i].open && out_dest_names(&c->holes[i].dest, name))
			any |= pin(c, i, a, ms);
	return any;
}

static void on_pin(struct uplink_core *c, const struct resolve_packet *p)
{
	uint32_t ttl = p->ttl_s < RESOLVE_TTL_MAX_S ? p->ttl_s : RESOLVE_TTL_MAX_S;
	struct resolve_packet answer = { .op = RESOLVE_PINNED, .number = p->number, .ttl_s = ttl };
	struct uplink_name *n = name_note(c, p->name, false);

	for (uint32_t i = 0; i < p->n && i < DNS_ADDRS_MAX; i++) {
		if (p->addrs[i].family != AF_INET && p->addrs[i].family != AF_INET6)
			continue;
		name_add_address(n, &p->addrs[i]);
		if (open_for(c, p->name, &p->addrs[i], ((int64_t)ttl + RESOLVE_GRACE_S) * MS_PER_S))
			answer.allowed |= 1U << i;
	}
	(void)!send(c->resolver_fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void uplink_names_hear(struct uplink_core *c)
{
	struct resolve_packet p;
	ssize_t n = recv(c->resolver_fd, &p, sizeof(p), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(p)) {
		close(take_fd(&c->resolver_fd)); /* it is gone; the supervisor sees that too */
		return;
	}
	p.name[DNS_NAME_MAX - 1] = 0;
	if (p.op == RESOLVE_PIN)
		on_pin(c, &p);
	else if (p.op == RESOLVE_REFUSED)
		name_note(c, p.name, true);
}

static bool tell(const struct uplink_core *c, const struct resolve_packet *p)
{
	return send(c->resolver_fd, p, sizeof(*p), MSG_NOSIGNAL) == sizeof(*p);
}

int uplink_names_write(struct uplink_core *c, struct err *e)
{
	bool told;

	if (c->resolver_fd < 0)
		return err_new(e, ERR_FAILED, "the pod has no resolver");
	told = tell(c, &(struct resolve_packet){ .op = RESOLVE_CLEAR });
	/* Where every address of a kind is open, every name may be asked for: its answers are judged one by one. */
	if (told && (kind_is_open(c, OUT_INTERNET) || kind_is_open(c, OUT_LAN)))
		told = tell(c, &(struct resolve_packet){ .op = RESOLVE_NAME, .suffix = true });
	for (size_t i = 0; told && i < UPLINK_HOLES_MAX; i++) {
		struct resolve_packet p = { .op = RESOLVE_NAME, .suffix = c->holes[i].dest.suffix };

		if (!c->holes[i].open || c->holes[i].dest.kind != OUT_NAME ||
		    strlen(c->holes[i].dest.name) >= sizeof(p.name))
			continue;
		memcpy(p.name, c->holes[i].dest.name, strlen(c->holes[i].dest.name));
		told = tell(c, &p);
	}
	return told ? 0 : err_errno(e, "can't talk to the pod's resolver");
}

/* ---- the log ---- */

static void add_name(struct str *out, const struct uplink_name *n)
{
	str_addf(out, "%s\t%llu\t%lld\t%lld\t%s\t", n->name, (unsigned long long)n->count, (long long)n->first_ns,
		 (long long)n->last_ns, n->refused ? "refused" : "open");
	for (uint32_t i = 0; i < n->n_addrs && i < UPLINK_NAME_ADDRS; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(n->addrs[i].family, n->addrs[i].bytes, text, sizeof(text));
		str_addf(out, "%s%s", i ? "," : "", text);
	}
	str_add_char(out, '\n');
}

static void send_log(struct uplink_core *c, uint32_t op, struct str *text, bool more)
{
	struct uplink_reply r = { .op = op, .more = more };

	if (text->len)
		memcpy(r.text, text->text, text->len);
	uplink_core_reply(c, &r);
	str_reset(text);
}

void uplink_names_log(struct uplink_core *c, uint32_t op)
{
	enum { LINE_MAX = DNS_NAME_MAX + 128 + UPLINK_NAME_ADDRS * INET6_ADDRSTRLEN };
	autostr text = {};

	for (size_t i = 0; i < c->n_names; i++) {
		if (text.len + LINE_MAX >= UPLINK_TEXT_MAX)
			send_log(c, op, &text, true);
		add_name(&text, &c->names[i]);
	}
	send_log(c, op, &text, false);
}
