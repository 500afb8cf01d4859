/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holes against the pod that they are for: known apps, what this version can open, ports that meet,
 * and privileges that a user namespace can't give. Path and socket holes become mounts in
 * resolve_mounts.c. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/caps.h"
#include "pod/place.h"
#include "pod/resolve_parts.h"

static int refuse(const struct hole *h, struct err *e)
{
	return place_err_text(h->place, e);
}

/* ---- one hole ---- */

static int unknown_app(const struct resolve *r, const struct hole *h, struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->apps.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < r->pod->apps.n; i++)
		names[i] = r->pod->apps.v[i].name;
	near = str_nearest(h->app, names);
	err_new(e, ERR_USAGE, "the hole %s is for an app that the pod does not have", h->text);
	err_because(e, "there is no app '%s'", h->app);
	err_try(e, "@%s", near ? near : names[0]);
	return refuse(h, e);
}

/* Apps that stand apart have a network each: a hole leads to one of them. */
static int check_apart(const struct resolve *r, const struct hole *h, struct err *e)
{
	if (h->app)
		return 0;
	for (size_t i = 1; i < r->pod->apps.n; i++) {
		const struct pod_app *first = &r->pod->apps.v[0], *app = &r->pod->apps.v[i];

		if (!resolve_is_apart(r, first->name, app->name))
			continue;
		err_new(e, ERR_USAGE, "the hole %s does not say which app it is for", h->text);
		err_because(e, "'%s' and '%s' stand apart, each with a network of its own", first->name, app->name);
		err_try(e, "%s@%s", h->text, first->name);
		return refuse(h, e);
	}
	return 0;
}

static bool opens_host_users(const struct pod *p)
{
	for (size_t i = 0; i < p->holes.n; i++)
		if (p->holes.v[i].kind == HOLE_NS && !strcmp(p->holes.v[i].name, "user"))
			return true;
	return false;
}

/* A capability that the kernel asks of the host's user namespace is worth nothing in the pod's own.
 */
static int check_cap(const struct resolve *r, const struct hole *h, struct err *e)
{
	const char *instead;
	uint64_t set, only;
	int rc = caps_parse(h->name, &set, e);

	if (rc)
		return rc;
	only = caps_host_only(set, &instead);
	if (!only || opens_host_users(r->pod))
		return 0;
	err_new(e, ERR_USAGE, "the hole %s can't be opened in a pod with its own user namespace",
		h->text);
	err_because(e,
		    "%s works only in the host's user namespace; it takes the hole ns:user too, "
		    "which this "
		    "version of Rocket can't open yet",
		    set == caps_all ? "part of ALL" : caps_name((unsigned)__builtin_ctzll(only)));
	if (set == caps_all)
		err_try(e, "name each capability that the app needs, as in cap:NET_ADMIN");
	else if (instead)
		err_try(e, "%s", instead);
	return refuse(h, e);
}

static int check_hole(const struct resolve *r, const struct hole *h, struct err *e)
{
	int rc;

	if (h->app && !pod_find_app(r->pod, h->app))
		return unknown_app(r, h, e);
	if ((h->kind == HOLE_IN || h->kind == HOLE_IN_POD || h->kind == HOLE_OUT) && (rc = check_apart(r, h, e)))
		return rc;
	if (h->kind == HOLE_CAP && (rc = check_cap(r, h, e)))
		return rc;
	return hole_check_supported(h, e);
}

/* ---- two holes ---- */

/* Which of the host's addresses a hole listens on. */
struct listen {
	bool v4, v6;           /* any address of the family, or … */
	const char *ip4, *ip6; /* … this one */
};

