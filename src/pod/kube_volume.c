/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of a Pod and where containers mount them: emptyDir and persistentVolumeClaim are volumes
 * of the pod, hostPath is a hole a mount. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/hole_parts.h"
#include "pod/kube.h"
#include "pod/mounts.h"
#include "pod/names.h"
#include "pod/place.h"

/* As Kubernetes makes them: open to every user of the pod, or to the group of fsGroup. */
enum { EMPTY_DIR_MODE = 0777, FS_GROUP_MODE = 02775 };

static int one_source(const struct kube_volume *v, const struct doc *node, struct err *e)
{
	int sources = v->is_empty_dir + (v->host_path.path != NULL) + (v->claim.name != NULL) +
		      (v->image.reference != NULL) + (v->files != NULL);

	if (sources == 1)
		return 0;
	return place_bad(node, e, "the volume %.60s has not exactly one source", v->name);
}

static const char *volume_name(const struct kube_volume *v)
{
	return v->claim.name ? v->claim.name : v->name;
}

static int set_size(struct kube *k, const struct kube_volume *v, const struct doc *node,
		    struct pod_volume *ret, struct err *e)
{
	const char *medium = v->empty_dir.medium;

	ret->tmpfs = medium && !strcmp(medium, "Memory");
	if (medium && *medium && !ret->tmpfs)
		return front_refuse(k->in, node, e, "an emptyDir with the medium %.40s", medium);
	if (!v->empty_dir.size)
		return 0;
	if (!ret->tmpfs)
		return front_refuse(k->in, node, e,
				    "the sizeLimit of an emptyDir that is not in memory");
	if (unit_parse_size(v->empty_dir.size, &ret->size_bytes) || !ret->size_bytes)
		return place_bad(node, e, "'%.40s' is no size", v->empty_dir.size);
	return 0;
}

static int add_volume(struct kube *k, const struct kube_volume *v, const struct doc *node,
		      struct err *e)
{
	const struct kube_pod_security *s = &k->doc.spec.security;
	struct pod_volume new = {
		.place = place_of(k->arena, node), .has_owner = true, .mode = EMPTY_DIR_MODE};
	int rc;

	if ((rc = one_source(v, node, e)))
		return rc;
	if (v->host_path.path)
		return 0;
	if (v->files)
		return name_check(NAME_VOLUME, v->name, e) ? place_err(node, e) : kube_add_files(k, v, e);
	if (name_check(NAME_VOLUME, volume_name(v), e))
		return place_err(node, e);
	if (pod_find_volume(&k->pod, volume_name(v)))
		return place_bad(node, e, "two volumes of the Pod are %.60s", volume_name(v));
	new.name = arena_strdup(k->arena, volume_name(v));
	if (v->image.reference) {
		*list_add(k->arena, &k->pod.volumes) = (struct pod_volume){
			.place = new.place, .name = new.name, .image = v->image.reference};
		return v->image.pull && strcmp(v->image.pull, "IfNotPresent")
			       ? front_refuse(k->in, node, e, "pullPolicy %.40s of an image volume",
					      v->image.pull)
			       : 0;
	}
	new.keep = v->claim.name != NULL;
	if (s->has_fs_group) {
		new.gid = (uint32_t)s->fs_group;
		new.mode = FS_GROUP_MODE;
	}
	if (v->is_empty_dir && (rc = set_size(k, v, front_at(node, "emptyDir"), &new, e)))
		return rc;
	*list_add(k->arena, &k->pod.volumes) = new;
	return 0;
}

int kube_add_volumes(struct kube *k, struct err *e)
{
	const struct doc *c =
		k->doc.spec.volumes.n ? front_at(k->node, "spec.volumes")->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < k->doc.spec.volumes.n && !rc; i++, c = c->next)
		rc = add_volume(k, &k->doc.spec.volumes.v[i], c, e);
	return rc;
}

/* ---- mounts ---- */

static const struct kube_volume *find_volume(const struct kube *k, const char *name)
{
	for (size_t i = 0; i < k->doc.spec.volumes.n; i++)
		if (!strcmp(k->doc.spec.volumes.v[i].name, name))
			return &k->doc.spec.volumes.v[i];
	return NULL;
}

