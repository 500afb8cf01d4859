/* SPDX-License-Identifier: Apache-2.0 */
/* Holes as people read them. See ledger.h. */
#include "supervise/ledger.h"

#include <string.h>

static const char *const kind_words[] = {
	[HOLE_IN] = "in",     [HOLE_IN_FD] = "in",     [HOLE_IN_POD] = "in",  [HOLE_OUT] = "out", [HOLE_PATH] = "path",
	[HOLE_SOCKET] = "socket", [HOLE_DEV] = "dev", [HOLE_CAP] = "cap", [HOLE_NEWPRIVS] = "newprivs",
	[HOLE_NS] = "ns",
};

const char *ledger_kind(const struct hole *h)
{
	return kind_words[h->kind];
}

static uint32_t real_port(const struct hole *h, const struct pod_status *status)
{
	for (size_t i = 0; h->port == 0 && status && i < status->ports.n; i++)
		if (strcmp(status->ports.v[i].hole, h->text) == 0)
			return status->ports.v[i].port;
	return h->port;
}

static void add_ports(struct str *out, uint32_t first, uint32_t last)
{
	if (last > first)
		str_addf(out, "%u-%u", first, last);
	else
		str_addf(out, "%u", first);
}

void ledger_add_from(struct str *out, const struct hole *h, const struct pod_status *status)
{
	uint32_t port = real_port(h, status);

	switch (h->kind) {
	case HOLE_IN:
		str_addf(out, strchr(h->addr ?: "", ':') ? "[%s]:" : "%s:", h->addr ?: "localhost");
		add_ports(out, port, h->port_end > h->port ? h->port_end : port);
		str_add(out, h->proto == HOLE_UDP ? "/udp" : "");
		return;
	case HOLE_PATH:
	case HOLE_SOCKET:
	case HOLE_DEV:
		str_add(out, h->source ?: h->name ?: "");
		return;
	case HOLE_NEWPRIVS:
		str_add(out, "setuid programs");
		return;
	case HOLE_OUT:
		str_add(out, h->app ?: "pod");
		return;
	default:
		str_add(out, h->name ?: h->text);
	}
}

void ledger_add_to(struct str *out, const struct plan *p, const struct hole *h)
{
	const char *app = h->app ?: p->apps.n == 1 ? p->apps.v[0].name : "pod";

	if (h->kind == HOLE_OUT) {
		str_addf(out, "%.*s", (int)strcspn(h->text + strlen("out:"), "@"), h->text + strlen("out:"));
		return;
	}
	str_add(out, app);
	if (h->kind == HOLE_IN) {
		str_add_char(out, ':');
		add_ports(out, h->app_port, h->app_port + (h->port_end > h->port ? h->port_end - h->port : 0));
	} else if (h->target) {
		str_addf(out, ":%s", h->target);
	}
}

static const char *reach_out(const struct hole *h)
{
	if (str_equal(h->name, "internet"))
		return "every public address";
	if (str_equal(h->name, "lan"))
		return "every private address";
	return str_equal(h->name, "host") ? "a port of this host" : "that destination";
}

const char *ledger_reach(const struct hole *h)
{
	switch (h->kind) {
	case HOLE_OUT:
		return reach_out(h);
	case HOLE_IN:
		if (!h->addr || strncmp(h->addr, "127.", 4) == 0 || strcmp(h->addr, "::1") == 0)
			return "this host only";
		return strcmp(h->addr, "any") == 0 ? "every host that reaches this one" : "hosts that reach this address";
	case HOLE_PATH:
		return h->writable ? (h->writable_is_docker ? "writable, as -v has it" : "writable") : "read-only";
	case HOLE_DEV:
		return h->access ?: "rwm";
	case HOLE_CAP:
		return "in the pod's own id range";
	case HOLE_NEWPRIVS:
		return "in the pod's own id range";
	default:
		return "";
	}
}

void ledger_add_line(struct str *out, const struct plan *p, const struct hole *h, const struct pod_status *status)
{
	str_addf(out, "%-8s ", ledger_kind(h));
	ledger_add_from(out, h, status);
	str_add(out, " \u2192 ");
	ledger_add_to(out, p, h);
	if (*ledger_reach(h))
		str_addf(out, "   %s", ledger_reach(h));
	if (h->why)
		str_addf(out, "   (%s)", h->why);
	str_add_char(out, '\n');
}
