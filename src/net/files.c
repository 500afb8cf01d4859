/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps of a pod that share its network meet on loopback, so their names mean 127.0.0.1: an app that
 * listens on every address, on IPv4's or on both families' loopback is reached by it. Who stands apart is reached at
 * 127.77.0.N, and known only to who has a link to it.
 */
#include "net/files.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/resolve_wire.h"

enum { RESOLV_MAX = 65536 };

static bool reaches_host(const struct plan *p, size_t circle)
{
	for (size_t i = 0; i < p->holes.n; i++) {
		const struct hole *h = &p->holes.v[i];
		const struct plan_app *app = h->app ? plan_find_app(p, h->app) : NULL;

		if (h->kind == HOLE_OUT && h->text && *h->text && str_equal(h->name, "host") &&
		    (app ? plan_circle(p, app) : 0) == circle)
			return true;
	}
	return false;
}

void files_add_hosts(struct str *out, const struct plan *p, const struct plan_app *app)
{
	const char *hostname = app->hostname ?: p->hostname;
	size_t circle = plan_circle(p, app);
	char text[INET_ADDRSTRLEN];

	str_add(out, "127.0.0.1\tlocalhost\n");
	str_add(out, "::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (hostname && *hostname)
		str_addf(out, "127.0.0.1\t%s\n", hostname);
	for (size_t i = 0; i < p->apps.n; i++) {
		const struct plan_app *other = &p->apps.v[i];
		struct in_addr address = { plan_address(p, other) };

		if (plan_circle(p, other) == circle) {
			if (!str_equal(other->name, hostname))
				str_addf(out, "127.0.0.1\t%s\n", other->name);
		} else if (plan_reaches(p, circle, other)) {
			str_addf(out, "%s\t%s\n", inet_ntop(AF_INET, &address, text, sizeof(text)), other->name);
		}
	}
	if (reaches_host(p, circle))
		str_add(out, "127.77.254.1\thost\n");
	for (char **h = p->hosts; h && *h; h++)
		str_addf(out, "%s\n", *h);
}

void files_add_hostname(struct str *out, const struct plan *p, const struct plan_app *app)
{
	str_addf(out, "%s\n", app->hostname ?: p->hostname ?: "localhost");
}

static bool has_name_hole(const struct plan *p)
{
	for (size_t i = 0; i < p->holes.n; i++) {
		struct out_dest dest;

		if (p->holes.v[i].kind != HOLE_OUT || !p->holes.v[i].text || !*p->holes.v[i].text)
			continue;
		out_dest_of(&p->holes.v[i], &dest);
		if (out_dest_asks_names(&dest))
			return true;
	}
	return false;
}

static void add_words(struct str *out, const char *key, char *const *words)
{
	if (!words || !*words)
		return;
	str_add(out, key);
	for (; *words; words++)
		str_addf(out, " %s", *words);
	str_add(out, "\n");
}

void files_add_resolv(struct str *out, const struct plan *p)
{
	bool own = p->dns && *p->dns && !has_name_hole(p);
	struct err ignored = {};
	autofree char *hosts_own = NULL;
	size_t n;

	if (p->host_net && !own && io_read_file(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &hosts_own, &n, &ignored) == 0) {
		str_add(out, hosts_own);
		return;
	}

	/* It listens from the first hole by name on; until then a question is refused at once. */
	if (!own)
		str_add(out, "# The pod's own resolver, which knows the names that have a hole (out:NAME:PORT) and no others.\n"
			     "nameserver " RESOLVE_ADDRESS "\n");
	for (char **s = p->dns; own && *s; s++)
		str_addf(out, "nameserver %s\n", *s);
	add_words(out, "search", p->dns_search);
	add_words(out, "options", p->dns_options);
}