static int unknown_volume(const struct kube *k, const struct doc *node, const char *name,
			  struct err *e)
{
	const char **names = arena_alloc(k->arena, (k->doc.spec.volumes.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < k->doc.spec.volumes.n; i++)
		names[i] = k->doc.spec.volumes.v[i].name;
	near = str_nearest(name, names);
	place_bad(node, e, "the Pod has no volume '%.60s'", name);
	return near ? err_try(e, "name: %s", near) : -ERR_USAGE;
}

/* Types of hostPath that say what must lie there, and the hole that checks it. */
static const struct {
	const char *type;
	enum hole_kind kind;
} host_path_types[] = {
	{"", HOLE_PATH},
	{"Socket", HOLE_SOCKET},
	{"CharDevice", HOLE_DEV},
	{"BlockDevice", HOLE_DEV},
};

static int host_path_kind(struct kube *k, const struct kube_volume *v, const struct doc *node,
			  enum hole_kind *ret, struct err *e)
{
	const char *type = v->host_path.type ? v->host_path.type : "";

	*ret = HOLE_PATH;
	for (size_t i = 0; i < ARRAY_SIZE(host_path_types); i++) {
		if (strcmp(host_path_types[i].type, type))
			continue;
		*ret = host_path_types[i].kind;
		return 0;
	}
	return front_refuse(k->in, node, e,
			    "a hostPath of type %.40s: Rocket makes no path of the host and needs "
			    "none to be said",
			    type);
}

static int mount_host_path(struct kube *k, struct kube_app *ka, const struct kube_volume *v,
			   const struct kube_mount *m, const struct doc *node, struct err *e)
{
	const struct hole_text t = {.whole = v->host_path.path, .base_dir = NULL};
	struct hole h = {
		.source = v->host_path.path,
		.target = arena_strdup(k->arena, m->path),
		.app = ka->app.name,
		.writable = !m->read_only,
		.origin = arena_printf(k->arena, "hostPath %s", v->name),
		.place = place_of(k->arena, node),
	};
	int rc = host_path_kind(k, v, node, &h.kind, e);

	if (rc)
		return rc;
	if (h.kind == HOLE_DEV)
		h.access = arena_strdup(k->arena, m->read_only ? "r" : "rw");
	if (hole_finish(k->arena, &t, &h, e))
		return place_err(node, e);
	*list_add(k->arena, &k->pod.holes) = h;
	return 0;
}

/* A file of this name, or a folder that holds one. */
static bool has_files(const struct kube *k, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < k->pod.files.n; i++) {
		const char *file = k->pod.files.v[i].name;

		if (!strncmp(file, name, n) && (!file[n] || file[n] == '/'))
			return true;
	}
	return false;
}

static int add_mount(struct kube *k, struct kube_app *ka, const struct kube_mount *m,
		     const struct doc *node, struct err *e)
{
	const struct kube_volume *v = find_volume(k, m->name);
	struct pod_mount new = {.kind = MOUNT_VOLUME, .place = place_of(k->arena, node)};

	if (!v)
		return unknown_volume(k, node, m->name, e);
	if (v->host_path.path && m->sub_path)
		return front_refuse(k->in, node, e, "subPath of a hostPath: name the path itself");
	if (v->host_path.path)
		return mount_host_path(k, ka, v, m, node, e);
	new.target = arena_strdup(k->arena, m->path);
	new.volume = arena_strdup(k->arena, volume_name(v));
	new.sub_path = m->sub_path && *m->sub_path ? m->sub_path : NULL;
	if (new.sub_path && !kube_is_inside(new.sub_path))
		return place_bad(node, e, "'%.80s' is no path inside a volume", new.sub_path);
	if (v->files) {
		new.kind = MOUNT_FILE;
		new.volume = arena_printf(k->arena, new.sub_path ? "kube/%s/%s" : "kube/%s", v->name,
					  new.sub_path);
		new.sub_path = NULL;
		if (!has_files(k, new.volume))
			return place_bad(node, e, "nothing lies in the volume %.60s there", v->name);
	}
	new.read_only = m->read_only || v->claim.read_only;
	if (mount_check_target(new.target, e))
		return place_err(node, e);
	*list_add(k->arena, &ka->app.mounts) = new;
	return 0;
}

int kube_add_mounts(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct doc *c = ka->from->mounts.n ? front_at(ka->node, "volumeMounts")->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < ka->from->mounts.n && !rc; i++, c = c->next)
		rc = add_mount(k, ka, &ka->from->mounts.v[i], c, e);
	return rc;
}
