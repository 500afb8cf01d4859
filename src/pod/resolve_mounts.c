/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is mounted in an app beside its root, as one list sorted so that a folder comes
 * before what lies in it: the manifest's mounts, path and socket holes, the image's volumes, and
 * the three files of names. Two of them on one path are refused, naming both; what the owner mounts
 * replaces an image's volume at that path or below it, and a generated file. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/paths.h"
#include "pod/place.h"
#include "pod/resolve_parts.h"

enum { VOLUME_MODE = 0755, IMAGE_VOLUMES_MAX = 256 };

/* A mount with what put it there, for messages. */
struct entry {
	struct plan_mount mount;
	const char *origin;
	const char *place;
};
struct entries {
	LIST(struct entry) list;
};

static const struct entry *find_entry(const struct entries *all, const char *target)
{
	for (size_t i = 0; i < all->list.n; i++)
		if (!strcmp(all->list.v[i].mount.target, target))
			return &all->list.v[i];
	return NULL;
}

static int add_entry(struct resolve *r, struct resolve_app *ra, struct entries *all,
		     const struct entry *new, struct err *e)
{
	const struct entry *old = find_entry(all, new->mount.target);

	if (old) {
		err_new(e, ERR_USAGE, "app '%s': two mounts on the path %s", ra->asked->name,
			new->mount.target);
		err_because(e, "%s, and %s", old->origin, new->origin);
		return place_err_text(new->place, e);
	}
	*list_add(r->arena, &all->list) = *new;
	return 0;
}

/* ---- volumes of the pod ---- */

static struct plan_volume *find_volume(struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (str_equal(p->volumes.v[i].name, name))
			return &p->volumes.v[i];
	return NULL;
}

/* An image as a volume: the same checks as of an image that runs. */
static int find_volume_image(struct resolve *r, const struct pod_volume *v,
			     const struct image **ret, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	const struct plan_ids *ids = &r->in->host.ids;
	const struct image *image;
	int rc = s->find_image(s->context, v->image, &image, e);

	if (rc)
		return rc;
	if (ids->count && image->max_id >= ids->count)
		return err_new(e, ERR_USAGE, "the image %s holds files of the id %llu, and the pod has %u ids",
			       v->image, (unsigned long long)image->max_id, ids->count);
	*ret = image;
	return 0;
}

int resolve_volumes(struct resolve *r, struct err *e)
{
	for (size_t i = 0; i < r->pod->volumes.n; i++) {
		const struct pod_volume *v = &r->pod->volumes.v[i];
		const struct image *image = NULL;

		if (v->image && find_volume_image(r, v, &image, e))
			return place_err_text(v->place, e);
		*list_add(r->arena, &r->plan->volumes) = (struct plan_volume){
			.name = arena_strdup(r->arena, v->name),
			.keep = v->keep,
			.tmpfs = v->tmpfs,
			.image = arena_strdup(r->arena, v->image),
			.image_digest = image ? arena_strdup(r->arena, image->manifest_digest) : NULL,
			.view = image ? arena_strdup(r->arena, image->view) : NULL,
			.size_bytes = v->size_bytes,
			.uid = v->uid,
			.gid = v->gid,
			.mode = v->mode,
		};
	}
	return 0;
}

static int unknown_volume(const struct resolve *r, const struct pod_mount *m, struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->volumes.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < r->pod->volumes.n; i++)
		names[i] = r->pod->volumes.v[i].name;
	near = str_nearest(m->volume, names);
	err_new(e, ERR_USAGE, "the pod has no volume '%s', which is mounted at %s", m->volume,
		m->target);
	err_because(e, "volumes are declared, so that a typo makes no empty one");
	if (near)
		err_try(e, "mounts: {%s: %s}", m->target, near);
	else
		err_try(e, "volumes: {%s: {}}", m->volume);
	return place_err_text(m->place, e);
}

/* True when the image itself declares a volume at this path. */
static bool image_has_volume(struct arena *a, const struct resolve_app *ra, const char *target)
{
	for (char **p = resolve_config(ra)->volumes; p && *p; p++)
		if (str_equal(path_clean(a, NULL, *p), target))
			return true;
	return false;
}

/* The first app that mounts a volume is its owner's word, and its image what it is filled from. */
static void settle_volume(struct resolve *r, const struct resolve_app *ra,
			  const struct pod_mount *m)
{
	const struct pod_volume *asked = pod_find_volume(r->pod, m->volume);
	struct plan_volume *v = find_volume(r->plan, m->volume);

	if (v->mode || v->fill_view || v->view)
		return;
	if (!asked->has_owner) {
		v->uid = ra->account.uid;
		v->gid = ra->account.gid;
	}
	if (!v->tmpfs && !asked->has_owner && image_has_volume(r->arena, ra, m->target)) {
		v->fill_view = ra->app.view;
		v->fill_path = arena_strdup(r->arena, m->target);
		return;
	}
	v->mode = VOLUME_MODE;
}

