/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hole as text: its normal short form, the ledger's key. What a default says is left out, so that
 * each hole has one spelling. Pure.
 */
#include "pod/hole.h"

#include <string.h>

#include "base/str.h"

static void add_ports(struct str *out, const struct hole *h)
{
	if (h->any_port)
		str_add_char(out, '*');
	else
		str_addf(out, "%u", h->port);
	if (!h->any_port && h->port_end != h->port)
		str_addf(out, "-%u", h->port_end);
}

static void add_proto(struct str *out, const struct hole *h)
{
	if (h->proto != HOLE_TCP)
		str_addf(out, "/%s", hole_proto_names[h->proto]);
}

/* IPv6 in brackets. */
static void add_host(struct str *out, const char *host)
{
	str_addf(out, strchr(host, ':') ? "[%s]" : "%s", host);
}

static void format_in(struct str *out, const struct hole *h)
{
	str_add(out, "in:");
	if (h->addr) {
		add_host(out, h->addr);
		str_add_char(out, ':');
	}
	add_ports(out, h);
	if (h->app_port != h->port)
		str_addf(out, ":%u", h->app_port);
	add_proto(out, h);
}

static void format_in_pod(struct str *out, const struct hole *h)
{
	str_add(out, "in:pod");
	if (h->name)
		str_addf(out, "/%s", h->name);
	str_add_char(out, ':');
	add_ports(out, h);
	add_proto(out, h);
}

static void format_out(struct str *out, const struct hole *h)
{
	str_add(out, "out:");
	if (!strcmp(h->name, "internet") || !strcmp(h->name, "lan")) {
		str_add(out, h->name);
		add_proto(out, h);
		return;
	}
	add_host(out, h->name);
	str_add_char(out, ':');
	add_ports(out, h);
	add_proto(out, h);
}

static void format_path(struct str *out, const struct hole *h)
{
	str_addf(out, "path:%s:%s%s", h->source, h->target, h->writable ? ":rw" : "");
}

static void format_socket(struct str *out, const struct hole *h)
{
	str_addf(out, "socket:%s", h->source);
	if (!str_equal(h->source, h->target))
		str_addf(out, ":%s", h->target);
}

static void format_dev(struct str *out, const struct hole *h)
{
	str_addf(out, "dev:%s", h->name ? h->name : h->source);
	if (!h->name && !str_equal(h->source, h->target))
		str_addf(out, ":%s", h->target);
	if (!h->name && !str_equal(h->access, "rw"))
		str_addf(out, ":%s", h->access);
}

static void format_in_fd(struct str *out, const struct hole *h)
{
	str_addf(out, "in:fd:%s", h->name);
}

static void format_cap(struct str *out, const struct hole *h)
{
	str_addf(out, "cap:%s", h->name);
}

static void format_newprivs(struct str *out, const struct hole *h)
{
	str_add(out, "newprivs");
}

static void format_ns(struct str *out, const struct hole *h)
{
	str_addf(out, "ns:%s", h->name);
}

static void (*const formats[HOLE_NS + 1])(struct str *out, const struct hole *h) = {
	[HOLE_IN] = format_in,   [HOLE_IN_FD] = format_in_fd, [HOLE_IN_POD] = format_in_pod,
	[HOLE_OUT] = format_out, [HOLE_PATH] = format_path,   [HOLE_SOCKET] = format_socket,
	[HOLE_DEV] = format_dev, [HOLE_CAP] = format_cap,     [HOLE_NEWPRIVS] = format_newprivs,
	[HOLE_NS] = format_ns,
};

char *hole_format(struct arena *a, const struct hole *h)
{
	autostr out = {};

	formats[h->kind](&out, h);
	if (h->app)
		str_addf(&out, "@%s", h->app);
	return arena_strdup(a, str_text(&out));
}
