/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hole as text: its normal short form (the ledger's key), and the line of a start that says what it
 * reaches. What a default says is left out, so that each hole has one spelling. Pure.
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
	[HOLE_IN] = format_in,         [HOLE_IN_FD] = format_in_fd, [HOLE_IN_POD] = format_in_pod,
	[HOLE_OUT] = format_out,       [HOLE_PATH] = format_path,   [HOLE_SOCKET] = format_socket,
	[HOLE_DEV] = format_dev,       [HOLE_CAP] = format_cap,     [HOLE_NEWPRIVS] = format_newprivs,
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

/* ---- what a hole reaches, for people ---- */

static const char *app_or_pod(const struct hole *h)
{
	return h->app ? h->app : "every app";
}

static const char *in_reach(const struct hole *h)
{
	if (!h->addr || str_has_prefix(h->addr, "127.") || str_equal(h->addr, "::1"))
		return "this host only";
	if (str_equal(h->addr, "any") || str_equal(h->addr, "0.0.0.0") || str_equal(h->addr, "::"))
		return "everyone who reaches this host";
	return "everyone who reaches this address";
}

static void describe_in(struct str *out, const struct hole *h)
{
	add_host(out, h->addr ? h->addr : "127.0.0.1");
	str_add_char(out, ':');
	add_ports(out, h);
	str_addf(out, " → %s:%u", h->app ? h->app : "pod", h->app_port);
	if (h->port_end != h->port)
		str_addf(out, "-%u", h->app_port + (h->port_end - h->port));
	add_proto(out, h);
	str_addf(out, "   %s", in_reach(h));
}

static void describe_path(struct str *out, const struct hole *h)
{
	str_addf(out, "%s → %s:%s   ", h->source, app_or_pod(h), h->target);
	if (!h->writable)
		str_add(out, "read-only");
	else
		str_add(out, h->writable_is_docker ? "writable, as docker's -v means it" : "writable");
}

static void describe_dev(struct str *out, const struct hole *h)
{
	str_addf(out, "%s → %s", h->name ? h->name : h->source, app_or_pod(h));
	if (!h->name)
		str_addf(out, ":%s   %s", h->target, h->access);
}

static void describe_socket(struct str *out, const struct hole *h)
{
	str_addf(out, "%s → %s:%s   the program behind it is outside the pod", h->source, app_or_pod(h), h->target);
}

static void describe_cap(struct str *out, const struct hole *h)
{
	str_addf(out, "%s   %s, inside the pod's own user namespace", h->name, app_or_pod(h));
}

static void describe_newprivs(struct str *out, const struct hole *h)
{
	str_addf(out, "setuid programs work   %s", app_or_pod(h));
}

static void describe_rest(struct str *out, const struct hole *h)
{
	const char *colon = strchr(h->text, ':');

	str_add(out, colon ? colon + 1 : h->text);
}

static void (*const describers[HOLE_NS + 1])(struct str *out, const struct hole *h) = {
	[HOLE_IN] = describe_in,     [HOLE_IN_FD] = describe_rest, [HOLE_IN_POD] = describe_rest,
	[HOLE_OUT] = describe_rest,  [HOLE_PATH] = describe_path,  [HOLE_SOCKET] = describe_socket,
	[HOLE_DEV] = describe_dev,   [HOLE_CAP] = describe_cap,    [HOLE_NEWPRIVS] = describe_newprivs,
	[HOLE_NS] = describe_rest,
};
static const char *const describe_words[HOLE_NS + 1] = {
	[HOLE_IN] = "in",         [HOLE_IN_FD] = "in", [HOLE_IN_POD] = "in", [HOLE_OUT] = "out",
	[HOLE_PATH] = "path",     [HOLE_SOCKET] = "socket", [HOLE_DEV] = "dev", [HOLE_CAP] = "cap",
	[HOLE_NEWPRIVS] = "newprivs", [HOLE_NS] = "ns",
};

char *hole_describe(struct arena *a, const struct hole *h)
{
	autostr out = {};

	str_addf(&out, "%-4s", describe_words[h->kind]);
	describers[h->kind](&out, h);
	if (h->origin)
		str_addf(&out, "   (%s)", h->origin);
	return arena_strdup(a, str_text(&out));
}