/* ---- the sources of mounts ---- */

static int add_asked(struct resolve *r, struct resolve_app *ra, struct entries *all, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ra->asked->mounts.n && !rc; i++) {
		const struct pod_mount *m = &ra->asked->mounts.v[i];
		struct entry new = {
			.mount = {.kind = m->kind,
				  .source = m->volume,
				  .target = m->target,
				  .sub_path = m->sub_path,
				  .read_only = m->read_only,
				  .noexec = m->noexec,
				  .create_dir = true,
				  .size_bytes = m->size_bytes,
				  .mode = m->mode},
			.origin = m->volume ? arena_printf(r->arena, "the volume %s", m->volume)
					    : "a tmpfs",
			.place = m->place,
		};

		if (m->kind == MOUNT_VOLUME && !pod_find_volume(r->pod, m->volume))
			return unknown_volume(r, m, e);
		if (m->kind == MOUNT_VOLUME)
			settle_volume(r, ra, m);
		rc = add_entry(r, ra, all, &new, e);
	}
	return rc;
}

static int add_files(struct resolve *r, struct resolve_app *ra, struct entries *all, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ra->asked->files.n && !rc; i++) {
		const struct pod_file_use *u = &ra->asked->files.v[i];
		struct plan_file file = {};
		struct entry new = {
			.origin = arena_printf(r->arena, "the %s %s",
					       u->secret ? "secret" : "config file", u->name),
			.place = u->place,
		};

		rc = resolve_file_use(r, ra, u, &file, &new.mount.target, e);
		if (rc)
			return rc;
		new.mount.kind = MOUNT_FILE;
		new.mount.source = file.name;
		new.mount.read_only = true;
		*list_add(r->arena, &r->plan->files) = file;
		rc = add_entry(r, ra, all, &new, e);
	}
	return rc;
}

/* What links bring. A link may name a volume that the app mounts there already. */
static int add_linked(struct resolve *r, struct resolve_app *ra, struct entries *all, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ra->linked.n && !rc; i++) {
		const struct resolve_linked *l = &ra->linked.v[i];
		const struct pod_mount owner = {.target = l->mount.target, .volume = l->mount.source};
		const struct entry new = {.mount = l->mount, .origin = l->origin, .place = l->place};
		const struct entry *old = find_entry(all, l->mount.target);

		if (old && l->mount.kind == MOUNT_VOLUME && old->mount.kind == MOUNT_VOLUME &&
		    str_equal(old->mount.source, l->mount.source) && old->mount.read_only == l->mount.read_only)
			continue;
		if (l->mount.kind == MOUNT_VOLUME && pod_find_volume(r->pod, l->mount.source))
			settle_volume(r, ra, &owner);
		rc = add_entry(r, ra, all, &new, e);
	}
	return rc;
}

static int wrong_file(const struct hole *h, const char *because, const char *hint, struct err *e)
{
	err_new(e, ERR_USAGE, "the hole %s can't be opened", h->text);
	err_because(e, "%s", because);
	err_try(e, "%s", hint);
	return place_err_text(h->place, e);
}

static int check_source(const struct resolve *r, const struct hole *h, struct host_file *ret,
			struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	int rc = s->stat_host(s->context, h->source, ret, e);

	if (rc)
		return place_err_text(h->place, e);
	if (h->kind == HOLE_SOCKET && ret->kind != HOST_FILE_SOCKET)
		return wrong_file(h, "what lies there is no socket",
				  arena_printf(r->arena, "path:%s:%s:rw", h->source, h->target), e);
	if (ret->kind == HOST_FILE_CHAR || ret->kind == HOST_FILE_BLOCK)
		return wrong_file(h, "what lies there is a device",
				  arena_printf(r->arena, "dev:%s", h->source), e);
	if (ret->kind == HOST_FILE_OTHER)
		return wrong_file(h, "what lies there is no folder, file or socket",
				  "open a folder that holds it", e);
	return 0;
}

static int add_hole(struct resolve *r, struct resolve_app *ra, struct entries *all,
		    const struct hole *h, struct err *e)
{
	struct host_file file = {};
	struct entry new = {
		.mount = {.kind = MOUNT_BIND,
			  .source = h->source,
			  .target = h->target,
			  .read_only = !h->writable},
		.origin = arena_printf(r->arena, "the hole %s", h->text),
		.place = h->place,
	};
	int rc = check_source(r, h, &file, e);

	if (rc)
		return rc;
	new.mount.socket = file.kind != HOST_FILE_DIR;
	new.mount.create_dir = file.kind == HOST_FILE_DIR;
	return add_entry(r, ra, all, &new, e);
}

static int add_holes(struct resolve *r, struct resolve_app *ra, struct entries *all, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < r->plan->holes.n && !rc; i++) {
		const struct hole *h = &r->plan->holes.v[i];

		if ((h->kind == HOLE_PATH || h->kind == HOLE_SOCKET) &&
		    hole_is_for(h, ra->asked->name))
			rc = add_hole(r, ra, all, h, e);
	}
	return rc;
}

