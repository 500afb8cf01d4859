/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables of the appc PodManifest and the app section of it. Pure. */
#include <string.h>

#include "base/decode.h"
#include "pod/appc_parts.h"
#include "pod/place.h"

#define LATER "Rocket knows the field and can't do that yet: take it out, or --ignore-unknown"

static const struct field pair_fields[] = {
	FIELD(struct appc_pair, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_pair, value, "value", FIELD_STR, .required = true),
};
static const struct field_set pair_set = FIELD_SET("name and value", struct appc_pair, pair_fields);

static const struct field handler_fields[] = {
	FIELD(struct appc_handler, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_handler, exec, "exec", FIELD_STRV, .required = true),
};
static const struct field_set handler_set =
	FIELD_SET("eventHandler", struct appc_handler, handler_fields);

static const struct field mount_point_fields[] = {
	FIELD(struct appc_mount_point, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_mount_point, path, "path", FIELD_STR, .required = true),
	FIELD(struct appc_mount_point, read_only, "readOnly", FIELD_BOOL),
};
static const struct field_set mount_point_set =
	FIELD_SET("mountPoint", struct appc_mount_point, mount_point_fields);

static const struct field port_fields[] = {
	FIELD(struct appc_port, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_port, protocol, "protocol", FIELD_STR, .required = true),
	FIELD(struct appc_port, port, "port", FIELD_U32, .required = true),
	FIELD(struct appc_port, count, "count", FIELD_U32),
	FIELD(struct appc_port, socket_activated, "socketActivated", FIELD_BOOL),
};
static const struct field_set port_set = FIELD_SET("port", struct appc_port, port_fields);

static int app_isolators(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct appc_app *)object)->isolators = node;
	return 0;
}

static const struct field app_fields[] = {
	FIELD(struct appc_app, exec, "exec", FIELD_STRV),
	FIELD(struct appc_app, user, "user", FIELD_STR, .required = true),
	FIELD(struct appc_app, group, "group", FIELD_STR, .required = true),
	FIELD(struct appc_app, groups, "supplementaryGIDs", FIELD_STRV),
	FIELD(struct appc_app, workdir, "workingDirectory", FIELD_STR),
	FIELD(struct appc_app, environment, "environment", FIELD_LIST, .sub = &pair_set),
	FIELD(struct appc_app, handlers, "eventHandlers", FIELD_LIST, .sub = &handler_set),
	{.key = "isolators", .kind = FIELD_CUSTOM, .decode = app_isolators},
	FIELD(struct appc_app, mount_points, "mountPoints", FIELD_LIST, .sub = &mount_point_set),
	FIELD(struct appc_app, ports, "ports", FIELD_LIST, .sub = &port_set),
	FIELD(struct appc_app, user_annotations, "userAnnotations", FIELD_MAP),
	FIELD(struct appc_app, user_labels, "userLabels", FIELD_MAP),
};
static const struct field_set app_set = FIELD_SET("app", struct appc_app, app_fields);

static const struct field image_fields[] = {
	FIELD(struct appc_image, name, "name", FIELD_STR),
	FIELD(struct appc_image, id, "id", FIELD_STR, .required = true),
	FIELD(struct appc_image, labels, "labels", FIELD_LIST, .sub = &pair_set),
};
static const struct field_set image_set_ = FIELD_SET("image", struct appc_image, image_fields);

static const struct field mount_fields[] = {
	FIELD(struct appc_mount, volume, "volume", FIELD_STR, .required = true),
	FIELD(struct appc_mount, path, "path", FIELD_STR, .required = true),
};
static const char *const mount_aliases[][2] = {{"appVolume", LATER}, {NULL, NULL}};
static const struct field_set mount_set =
	FIELD_SET("mount", struct appc_mount, mount_fields, .aliases = mount_aliases);

static int pod_app_app(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};
	struct appc_pod_app *app = object;

	if (node->kind == DOC_NULL)
		return 0;
	app->has_app = true;
	return decode_doc(&d, &app_set, node, &app->app, e);
}

static const struct field pod_app_fields[] = {
	FIELD(struct appc_pod_app, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_pod_app, image, "image", FIELD_STRUCT, .sub = &image_set_,
	      .required = true),
	{.key = "app", .kind = FIELD_CUSTOM, .decode = pod_app_app},
	FIELD(struct appc_pod_app, read_only_root, "readOnlyRootFS", FIELD_BOOL),
	FIELD(struct appc_pod_app, mounts, "mounts", FIELD_LIST, .sub = &mount_set),
	FIELD(struct appc_pod_app, annotations, "annotations", FIELD_LIST, .sub = &pair_set),
};
static const struct field_set pod_app_set =
	FIELD_SET("app of the pod", struct appc_pod_app, pod_app_fields);

static int volume_recursive(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind != DOC_BOOL)
		return place_bad(node, e, "recursive must be true or false");
	((struct appc_volume *)object)->flat = (node->text[0] | 0x20) == 'f';
	return 0;
}

static const struct field volume_fields[] = {
	FIELD(struct appc_volume, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_volume, kind, "kind", FIELD_STR, .required = true),
	FIELD(struct appc_volume, source, "source", FIELD_STR),
	FIELD(struct appc_volume, read_only, "readOnly", FIELD_BOOL),
	{.key = "recursive", .kind = FIELD_CUSTOM, .decode = volume_recursive},
	FIELD(struct appc_volume, mode, "mode", FIELD_STR),
	FIELD(struct appc_volume, uid, "uid", FIELD_U32),
	FIELD(struct appc_volume, gid, "gid", FIELD_U32),
};
static const struct field_set volume_set = FIELD_SET("volume", struct appc_volume, volume_fields);

static const struct field pod_port_fields[] = {
	FIELD(struct appc_pod_port, name, "name", FIELD_STR, .required = true),
	FIELD(struct appc_pod_port, host_port, "hostPort", FIELD_U32, .required = true),
	FIELD(struct appc_pod_port, host_ip, "hostIP", FIELD_STR),
	FIELD(struct appc_pod_port, pod_port, "podPort", FIELD_U32),
};
static const struct field_set pod_port_set =
	FIELD_SET("port of the pod", struct appc_pod_port, pod_port_fields);

static int pod_isolators(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct appc_pod *)object)->isolators = node;
	return 0;
}

static const struct field pod_fields[] = {
	FIELD(struct appc_pod, version, "acVersion", FIELD_STR, .required = true),
	FIELD(struct appc_pod, kind, "acKind", FIELD_STR, .required = true),
	FIELD(struct appc_pod, apps, "apps", FIELD_LIST, .sub = &pod_app_set, .required = true),
	FIELD(struct appc_pod, volumes, "volumes", FIELD_LIST, .sub = &volume_set),
	FIELD(struct appc_pod, ports, "ports", FIELD_LIST, .sub = &pod_port_set),
	{.key = "isolators", .kind = FIELD_CUSTOM, .decode = pod_isolators},
	FIELD(struct appc_pod, annotations, "annotations", FIELD_LIST, .sub = &pair_set),
	FIELD(struct appc_pod, user_annotations, "userAnnotations", FIELD_MAP),
	FIELD(struct appc_pod, user_labels, "userLabels", FIELD_MAP),
};
const struct field_set appc_pod_set = FIELD_SET("PodManifest", struct appc_pod, pod_fields);