static struct listen listen_of(const struct hole *h)
{
	if (!h->addr)
		return (struct listen){.ip4 = "127.0.0.1", .ip6 = "::1"};
	if (!strcmp(h->addr, "any"))
		return (struct listen){.v4 = true, .v6 = true};
	if (!strcmp(h->addr, "0.0.0.0"))
		return (struct listen){.v4 = true};
	if (!strcmp(h->addr, "::"))
		return (struct listen){.v6 = true};
	return strchr(h->addr, ':') ? (struct listen){.ip6 = h->addr}
				    : (struct listen){.ip4 = h->addr};
}

static bool family_meets(bool any_a, const char *ip_a, bool any_b, const char *ip_b)
{
	if ((any_a && (any_b || ip_b)) || (any_b && ip_a))
		return true;
	return ip_a && ip_b && !strcmp(ip_a, ip_b);
}

static bool ranges_meet(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end)
{
	return a <= b_end && b <= a_end;
}

static bool listens_meet(const struct hole *a, const struct hole *b)
{
	struct listen la = listen_of(a), lb = listen_of(b);

	if (a->proto != b->proto || !a->port || !b->port ||
	    !ranges_meet(a->port, a->port_end, b->port, b->port_end))
		return false;
	return family_meets(la.v4, la.ip4, lb.v4, lb.ip4) ||
	       family_meets(la.v6, la.ip6, lb.v6, lb.ip6);
}

/* Two apps on one loopback can't both listen on the port. */
static bool apps_meet(const struct resolve *r, const struct hole *a, const struct hole *b)
{
	uint32_t a_end = a->app_port + (a->port_end - a->port),
		 b_end = b->app_port + (b->port_end - b->port);

	return a->proto == b->proto && a->app && b->app && strcmp(a->app, b->app) &&
	       !resolve_is_apart(r, a->app, b->app) &&
	       ranges_meet(a->app_port, a_end, b->app_port, b_end);
}

static int check_pair(const struct resolve *r, const struct hole *a, const struct hole *b, struct err *e)
{
	if (a->kind != HOLE_IN || b->kind != HOLE_IN)
		return 0;
	if (listens_meet(a, b)) {
		err_new(e, ERR_USAGE, "two holes want the same port of the host: %s and %s",
			a->text, b->text);
		err_because(e, "a port of one address belongs to one hole");
		err_try(e, "give one of them another port");
		return refuse(b, e);
	}
	if (apps_meet(r, a, b)) {
		err_new(e, ERR_USAGE, "the apps '%s' and '%s' want the same port", a->app, b->app);
		err_because(e, "they stand close and meet on one loopback; the holes are %s and %s",
			    a->text, b->text);
		err_try(e, "let one of the two listen on another port");
		return refuse(b, e);
	}
	return 0;
}

static bool has_text(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->holes.n; i++)
		if (!strcmp(p->holes.v[i].text, text))
			return true;
	return false;
}

static int add_hole(struct resolve *r, const struct hole *h, struct err *e)
{
	int rc = check_hole(r, h, e);

	if (rc || has_text(r->plan, h->text))
		return rc;
	for (size_t i = 0; i < r->plan->holes.n; i++)
		if ((rc = check_pair(r, &r->plan->holes.v[i], h, e)))
			return rc;
	*list_add(r->arena, &r->plan->holes) = *h;
	return 0;
}

/* With the host's own network there is no wall of Rocket's to open: what listens, listens on the host. */
static int check_host_net(struct resolve *r, struct err *e)
{
	for (size_t i = 0; r->plan->host_net && i < r->plan->holes.n; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		if (h->kind != HOLE_IN && h->kind != HOLE_OUT)
			continue;
		err_new(e, ERR_USAGE, "the holes %s and ns:net do not go together", h->text);
		err_because(e, "with ns:net the apps are in the host's network: its ports and ways are theirs");
		err_try(e, "leave %s out, or ns:net", h->text);
		return refuse(h, e);
	}
	return 0;
}

static int open_namespaces(struct resolve *r, struct err *e)
{
	for (size_t i = 0; i < r->plan->holes.n; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		if (h->kind != HOLE_NS)
			continue;
		r->plan->host_net |= str_equal(h->name, "net");
		r->plan->host_ipc |= str_equal(h->name, "ipc");
	}
	return check_host_net(r, e);
}

