/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PodManifest itself: images by id, apps with their mounts, volumes, ports. An `app` section
 * replaces the image's whole, as the specification demands. Pure.
 */
#include "pod/appc.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/appc_parts.h"
#include "pod/flags_parts.h"
#include "pod/hole_parts.h"
#include "pod/limits.h"
#include "pod/mounts.h"
#include "pod/names.h"
#include "pod/place.h"

/* ---- labels ---- */

static void add_pairs(struct appc *k, const appc_pairs *pairs, char ***labels)
{
	for (size_t i = 0; i < pairs->n; i++)
		flag_set_pair(k->arena, labels,
			      arena_printf(k->arena, "%s=%s", pairs->v[i].name, pairs->v[i].value));
}

static void add_map(struct appc *k, char **map, char ***labels)
{
	for (; map && *map; map++)
		flag_set_pair(k->arena, labels, *map);
}

/* A name in a label can't hold '=': it would be cut elsewhere. */
static int check_pairs(const appc_pairs *pairs, const struct doc *node, struct err *e)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!*pairs->v[i].name || strchr(pairs->v[i].name, '='))
			return place_bad(node, e, "a name can't be empty or hold '='");
	return 0;
}

/* ---- the app section ---- */

static int add_user(struct appc *k, const struct appc_app *from, const struct doc *node,
		    struct pod_app *app, struct err *e)
{
	if (*from->user == '/' || *from->group == '/')
		return front_refuse(k->in, node, e,
				    "a user or group given as the owner of a file of the image");
	app->user = arena_printf(k->arena, "%s:%s", from->user, from->group);
	app->groups = from->groups;
	return 0;
}

static int add_handlers(struct appc *k, const struct appc_app *from, const struct doc *node,
			struct pod_app *app, struct err *e)
{
	for (size_t i = 0; i < from->handlers.n; i++) {
		const struct appc_handler *h = &from->handlers.v[i];
		char ***hook = !strcmp(h->name, "pre-start")   ? &app->pre_start
			       : !strcmp(h->name, "post-stop") ? &app->post_stop
							       : NULL;

		if (!hook || *hook || !h->exec[0])
			return place_bad(
				front_at(node, "eventHandlers"), e,
				"expected pre-start and post-stop, each once, with a program");
		*hook = h->exec;
	}
	return 0;
}

static int add_env(struct appc *k, const struct appc_app *from, const struct doc *node,
		   struct pod_app *app, struct err *e)
{
	int rc = check_pairs(&from->environment, front_at(node, "environment"), e);

	if (!rc)
		add_pairs(k, &from->environment, &app->env);
	return rc;
}

static int add_section(struct appc *k, const struct appc_app *from, const struct doc *node,
		       struct pod_app *app, struct err *e)
{
	int rc;

	app->replaces_config = true;
	app->exec = from->exec;
	app->workdir = from->workdir;
	if (from->workdir && *from->workdir != '/')
		return place_bad(front_at(node, "workingDirectory"), e,
				 "workingDirectory must be an absolute path");
	if ((rc = add_user(k, from, node, app, e)) || (rc = add_env(k, from, node, app, e)) ||
	    (rc = add_handlers(k, from, node, app, e)))
		return rc;
	add_map(k, from->user_annotations, &app->labels);
	add_map(k, from->user_labels, &app->labels);
	return appc_add_isolators(k, from->isolators, app, e);
}

/* ---- mounts ---- */

static const struct appc_volume *find_volume(const struct appc *k, const char *name)
{
	for (size_t i = 0; i < k->doc.volumes.n; i++)
		if (!strcmp(k->doc.volumes.v[i].name, name))
			return &k->doc.volumes.v[i];
	return NULL;
}

static const struct appc_mount_point *find_point(const struct appc_app *app, const char *path)
{
	for (size_t i = 0; i < app->mount_points.n; i++)
		if (!strcmp(app->mount_points.v[i].path, path))
			return &app->mount_points.v[i];
	return NULL;
}

static int mount_host(struct appc *k, const struct appc_volume *v, const char *path, bool read_only,
		      const struct doc *node, struct pod_app *app, struct err *e)
{
	const struct hole_text t = {.whole = v->source, .base_dir = NULL};
	struct hole h = {
		.kind = HOLE_PATH,
		.source = v->source,
		.target = arena_strdup(k->arena, path),
		.app = app->name,
		.writable = !read_only,
		.origin = arena_printf(k->arena, "volume %s", v->name),
		.place = place_of(k->arena, node),
	};

	if (hole_finish(k->arena, &t, &h, e))
		return place_err(node, e);
	*list_add(k->arena, &k->pod.holes) = h;
	return 0;
}