/* ---- the image's volumes ---- */

/* Does a mount of the owner stand at the path or above it? */
static bool is_covered(const struct entries *all, const char *path)
{
	for (size_t i = 0; i < all->list.n; i++) {
		const char *target = all->list.v[i].mount.target;
		size_t n = strlen(target);

		if (!strncmp(target, path, n) && (path[n] == 0 || path[n] == '/'))
			return true;
	}
	return false;
}

/* "web" and "/var/lib/data" give "web-var-lib-data", numbered when the pod has that already. */
static char *image_volume_name(struct resolve *r, const char *app, const char *path)
{
	char *stem = arena_printf(r->arena, "%s%.60s", app, path), *name;

	for (char *p = stem; *p; p++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *p))
			*p = '-';
	for (size_t n = strlen(stem); n && stem[n - 1] == '-'; n--)
		stem[n - 1] = 0;
	name = stem;
	for (unsigned i = 2; find_volume(r->plan, name); i++)
		name = arena_printf(r->arena, "%s-%u", stem, i);
	return name;
}

static int bad_image_volume(const struct resolve_app *ra, const char *path, const char *because,
			    struct err *e)
{
	err_new(e, ERR_USAGE, "the image of app '%s' declares a volume at '%.80s'", ra->asked->name,
		path);
	return err_because(e, "%s", because);
}

static int add_image_volume(struct resolve *r, struct resolve_app *ra, struct entries *all,
			    const char *written, struct err *e)
{
	char *path = path_clean(r->arena, NULL, written);
	const char *refusal =
		path ? path_target_refusal(path) : "the path is longer than 4095 characters";
	struct plan_volume *v;
	struct entry new;

	if (refusal)
		return bad_image_volume(ra, written, refusal, e);
	v = list_add(r->arena, &r->plan->volumes);
	v->fill_view = ra->app.view;
	v->fill_path = path;
	v->from_image = true;
	v->uid = ra->account.uid;
	v->gid = ra->account.gid;
	v->name =
		arena_strdup(r->arena, ""); /* none yet: the search for a free one passes over it */
	v->name = image_volume_name(r, ra->asked->name, path);
	new = (struct entry){
		.mount = {.kind = MOUNT_VOLUME,
			  .source = v->name,
			  .target = path,
			  .create_dir = true},
		.origin = "a volume of the image",
	};
	return add_entry(r, ra, all, &new, e);
}

/* What the owner mounts covers an image's volume; two of the image's own may lie in each other. */
static int add_image_volumes(struct resolve *r, struct resolve_app *ra, struct entries *all,
			     struct err *e)
{
	struct entries owned = *all;
	int rc = 0;

	if (strv_len(resolve_config(ra)->volumes) > IMAGE_VOLUMES_MAX) {
		err_new(e, ERR_USAGE, "the image of app '%s' declares too many volumes",
			ra->asked->name);
		return err_because(e, "it declares %zu; %d are allowed",
				   strv_len(resolve_config(ra)->volumes), IMAGE_VOLUMES_MAX);
	}
	for (char **p = resolve_config(ra)->volumes; p && *p && !rc; p++) {
		char *path = path_clean(r->arena, NULL, *p);

		if (path && (is_covered(&owned, path) || find_entry(all, path)))
			continue;
		rc = add_image_volume(r, ra, all, *p, e);
	}
	return rc;
}

/* ---- generated files ---- */

static const struct {
	const char *file, *target;
} generated[] = {
	{"hosts", "/etc/hosts"},
	{"hostname", "/etc/hostname"},
	{"resolv.conf", "/etc/resolv.conf"},
};

static int add_generated(struct resolve *r, struct resolve_app *ra, struct entries *all,
			 struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(generated) && !rc; i++) {
		struct entry new = {
			.mount = {.kind = MOUNT_FILE,
				  .source = arena_strdup(r->arena, generated[i].file),
				  .target = arena_strdup(r->arena, generated[i].target),
				  .read_only = true},
		};

		if (!is_covered(all, generated[i].target))
			rc = add_entry(r, ra, all, &new, e);
	}
	return rc;
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct plan_mount *)a)->target,
		      ((const struct plan_mount *)b)->target);
}

int resolve_app_mounts(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	static int (*const steps[])(struct resolve * r, struct resolve_app * ra,
				    struct entries * all, struct err * e) = {
		add_asked,
		add_files,
		add_linked,
		add_holes,
		add_image_volumes,
		add_generated,
	};
	struct entries all = {};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](r, ra, &all, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < all.list.n; i++)
		*list_add(r->arena, &ra->app.mounts) = all.list.v[i].mount;
	qsort(ra->app.mounts.v, ra->app.mounts.n, sizeof(*ra->app.mounts.v), by_target);
	return 0;
}
