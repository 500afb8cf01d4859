/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's own part of the plan, and the order of the rest: names, holes, volumes, then each app.
 * Data in: struct pod and what the callbacks look up. Out: a plan with nothing left to decide.
 * Pure.
 */
#include "pod/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/limits.h"
#include "pod/names.h"
#include "pod/place.h"
#include "pod/resolve_parts.h"

#define SHM_BYTES_DEFAULT (UINT64_C(64) << 20)

/* ---- names ---- */

/* Made-up names are tried until one is free; then a number makes the last one so. */
static char *make_name(struct resolve *r)
{
	const struct pod_sources *s = &r->in->sources;
	uint64_t random = r->in->random;
	char *name = name_generate(r->arena, random), *numbered;

	for (unsigned i = 0; i < 16 && !s->name_is_free(s->context, name); i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		name = name_generate(r->arena, random >> 32);
	}
	numbered = name;
	for (unsigned i = 2; i < 100000 && !s->name_is_free(s->context, numbered); i++)
		numbered = arena_printf(r->arena, "%s-%u", name, i);
	return numbered;
}

static int resolve_names(struct resolve *r, struct err *e)
{
	const struct pod *p = r->pod;
	int rc = 0;

	r->plan->name = p->name ? arena_strdup(r->arena, p->name) : make_name(r);
	if ((rc = name_check(NAME_POD, r->plan->name, e)))
		return rc;
	r->plan->hostname = p->hostname ? arena_strdup(r->arena, p->hostname)
					: name_to_host(r->arena, r->plan->name);
	return name_check(NAME_HOST, r->plan->hostname, e);
}

static int no_apps(struct err *e)
{
	err_new(e, ERR_USAGE, "a pod has at least one app");
	return err_because(e, "none is asked for");
}

static int resolve_app_names(struct resolve *r, struct err *e)
{
	const struct pod *p = r->pod;
	int rc;

	if (p->apps.n == 0)
		return no_apps(e);
	for (size_t i = 0; i < p->apps.n; i++) {
		const struct pod_app *app = &p->apps.v[i];

		if ((rc = name_check(NAME_APP, app->name, e)))
			return place_err_text(app->place, e);
		if (pod_find_app(p, app->name) == app)
			continue;
		err_new(e, ERR_USAGE, "two apps of the pod are named '%s'", app->name);
		err_because(e, "an app's name is its host name in the pod");
		err_try(e, "--name OTHER behind one of the images");
		return place_err_text(app->place, e);
	}
	return 0;
}

static int resolve_exit(struct resolve *r, struct err *e)
{
	const char *exit = r->pod->exit ? r->pod->exit : "all";

	r->plan->exit = arena_strdup(r->arena, exit);
	if (str_equal(exit, "all") || str_equal(exit, "first") || pod_find_app(r->pod, exit))
		return 0;
	err_new(e, ERR_USAGE, "exit can't be '%.63s'", exit);
	err_because(e, "it is all, first, or the name of an app of the pod");
	return err_try(e, "exit: %s", r->pod->apps.v[0].name);
}

/* ---- facts and plain values ---- */

static int resolve_facts(struct resolve *r, struct err *e)
{
	const struct pod_host *host = &r->in->host;
	struct plan *plan = r->plan;

	plan->id = arena_strdup(r->arena, r->in->id);
	plan->created_ns = r->in->created_ns;
	plan->boot_id = arena_strdup(r->arena, host->boot_id);
	plan->cgroup = arena_strdup(r->arena, host->cgroup);
	plan->ids = host->ids;
	return 0;
}

/* A limit that nothing here can enforce is refused where it is asked for; who asks for none gets none. */
static int check_enforceable(const struct resolve *r, const char *who, const struct plan_limits *l, struct err *e)
{
	const char *first = r->in->host.no_limits ? limits_first(l) : NULL;

	if (!first)
		return 0;
	err_new(e, ERR_FAILED, "this host can't enforce the limit '%s' of %s", first, who);
	err_because(e, "%s", r->in->host.no_limits);
	return err_try(e, "%s", r->in->host.limits_try);
}

static int resolve_limits(struct resolve *r, struct err *e)
{
	int rc = check_enforceable(r, "the pod", &r->pod->limits, e);

	for (size_t i = 0; i < r->pod->apps.n && !rc; i++) {
		const struct pod_app *app = &r->pod->apps.v[i];

		rc = check_enforceable(r, app->name, &app->limits, e);
		if (rc)
			rc = place_err_text(app->place, e);
	}
	return rc;
}

/* The kernel knows devices by number. */
static int number_device(struct resolve *r, struct plan_io *io, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	const char *colon = strchr(io->device, ':');
	struct host_file file = {};
	int rc;

	if (io->device[0] != '/') {
		io->major = (uint32_t)strtoul(io->device, NULL, 10);
		io->minor = (uint32_t)strtoul(colon + 1, NULL, 10);
		return 0;
	}
	if ((rc = s->stat_host(s->context, io->device, &file, e)))
		return rc;
	if (file.kind != HOST_FILE_BLOCK) {
		err_new(e, ERR_USAGE, "%s can't be limited", io->device);
		err_because(e, "what lies there is no block device");
		return err_try(e, "lsblk");
	}
	io->major = file.major;
	io->minor = file.minor;
	return 0;
}