static int add_mount(struct appc *k, const struct appc_pod_app *from, const struct appc_mount *m,
		     const struct doc *node, struct pod_app *app, struct err *e)
{
	const struct appc_volume *v = find_volume(k, m->volume);
	const struct appc_mount_point *point = find_point(&from->app, m->path);
	struct pod_mount new = {.kind = MOUNT_VOLUME, .place = place_of(k->arena, node)};

	if (!v)
		return place_bad(node, e, "the pod has no volume '%.60s'", m->volume);
	new.read_only = v->read_only || (point && point->read_only);
	if (!strcmp(v->kind, "host"))
		return mount_host(k, v, m->path, new.read_only, node, app, e);
	new.target = arena_strdup(k->arena, m->path);
	new.volume = arena_strdup(k->arena, m->volume);
	if (mount_check_target(new.target, e))
		return place_err(node, e);
	*list_add(k->arena, &app->mounts) = new;
	return 0;
}

/* "Reified": every mount point is satisfied; an empty volume made in silence would hide a typo. */
static int check_points(const struct appc_pod_app *from, const struct doc *node, struct err *e)
{
	for (size_t i = 0; i < from->app.mount_points.n; i++) {
		const struct appc_mount_point *p = &from->app.mount_points.v[i];
		bool found = false;

		for (size_t j = 0; j < from->mounts.n; j++)
			found |= !strcmp(from->mounts.v[j].path, p->path);
		if (!found)
			return place_bad(node, e,
					 "nothing is mounted at the mount point %.40s (%.80s)",
					 p->name, p->path);
	}
	return 0;
}

static int add_mounts(struct appc *k, const struct appc_pod_app *from, const struct doc *node,
		      struct pod_app *app, struct err *e)
{
	const struct doc *c = from->mounts.n ? front_at(node, "mounts")->child : NULL;
	int rc = check_points(from, node, e);

	for (size_t i = 0; i < from->mounts.n && !rc; i++, c = c->next)
		rc = add_mount(k, from, &from->mounts.v[i], c, app, e);
	return rc;
}

/* ---- apps ---- */

static bool is_image_id(const char *id)
{
	return str_has_prefix(id, "sha512-") && strlen(id) == 7 + 128 &&
	       strspn(id + 7, "0123456789abcdef") == 128;
}

static int add_image(struct appc *k, const struct appc_image *image, const struct doc *node,
		     struct pod_app *app, struct err *e)
{
	if (!is_image_id(image->id)) {
		place_bad(front_at(node, "image.id"), e, "expected the image's whole id");
		return err_because(e, "it is sha512- and 128 lower-case hex digits");
	}
	app->image = image->id;
	return check_pairs(&image->labels, front_at(node, "image.labels"), e);
}

static int add_app(struct appc *k, const struct appc_pod_app *from, const struct doc *node,
		   struct err *e)
{
	struct pod_app app = {.place = place_of(k->arena, node),
			      .name = from->name,
			      .read_only = from->read_only_root};
	int rc;

	if (name_check(NAME_APP, from->name, e))
		return place_err(front_at(node, "name"), e);
	if ((rc = add_image(k, &from->image, node, &app, e)) ||
	    (rc = check_pairs(&from->annotations, front_at(node, "annotations"), e)))
		return rc;
	arena_strv_add(k->arena, &app.env, arena_printf(k->arena, "AC_APP_NAME=%s", from->name));
	add_pairs(k, &from->annotations, &app.labels);
	if (from->has_app && (rc = add_section(k, &from->app, front_at(node, "app"), &app, e)))
		return rc;
	if ((rc = add_mounts(k, from, node, &app, e)))
		return rc;
	*list_add(k->arena, &k->pod.apps) = app;
	return 0;
}

static int add_apps(struct appc *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "apps");
	const struct doc *c = node->child;
	int rc = k->doc.apps.n ? 0 : place_bad(node, e, "a pod has at least one app");

	for (size_t i = 0; i < k->doc.apps.n && !rc; i++, c = c->next)
		rc = add_app(k, &k->doc.apps.v[i], c, e);
	return rc;
}

/* ---- volumes and ports of the pod ---- */

static int check_host_volume(struct appc *k, const struct appc_volume *v, const struct doc *node,
			     struct err *e)
{
	if (!v->source || *v->source != '/')
		return place_bad(node, e, "a host volume has an absolute source");
	if (v->mode || v->uid || v->gid)
		return place_bad(node, e, "mode, uid and gid belong to an empty volume");
	return v->flat ? front_refuse(k->in, node, e, "recursive: false of a volume") : 0;
}

static int add_volume(struct appc *k, const struct appc_volume *v, const struct doc *node,
		      struct err *e)
{
	struct pod_volume new = {
		.name = v->name, .uid = v->uid, .gid = v->gid, .has_owner = true, .mode = 0755};

	new.place = place_of(k->arena, node);
	if (name_check(NAME_VOLUME, v->name, e))
		return place_err(node, e);
	if (find_volume(k, v->name) != v)
		return place_bad(node, e, "two volumes are named '%.60s'", v->name);
	if (!strcmp(v->kind, "host"))
		return check_host_volume(k, v, node, e);
	if (strcmp(v->kind, "empty") || v->source)
		return place_bad(node, e,
				 "a volume is of the kind host with a source, or empty without");
	if (v->mode && limits_parse_mode(v->mode, &new.mode))
		return place_bad(node, e, "mode must be an octal file mode such as \"0755\"");
	*list_add(k->arena, &k->pod.volumes) = new;
	return 0;
}

