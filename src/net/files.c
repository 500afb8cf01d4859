/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps of a pod that share its network meet on loopback, so their names mean 127.0.0.1: an app that
 * listens on every address, on IPv4's or on both families' loopback is reached by it.
 */
#include "net/files.h"

void files_add_hosts(struct str *out, const struct plan *p, const struct plan_app *app)
{
	str_add(out, "127.0.0.1\tlocalhost\n");
	str_add(out, "::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (p->hostname && *p->hostname)
		str_addf(out, "127.0.0.1\t%s\n", p->hostname);
	for (size_t i = 0; i < p->apps.n; i++) {
		const struct plan_app *other = &p->apps.v[i];
		bool near = app->distance != DISTANCE_APART && other->distance != DISTANCE_APART;

		if (str_equal(other->name, p->hostname))
			continue;
		if (near || other == app)
			str_addf(out, "127.0.0.1\t%s\n", other->name);
	}
	for (char **h = p->hosts; h && *h; h++)
		str_addf(out, "%s\n", *h);
}

void files_add_hostname(struct str *out, const struct plan *p)
{
	str_addf(out, "%s\n", p->hostname ? p->hostname : "localhost");
}

void files_add_resolv(struct str *out, const struct plan *p)
{
	if (!p->dns || !*p->dns)
		str_add(out, "# This pod has no hole to a name server: only the names in /etc/hosts resolve.\n");
	for (char **s = p->dns; s && *s; s++)
		str_addf(out, "nameserver %s\n", *s);
	if (!p->dns_search || !*p->dns_search)
		return;
	str_add(out, "search");
	for (char **s = p->dns_search; *s; s++)
		str_addf(out, " %s", *s);
	str_add(out, "\n");
}
