/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links against the pod that they are for: which way each is carried, the mounts that it brings, and what contradicts
 * itself. Between two apps the farther of their two words holds. Runs when every app's process is known and no app's
 * mounts are. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/paths.h"
#include "pod/place.h"
#include "pod/resolve_parts.h"

#define SIGNAL_FOLDER "/run/rocket/signal"
#define FOLDER_BYTES  (UINT64_C(1) << 20)

static int refuse(const struct link *l, struct err *e)
{
	return place_err_text(l->place, e);
}

static struct resolve_app *app_of(const struct resolve *r, const char *name)
{
	for (size_t i = 0; i < r->pod->apps.n; i++)
		if (str_equal(r->apps[i].asked->name, name))
			return &r->apps[i];
	return NULL;
}

enum distance resolve_distance(const struct resolve *r, const struct pod_app *app)
{
	return (enum distance)(app->distance ? app->distance - 1 : (int)r->plan->distance);
}

bool resolve_is_apart(const struct resolve *r, const char *a, const char *b)
{
	const struct pod_app *x = pod_find_app(r->pod, a), *y = pod_find_app(r->pod, b);

	return x && y && x != y &&
	       (resolve_distance(r, x) == DISTANCE_APART || resolve_distance(r, y) == DISTANCE_APART);
}

static bool link_is_apart(const struct resolve *r, const struct link *l)
{
	return resolve_is_apart(r, l->from, l->to);
}

static void add_mount(struct resolve *r, const char *app, const struct plan_mount *m, const struct link *l)
{
	struct resolve_app *ra = app_of(r, app);

	*list_add(r->arena, &ra->linked) = (struct resolve_linked){
		.mount = *m,
		.origin = arena_printf(r->arena, "the link %s", l->text),
		.place = l->place,
	};
}

/* ---- tcp, udp ---- */

static bool is_port_kind(const struct link *l)
{
	return l->kind == LINK_TCP || l->kind == LINK_UDP;
}

static int resolve_port(struct resolve *r, struct link *l, struct err *e)
{
	bool apart = link_is_apart(r, l);

	l->way = apart || l->port != l->to_port ? LINK_WAY_RELAY : LINK_WAY_SHARED;
	l->loopback = l->way == LINK_WAY_RELAY;
	return 0;
}

/* ---- unix ---- */

static char *parent_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? arena_strdup(a, "/") : arena_strndup(a, path, (size_t)(slash - path));
}

/* The mount that the owner put at the path or above it. */
static const struct pod_mount *mount_above(const struct resolve_app *ra, const char *path)
{
	for (size_t i = 0; i < ra->asked->mounts.n; i++) {
		const char *target = ra->asked->mounts.v[i].target;
		size_t n = strlen(target);

		if (!strncmp(target, path, n) && (path[n] == 0 || path[n] == '/'))
			return &ra->asked->mounts.v[i];
	}
	return NULL;
}

/* Both see the socket's folder as one volume already. */
static bool share_volume(const struct resolve_app *from, const struct resolve_app *to, const struct link *l)
{
	const struct pod_mount *a = mount_above(from, l->path), *b = mount_above(to, l->to_path);

	return a && b && a->volume && b->volume && !strcmp(a->volume, b->volume) &&
	       !strcmp(l->path + strlen(a->target), l->to_path + strlen(b->target));
}

/* May a folder of the link's own stand there, hiding nothing? */
static int folder_fits(struct resolve *r, const struct resolve_app *ra, const char *path, bool *ret,
		       struct image_folder *ret_folder, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	struct image_folder f = {};
	char *parent = parent_of(r->arena, path);
	int rc;

	*ret = false;
	if (path_target_refusal(parent) || mount_above(ra, parent))
		return 0;
	rc = s->stat_folder(s->context, ra->image, parent, &f, e);
	if (rc)
		return rc;
	*ret = !f.exists || (f.is_folder && f.empty);
	*ret_folder = f;
	return 0;
}