/* An app that stands apart has namespaces of its own; the host's would be shared after all. */
static int check_shared(const struct resolve *r, struct err *e)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; (p->host_net || p->host_ipc) && i < r->pod->apps.n; i++) {
		const struct pod_app *a = &r->pod->apps.v[i];
		enum distance d = a->distance ? (enum distance)(a->distance - 1) : p->distance;

		if (d != DISTANCE_APART)
			continue;
		err_new(e, ERR_USAGE, "the app '%s' can't stand apart in a pod with ns:%s", a->name, p->host_net ? "net" : "ipc");
		err_because(e, "the hole gives every app of the pod the same namespace, the host's");
		return err_try(e, "distance: close");
	}
	return 0;
}

int resolve_holes(struct resolve *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < r->pod->holes.n && !rc; i++)
		rc = add_hole(r, &r->pod->holes.v[i], e);
	if (rc == 0)
		rc = open_namespaces(r, e);
	return rc ? rc : check_shared(r, e);
}

/* ---- what holes give one app ---- */

static int bad_device(const struct hole *h, const char *because, struct err *e)
{
	err_new(e, ERR_USAGE, "the hole %s can't be opened", h->text);
	err_because(e, "%s", because);
	return refuse(h, e);
}

static bool has_device(const struct plan_app *app, const char *target)
{
	for (size_t i = 0; i < app->devices.n; i++)
		if (!strcmp(app->devices.v[i].target, target))
			return true;
	return false;
}

static int give_device(struct resolve *r, struct resolve_app *ra, const struct hole *h,
		       struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	struct host_file file = {};
	int rc = s->stat_host(s->context, h->source, &file, e);

	if (rc)
		return refuse(h, e);
	if (file.kind == HOST_FILE_DIR)
		return bad_device(h, "a folder lies there: name each device in it", e);
	if (file.kind != HOST_FILE_CHAR && file.kind != HOST_FILE_BLOCK)
		return bad_device(h, "what lies there is no device", e);
	if (r->in->host.rootless && (!strchr(h->access, 'r') || !strchr(h->access, 'w')))
		return bad_device(h, "an ordinary user can't limit what a pod does with a device: only rw can be given", e);
	if (has_device(&ra->app, h->target))
		return bad_device(h,
				  arena_printf(r->arena,
					       "app '%s' has another device at %s already",
					       ra->asked->name, h->target),
				  e);
	*list_add(r->arena, &ra->app.devices) = (struct plan_device){
		.path = h->source,
		.target = h->target,
		.major = file.major,
		.minor = file.minor,
		.block = file.kind == HOST_FILE_BLOCK,
		.access = h->access,
	};
	return 0;
}

static int give_cap(struct resolve *r, struct resolve_app *ra, const struct hole *h, struct err *e)
{
	uint64_t set;
	int rc = caps_parse(h->name, &set, e);

	if (rc)
		return rc;
	ra->app.caps |= set;
	return 0;
}

static int give_new_privs(struct resolve *r, struct resolve_app *ra, const struct hole *h,
			  struct err *e)
{
	ra->app.new_privs = true;
	return 0;
}

static int (*const gives[HOLE_NS + 1])(struct resolve *r, struct resolve_app *ra,
				       const struct hole *h, struct err *e) = {
	[HOLE_DEV] = give_device,
	[HOLE_CAP] = give_cap,
	[HOLE_NEWPRIVS] = give_new_privs,
};

int resolve_app_holes(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	int rc = 0;

	ra->app.caps = caps_default & ~ra->asked->cap_drop;
	for (size_t i = 0; i < r->plan->holes.n && !rc; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		if (gives[h->kind] && hole_is_for(h, ra->asked->name))
			rc = gives[h->kind](r, ra, h, e);
	}
	return rc;
}
