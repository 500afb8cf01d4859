/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bundle's config.json: refused with a reason, or a plan with nothing that the boundary can't take. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "pod/oci_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_plan(const struct oci_plan *p)
{
	must(p->app && p->app->argv && p->app->argv[0] && p->app->workdir && p->app->workdir[0] == '/');
	must((p->fresh & ~p->namespaces) == 0 && p->joins.n <= 8);
	must(p->mounts.n == p->config->mounts.n);
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct oci_attach *m = &p->mounts.v[i];

		must(m->target[0] == '/' && m->asked);
		must(m->kind != OCI_ATTACH_BIND || m->source);
		must(m->kind != OCI_ATTACH_NEW || m->type);
	}
	for (size_t i = 0; i < p->config->linux_.devices.n; i++)
		must(p->config->linux_.devices.v[i].path[0] == '/' && p->config->linux_.devices.v[i].type[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena a = {};
	struct err e = {};
	struct oci_config c;
	struct oci_plan p;
	struct oci_process process;
	struct oci_resources resources;

	if (oci_config_read(&a, (const char *)data, size, &c, &e) < 0)
		must(e.code == ERR_USAGE && e.what[0]);
	else if (oci_plan_make(&a, &c, "fuzz", &p, &e) < 0)
		must(e.code == ERR_USAGE && e.what[0]);
	else
		check_plan(&p);
	(void)!oci_process_read(&a, (const char *)data, size, &process, &e);
	(void)!oci_resources_read(&a, (const char *)data, size, &resources, &e);
	return 0;
}