static const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static struct plan_volume *find_volume(struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (!strcmp(p->volumes.v[i].name, name))
			return &p->volumes.v[i];
	return NULL;
}

/* The folder belongs to who listens; who connects needs no right to write in it. Links to one folder of TO share it. */
static void add_folder(struct resolve *r, struct link *l, const struct image_folder *there)
{
	const struct resolve_app *to = app_of(r, l->to);
	char *to_parent = parent_of(r->arena, l->to_path);
	char *name = arena_printf(r->arena, "link:%s:%s", l->to, to_parent);
	struct plan_mount m = { .kind = MOUNT_VOLUME, .source = name, .target = to_parent, .create_dir = true };

	l->way = LINK_WAY_FOLDER;
	if (!find_volume(r->plan, name)) {
		*list_add(r->arena, &r->plan->volumes) = (struct plan_volume){
			.name = name,
			.tmpfs = true,
			.from_link = true,
			.size_bytes = FOLDER_BYTES,
			.uid = there->exists ? there->uid : to->account.uid,
			.gid = there->exists ? there->gid : to->account.gid,
			.mode = there->exists ? there->mode : 0755,
		};
		add_mount(r, l->to, &m, l);
	}
	m.target = parent_of(r->arena, l->path);
	m.read_only = true;
	add_mount(r, l->from, &m, l);
}

static int resolve_unix(struct resolve *r, struct link *l, struct err *e)
{
	const struct resolve_app *from = app_of(r, l->from), *to = app_of(r, l->to);
	struct image_folder of_from = {}, of_to = {};
	bool from_fits = false, to_fits = false;
	int rc = 0;

	if (*l->path == '@') {
		bool same = !link_is_apart(r, l) && !strcmp(l->path, l->to_path);

		l->way = same ? LINK_WAY_SHARED : LINK_WAY_RELAY;
		return 0;
	}
	if (share_volume(from, to, l)) {
		l->way = LINK_WAY_SHARED;
		return 0;
	}
	if (!strcmp(base_of(l->path), base_of(l->to_path)))
		rc = folder_fits(r, from, l->path, &from_fits, &of_from, e);
	if (!rc && from_fits)
		rc = folder_fits(r, to, l->to_path, &to_fits, &of_to, e);
	if (rc)
		return rc;
	if (from_fits && to_fits) {
		add_folder(r, l, &of_to);
		return 0;
	}
	l->way = LINK_WAY_RELAY;
	const struct plan_mount m = {
		.kind = MOUNT_LINK, .source = link_file(r->arena, l), .target = l->path, .socket = true
	};
	add_mount(r, l->from, &m, l);
	return 0;
}

/* ---- pipes ---- */

static int bad_stream(const struct link *l, struct err *e, const char *because, const char *hint)
{
	err_new(e, ERR_USAGE, "the link %s can't be", l->text);
	err_because(e, "%s", because);
	err_try(e, "%s", hint);
	return refuse(l, e);
}

static int resolve_stream(struct resolve *r, struct link *l, struct err *e)
{
	const struct resolve_app *from = app_of(r, l->from), *to = app_of(r, l->to);
	struct arena *a = r->arena;

	l->way = LINK_WAY_PIPE;
	if (from->asked->tty || to->asked->tty)
		return bad_stream(l, e, arena_printf(a, "app '%s' has a terminal, which is all its streams",
						     from->asked->tty ? l->from : l->to),
				  "take tty: true out");
	if (to->asked->stdin_open)
		return bad_stream(l, e, arena_printf(a, "app '%s' has its stdin open for who attaches to it", l->to),
				  "take stdin: true out");
	if (from->app.kind == APP_INIT || to->app.kind == APP_INIT)
		return bad_stream(l, e, "an app of kind init runs when the others don't", "hand files over: files VOLUME PATH");
	return 0;
}