int resolve_device_numbers(struct resolve *r, struct plan_limits *l, struct err *e)
{
	struct plan_limits copy = *l;
	int rc = 0;

	copy.io.v = NULL;
	copy.io.n = 0;
	for (size_t i = 0; i < l->io.n && !rc; i++) {
		struct plan_io io = l->io.v[i];

		rc = number_device(r, &io, e);
		*list_add(r->arena, &copy.io) = io;
	}
	if (!rc)
		*l = copy;
	return rc;
}

static int resolve_plain(struct resolve *r, struct err *e)
{
	const struct pod *p = r->pod;
	struct plan *plan = r->plan;

	plan->distance = p->distance ? (enum distance)(p->distance - 1) : DISTANCE_CLOSE;
	plan->shm_bytes = p->shm_bytes ? p->shm_bytes : SHM_BYTES_DEFAULT;
	plan->limits = p->limits;
	plan->dns = p->dns.servers;
	plan->dns_search = p->dns.search;
	plan->dns_options = p->dns.options;
	plan->hosts = p->hosts;
	plan->remove = p->remove;
	plan->learn = p->learn;
	plan->labels = p->labels;
	return resolve_device_numbers(r, &plan->limits, e);
}

/* ---- sysctls: the pod's and every app's, of namespaces that the apps share ---- */

static const char *find_sysctl(char **sysctls, const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (; sysctls && *sysctls; sysctls++)
		if (!strncmp(*sysctls, entry, n + 1))
			return *sysctls;
	return NULL;
}

static int add_sysctls(struct resolve *r, char **sysctls, const char *owner, struct err *e)
{
	for (; sysctls && *sysctls; sysctls++) {
		const char *old = find_sysctl(r->plan->sysctls, *sysctls);

		if (old && strcmp(old, *sysctls)) {
			err_new(e, ERR_USAGE,
				"the apps of a pod share its sysctls, and two values are asked "
				"for");
			return err_because(e, "%s, and %s (%s)", old, *sysctls, owner);
		}
		if (!old)
			arena_strv_add(r->arena, &r->plan->sysctls, *sysctls);
	}
	return 0;
}

static int resolve_sysctls(struct resolve *r, struct err *e)
{
	int rc = add_sysctls(r, r->pod->sysctls, "the pod", e);

	for (size_t i = 0; i < r->pod->apps.n && !rc; i++)
		rc = add_sysctls(r, r->pod->apps.v[i].sysctls, r->pod->apps.v[i].name, e);
	return rc;
}

/* ---- apps ---- */

/* What it runs and may do. Links come next, and then what is mounted in it. */
static int begin_app(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	int rc = resolve_app_process(r, ra, e);

	return rc ? rc : resolve_app_holes(r, ra, e);
}

static int end_app(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	int rc = resolve_app_mounts(r, ra, e);

	if (!rc)
		*list_add(r->arena, &r->plan->apps) = ra->app;
	return rc;
}

/* Does the error tell a place already, of a mount or hole? */
static bool has_place(const struct pod *p, const struct err *e)
{
	size_t n = p->file ? strlen(p->file) : 0;

	return n && !strncmp(e->what, p->file, n) && e->what[n] == ':';
}

static int each_app(struct resolve *r, int (*step)(struct resolve *r, struct resolve_app *ra, struct err *e),
		    struct err *e)
{
	for (size_t i = 0; i < r->pod->apps.n; i++) {
		int rc = step(r, &r->apps[i], e);

		if (rc)
			return has_place(r->pod, e) ? rc : place_err_text(r->apps[i].asked->place, e);
	}
	return 0;
}

static int resolve_apps(struct resolve *r, struct err *e)
{
	int rc;

	r->apps = arena_alloc(r->arena, r->pod->apps.n * sizeof(*r->apps));
	for (size_t i = 0; i < r->pod->apps.n; i++)
		r->apps[i].asked = &r->pod->apps.v[i];
	if ((rc = each_app(r, begin_app, e)) || (rc = resolve_links(r, e)))
		return rc;
	return each_app(r, end_app, e);
}

int plan_resolve(const struct pod_inputs *in, struct plan *ret, struct err *e)
{
	static int (*const steps[])(struct resolve * r, struct err * e) = {
		resolve_facts, resolve_app_names, resolve_names,   resolve_exit, resolve_plain,
		resolve_limits,
		resolve_holes, resolve_sysctls,   resolve_volumes, resolve_files,
		resolve_order, resolve_apps,
		resolve_shared_volumes,
	};
	struct plan plan = {};
	struct resolve r = {.in = in, .arena = in->arena, .pod = in->pod, .plan = &plan};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](&r, e);
	if (rc)
		return rc;
	*ret = plan;
	return 0;
}