static int add_volumes(struct appc *k, struct err *e)
{
	const struct doc *c = k->doc.volumes.n ? front_at(k->node, "volumes")->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < k->doc.volumes.n && !rc; i++, c = c->next)
		rc = add_volume(k, &k->doc.volumes.v[i], c, e);
	return rc;
}

static const struct appc_port *find_port(const struct appc_pod *pod, const char *name,
					 const char **ret_app)
{
	for (size_t i = 0; i < pod->apps.n; i++)
		for (size_t j = 0; j < pod->apps.v[i].app.ports.n; j++) {
			if (strcmp(pod->apps.v[i].app.ports.v[j].name, name))
				continue;
			*ret_app = pod->apps.v[i].name;
			return &pod->apps.v[i].app.ports.v[j];
		}
	return NULL;
}

static int check_port(struct appc *k, const struct appc_port *p, const struct doc *node,
		      struct err *e)
{
	uint32_t count = p->count ? p->count : 1;

	if (p->port < 1 || p->port > 65535 || count > 65536 - p->port)
		return place_bad(node, e, "a port is a number from 1 to 65535");
	if (strcmp(p->protocol, "tcp") && strcmp(p->protocol, "udp"))
		return place_bad(node, e, "the protocol of a port is tcp or udp");
	return p->socket_activated ? front_refuse(k->in, node, e, "a port with socketActivated")
				   : 0;
}

static int add_port(struct appc *k, const struct appc_pod_port *p, const struct doc *node,
		    struct err *e)
{
	const char *app = NULL, *ip = p->host_ip ? p->host_ip : "any";
	const struct appc_port *to = find_port(&k->doc, p->name, &app);
	uint32_t count, port;
	int rc;

	if (!to && !p->pod_port) {
		place_bad(node, e, "no app of this manifest has a port named '%.60s'", p->name);
		return err_try(e, "\"podPort\": the port that the app listens on");
	}
	if (to && (rc = check_port(k, to, node, e)))
		return rc;
	count = to && to->count ? to->count : 1;
	port = p->pod_port ? p->pod_port : to->port;
	if (p->host_port < 1 || p->host_port > 65536 - count || port > 65536 - count)
		return place_bad(node, e, "a port is a number from 1 to 65535");
	return front_add_hole(
		k->in, &k->pod, node,
		arena_printf(
			k->arena, strchr(ip, ':') ? "in:[%s]:%u-%u:%u/%s" : "in:%s:%u-%u:%u/%s", ip,
			p->host_port, p->host_port + count - 1, port, to ? to->protocol : "tcp"),
		app, arena_printf(k->arena, "port %s", p->name), e);
}

static int add_ports(struct appc *k, struct err *e)
{
	const struct doc *c = k->doc.ports.n ? front_at(k->node, "ports")->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < k->doc.ports.n && !rc; i++, c = c->next)
		rc = add_port(k, &k->doc.ports.v[i], c, e);
	return rc;
}

static int add_pod(struct appc *k, struct err *e)
{
	int rc = check_pairs(&k->doc.annotations, front_at(k->node, "annotations"), e);

	if (rc)
		return rc;
	add_pairs(k, &k->doc.annotations, &k->pod.labels);
	add_map(k, k->doc.user_annotations, &k->pod.labels);
	add_map(k, k->doc.user_labels, &k->pod.labels);
	return appc_add_isolators(k, k->doc.isolators, NULL, e);
}

static int check_head(const struct appc *k, struct err *e)
{
	if (strcmp(k->doc.kind, "PodManifest")) {
		place_bad(front_at(k->node, "acKind"), e, "an appc %.40s describes no pod",
			  k->doc.kind);
		return err_because(e, "expected the acKind PodManifest");
	}
	if (!str_has_prefix(k->doc.version, "0."))
		return place_bad(front_at(k->node, "acVersion"), e,
				 "the acVersion %.40s is not known", k->doc.version);
	return 0;
}

int appc_decode(const struct native_input *in, const struct doc *doc, struct pod *ret,
		struct err *e)
{
	static int (*const steps[])(struct appc * k, struct err * e) = {add_pod, add_volumes,
									add_apps, add_ports};
	struct decode d = {.arena = in->arena, .warn = in->warn};
	struct appc k = {.in = in, .arena = in->arena, .node = doc};
	int rc = decode_doc(&d, &appc_pod_set, doc, &k.doc, e);

	if (!rc)
		rc = check_head(&k, e);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](&k, e);
	if (rc)
		return rc;
	k.pod.file = arena_strdup(in->arena, in->file);
	*ret = k.pod;
	return 0;
}