/* A stream goes to one reader. */
static int check_streams(const struct link *a, const struct link *b, struct err *e)
{
	bool meet = link_is_stream(a) && link_is_stream(b) && str_equal(a->from, b->from) &&
		    (a->kind == b->kind || a->kind == LINK_OUTPUT || b->kind == LINK_OUTPUT);

	if (!meet)
		return 0;
	err_new(e, ERR_USAGE, "two links want the same stream of app '%s'", a->from);
	err_because(e, "%s, and %s; a pipe has one reader", a->text, b->text);
	err_try(e, "stdout for one and stderr for the other");
	return refuse(b, e);
}

static int resolve_fifo(struct resolve *r, struct link *l, struct err *e)
{
	struct plan_mount m = { .kind = MOUNT_LINK, .source = link_file(r->arena, l), .target = l->path, .read_only = true };

	l->way = LINK_WAY_PIPE;
	add_mount(r, l->from, &m, l);
	m.target = l->to_path;
	add_mount(r, l->to, &m, l);
	return 0;
}

static int resolve_signal(struct resolve *r, struct link *l, struct err *e)
{
	const struct plan_mount m = {
		.kind = MOUNT_LINK,
		.source = link_file(r->arena, l),
		.target = arena_printf(r->arena, SIGNAL_FOLDER "/%s", l->to),
		.read_only = true,
	};

	l->way = LINK_WAY_SIGNALS;
	add_mount(r, l->from, &m, l);
	return 0;
}

/* ---- files ---- */

static int unknown_volume(const struct resolve *r, const struct link *l, struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->volumes.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < r->pod->volumes.n; i++)
		names[i] = r->pod->volumes.v[i].name;
	near = str_nearest(l->volume, names);
	err_new(e, ERR_USAGE, "the link %s needs a volume that the pod does not have", l->text);
	err_because(e, "there is no volume '%s'", l->volume);
	if (near)
		err_try(e, "files %s %s", near, l->path);
	else
		err_try(e, "volumes: {%s: {}}", l->volume);
	return refuse(l, e);
}

static int add_side(struct resolve *r, const struct link *l, const char *app, char *target, bool writes, struct err *e)
{
	const struct resolve_app *ra = app_of(r, app);
	const struct plan_mount m = {
		.kind = MOUNT_VOLUME, .source = l->volume, .target = target, .read_only = !writes, .create_dir = true
	};

	for (size_t i = 0; i < ra->asked->mounts.n; i++) {
		const struct pod_mount *asked = &ra->asked->mounts.v[i];

		if (strcmp(asked->target, target) || !str_equal(asked->volume, l->volume))
			continue;
		if (asked->read_only == !writes)
			return 0;
		err_new(e, ERR_USAGE, "app '%s' %s the volume %s by the link %s, and %s by its mounts", app,
			writes ? "writes" : "reads", l->volume, l->text, writes ? "only reads it" : "writes it");
		err_because(e, "FROM of a files link writes, TO reads, <-> lets both write");
		err_try(e, writes ? "take read_only out of the mount at %s" : "take the mount at %s out, or make the link <->",
			target);
		return refuse(l, e);
	}
	add_mount(r, app, &m, l);
	return 0;
}

static int resolve_volume_link(struct resolve *r, struct link *l, struct err *e)
{
	int rc;

	l->way = LINK_WAY_VOLUME;
	if (!pod_find_volume(r->pod, l->volume))
		return unknown_volume(r, l, e);
	if ((rc = add_side(r, l, l->from, l->path, true, e)))
		return rc;
	return add_side(r, l, l->to, l->to_path, l->both, e);
}

/* ---- ipc ---- */

static int resolve_ipc(struct resolve *r, struct link *l, struct err *e)
{
	l->way = link_is_apart(r, l) ? LINK_WAY_NAMESPACE : LINK_WAY_SHARED;
	return 0;
}

