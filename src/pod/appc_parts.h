/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of appc_decode(): the documents' structs (appc_doc.c), isolators (appc_isolator.c). */
#pragma once

#include "base/field.h"
#include "pod/appc.h"
#include "pod/front.h"

struct appc_pair {
	char *name, *value;
};
typedef LIST(struct appc_pair) appc_pairs;

struct appc_handler {
	char *name;
	char **exec;
};

struct appc_mount_point {
	char *name, *path;
	bool read_only;
};

struct appc_port {
	char *name, *protocol;
	uint32_t port, count;
	bool socket_activated;
};

struct appc_app {
	char **exec;
	char *user, *group;
	char **groups;
	char *workdir;
	appc_pairs environment;
	LIST(struct appc_handler) handlers;
	const struct doc *isolators;
	LIST(struct appc_mount_point) mount_points;
	LIST(struct appc_port) ports;
	char **user_annotations, **user_labels;
};

struct appc_image {
	char *name, *id;
	appc_pairs labels;
};

struct appc_mount {
	char *volume, *path;
};

struct appc_pod_app {
	char *name;
	struct appc_image image;
	bool has_app;
	struct appc_app app;
	bool read_only_root;
	LIST(struct appc_mount) mounts;
	appc_pairs annotations;
};

struct appc_volume {
	char *name, *kind, *source, *mode;
	bool read_only;
	bool flat; /* recursive: false */
	uint32_t uid, gid;
};

struct appc_pod_port {
	char *name, *host_ip;
	uint32_t host_port, pod_port;
};

struct appc_pod {
	char *version, *kind;
	LIST(struct appc_pod_app) apps;
	LIST(struct appc_volume) volumes;
	LIST(struct appc_pod_port) ports;
	const struct doc *isolators;
	appc_pairs annotations;
	char **user_annotations, **user_labels;
};

extern const struct field_set appc_pod_set;

struct appc {
	const struct native_input *in;
	struct arena *arena;
	const struct doc *node;
	struct appc_pod doc;
	struct pod pod; /* being made */
};

/*
 * Isolators of an app, or of the whole pod when app is NULL; list is the node of `isolators`, or
 * NULL. What is unknown or can't be enforced is refused by name.
 */
[[nodiscard]] int appc_add_isolators(struct appc *k, const struct doc *list, struct pod_app *app,
				     struct err *e);