/* Which apps come to share one IPC namespace by all links together: the first app of each such group. */
static void find_ipc_groups(const struct resolve *r, size_t *group)
{
	size_t n = r->pod->apps.n;
	bool more = true;

	for (size_t i = 0; i < n; i++) {
		group[i] = i;
		for (size_t k = 0; k < i && group[i] == i; k++)
			if (!resolve_is_apart(r, r->pod->apps.v[i].name, r->pod->apps.v[k].name))
				group[i] = group[k];
	}
	while (more) {
		more = false;
		for (size_t i = 0; i < r->plan->links.n; i++) {
			const struct link *l = &r->plan->links.v[i];
			size_t a, b;

			if (l->kind != LINK_IPC)
				continue;
			a = (size_t)(app_of(r, l->from) - r->apps);
			b = (size_t)(app_of(r, l->to) - r->apps);
			more |= group[a] != group[b];
			group[a] = group[b] = group[a] < group[b] ? group[a] : group[b];
		}
	}
}

static bool share_ipc(const struct resolve *r, const char *a, const char *b)
{
	if (!resolve_is_apart(r, a, b))
		return true;
	for (size_t i = 0; i < r->plan->links.n; i++) {
		const struct link *l = &r->plan->links.v[i];

		if (l->kind == LINK_IPC && ((str_equal(l->from, a) && str_equal(l->to, b)) ||
					    (str_equal(l->from, b) && str_equal(l->to, a))))
			return true;
	}
	return false;
}

/* An IPC namespace is one thing: whoever shares it shares it with all the others in it. */
static int check_ipc(const struct resolve *r, struct err *e)
{
	size_t n = r->pod->apps.n, *group = arena_alloc(r->arena, (n + 1) * sizeof(*group));

	find_ipc_groups(r, group);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = r->pod->apps.v[k].name, *b = r->pod->apps.v[i].name;

			if (group[i] != group[k] || share_ipc(r, a, b))
				continue;
			err_new(e, ERR_USAGE, "the ipc links would let '%s' and '%s' share their IPC, which nobody declared", a,
				b);
			err_because(e, "both share one IPC namespace with the apps that they are linked to");
			return err_try(e, "links: [\"%s <-> %s: ipc\"] as well, or one ipc link less", a, b);
		}
	return 0;
}

/* ---- two links, and links and holes: ports ---- */

static int same_answer(const char *a, const char *b, uint32_t port, const char *what_a, const char *what_b,
		       const char *place, struct err *e)
{
	err_new(e, ERR_USAGE, "the apps '%s' and '%s' want the same port %u", a, b, port);
	err_because(e, "they stand close and meet on one loopback: %s, and %s", what_a, what_b);
	err_try(e, "let one of the two listen on another port, or distance: apart");
	return place_err_text(place, e);
}

/* The circle of `app` answers at a port that one of it wants to ask at: one socket can't be both. */
static int asks_itself(const struct link *l, const char *app, const char *what, struct err *e)
{
	err_new(e, ERR_USAGE, "the link %s can't listen for '%s' at port %u", l->text, l->from, l->port);
	err_because(e, "'%s' answers at that port itself: %s", app, what);
	err_try(e, "%s -> %s: %s %u:%u", l->from, l->to, link_kind_names[l->kind],
		l->port < 55536 ? l->port + 10000 : l->port - 10000, l->to_port);
	return refuse(l, e);
}

static int check_ports(const struct resolve *r, const struct link *a, const struct link *b, struct err *e)
{
	if (!is_port_kind(a) || a->kind != b->kind)
		return 0;
	if (a->to_port == b->to_port && strcmp(a->to, b->to) && !resolve_is_apart(r, a->to, b->to))
		return same_answer(a->to, b->to, a->to_port, a->text, b->text, b->place, e);
	if (a->way == LINK_WAY_RELAY && a->port == b->to_port && !resolve_is_apart(r, a->from, b->to))
		return asks_itself(a, b->to, b->text, e);
	if (b->way == LINK_WAY_RELAY && b->port == a->to_port && !resolve_is_apart(r, b->from, a->to))
		return asks_itself(b, a->to, a->text, e);
	return 0;
}

static bool hole_answers(const struct hole *h, const struct link *l, uint32_t port)
{
	enum hole_proto proto = l->kind == LINK_TCP ? HOLE_TCP : HOLE_UDP;

	return h->kind == HOLE_IN && h->app && h->proto == proto && port >= h->app_port &&
	       port <= h->app_port + (h->port_end - h->port);
}

static int check_holes(const struct resolve *r, const struct link *l, struct err *e)
{
	for (size_t i = 0; is_port_kind(l) && i < r->plan->holes.n; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		if (hole_answers(h, l, l->to_port) && strcmp(h->app, l->to) && !resolve_is_apart(r, h->app, l->to))
			return same_answer(h->app, l->to, l->to_port, h->text, l->text, l->place, e);
		if (l->way == LINK_WAY_RELAY && hole_answers(h, l, l->port) && !resolve_is_apart(r, h->app, l->from))
			return asks_itself(l, h->app, h->text, e);
	}
	return 0;
}

/* The first link that asks at a port has the circle's 127.0.0.1; the next is reached by its app's name alone. */
static int settle_loopback(const struct resolve *r, struct link *l, const struct link *before, struct err *e)
{
	bool meets = is_port_kind(l) && l->kind == before->kind && l->loopback && before->loopback &&
		     l->port == before->port && !resolve_is_apart(r, l->from, before->from);

	if (!meets)
		return 0;
	if (link_is_apart(r, l)) {
		l->loopback = false;
		return 0;
	}
	err_new(e, ERR_USAGE, "two links want to listen at port %u of the same loopback", l->port);
	err_because(e, "%s, and %s", before->text, l->text);
	err_try(e, "give one of them another port");
	return refuse(l, e);
}

/* ---- all of them ---- */

static int unknown_app(const struct resolve *r, const struct link *l, const char *app, struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->apps.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < r->pod->apps.n; i++)
		names[i] = r->pod->apps.v[i].name;
	near = str_nearest(app, names);
	err_new(e, ERR_USAGE, "the link %s is for an app that the pod does not have", l->text);
	err_because(e, "there is no app '%s'", app);
	err_try(e, "the app '%s'", near ? near : names[0]);
	return refuse(l, e);
}

static int (*const kinds[])(struct resolve *r, struct link *l, struct err *e) = {
	[LINK_TCP] = resolve_port,      [LINK_UDP] = resolve_port,	[LINK_UNIX] = resolve_unix,
	[LINK_STDOUT] = resolve_stream, [LINK_STDERR] = resolve_stream, [LINK_OUTPUT] = resolve_stream,
	[LINK_FIFO] = resolve_fifo,     [LINK_FILES] = resolve_volume_link,	[LINK_IPC] = resolve_ipc,
	[LINK_SIGNAL] = resolve_signal,
};

static bool has_text(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->links.n; i++)
		if (!strcmp(p->links.v[i].text, text))
			return true;
	return false;
}

static int add_one(struct resolve *r, struct link l, struct err *e)
{
	int rc = 0;

	if (has_text(r->plan, l.text))
		return 0;
	if (!app_of(r, l.from))
		return unknown_app(r, &l, l.from, e);
	if (!app_of(r, l.to))
		return unknown_app(r, &l, l.to, e);
	if ((rc = kinds[l.kind](r, &l, e)) || (rc = check_holes(r, &l, e)))
		return rc;
	for (size_t i = 0; i < r->plan->links.n && !rc; i++) {
		const struct link *before = &r->plan->links.v[i];

		if (!(rc = check_ports(r, before, &l, e)) && !(rc = check_streams(before, &l, e)))
			rc = settle_loopback(r, &l, before, e);
	}
	if (rc == 0)
		*list_add(r->arena, &r->plan->links) = l;
	return rc;
}

/* <-> of what has a direction is two links. */
static int add_link(struct resolve *r, const struct link *asked, struct err *e)
{
	struct link l = *asked;
	int rc;

	if (!l.both || l.kind == LINK_FILES || l.kind == LINK_IPC)
		return add_one(r, l, e);
	l.both = false;
	l.text = link_format(r->arena, &l);
	if ((rc = add_one(r, l, e)))
		return rc;
	l.from = asked->to;
	l.to = asked->from;
	l.text = link_format(r->arena, &l);
	return add_one(r, l, e);
}

/* Namespaces of the host are the whole pod's. */
static int check_host_namespaces(const struct resolve *r, struct err *e)
{
	for (size_t i = 0; i < r->plan->holes.n; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		for (size_t k = 0; h->kind == HOLE_NS && k < r->pod->apps.n; k++) {
			const struct pod_app *app = &r->pod->apps.v[k];

			if (resolve_distance(r, app) != DISTANCE_APART || r->pod->apps.n == 1)
				continue;
			err_new(e, ERR_USAGE, "app '%s' can't stand apart in a pod with the hole %s", app->name, h->text);
			err_because(e, "the hole gives all apps of the pod one namespace: the host's");
			err_try(e, "distance: close, or a pod of its own for who needs the hole");
			return place_err_text(h->place, e);
		}
	}
	return 0;
}

int resolve_links(struct resolve *r, struct err *e)
{
	int rc = check_host_namespaces(r, e);

	if (!rc && r->pod->links.n > LINKS_MAX / 2) {
		err_new(e, ERR_USAGE, "the pod has too many links");
		return err_because(e, "it has %zu; %d are allowed", r->pod->links.n, LINKS_MAX / 2);
	}
	for (size_t i = 0; i < r->pod->links.n && !rc; i++)
		rc = add_link(r, &r->pod->links.v[i], e);
	return rc ? rc : check_ipc(r, e);
}

/* ---- volumes that several apps mount: links that nobody wrote ---- */

static const struct plan_mount *mount_of(const struct plan_app *app, const char *volume)
{
	for (size_t i = 0; i < app->mounts.n; i++)
		if (app->mounts.v[i].kind == MOUNT_VOLUME && !strcmp(app->mounts.v[i].source, volume))
			return &app->mounts.v[i];
	return NULL;
}

static bool is_declared(const struct plan *p, const char *volume, const char *a, const char *b)
{
	for (size_t i = 0; i < p->links.n; i++) {
		const struct link *l = &p->links.v[i];

		if (l->kind == LINK_FILES && !strcmp(l->volume, volume) &&
		    ((!strcmp(l->from, a) && !strcmp(l->to, b)) || (!strcmp(l->from, b) && !strcmp(l->to, a))))
			return true;
	}
	return false;
}

static void add_derived(struct resolve *r, const struct plan_volume *v, const struct plan_app *a,
			const struct plan_app *b)
{
	const struct plan_mount *ma = mount_of(a, v->name), *mb = mount_of(b, v->name);
	bool swap = ma && ma->read_only;
	struct link l = { .kind = LINK_FILES, .way = LINK_WAY_VOLUME, .origin = arena_strdup(r->arena, "mounts") };

	if (!ma || !mb || (ma->read_only && mb->read_only) || is_declared(r->plan, v->name, a->name, b->name) ||
	    r->plan->links.n >= LINKS_MAX)
		return;
	l.both = !ma->read_only && !mb->read_only;
	l.from = swap ? b->name : a->name;
	l.to = swap ? a->name : b->name;
	l.path = swap ? mb->target : ma->target;
	l.to_path = swap ? ma->target : mb->target;
	l.volume = v->name;
	l.text = link_format(r->arena, &l);
	*list_add(r->arena, &r->plan->links) = l;
}

int resolve_shared_volumes(struct resolve *r, struct err *e)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < p->volumes.n; i++) {
		if (p->volumes.v[i].from_link || p->volumes.v[i].from_image)
			continue;
		for (size_t b = 0; b < p->apps.n; b++)
			for (size_t a = 0; a < b; a++)
				add_derived(r, &p->volumes.v[i], &p->apps.v[a], &p->apps.v[b]);
	}
	return 0;
}
