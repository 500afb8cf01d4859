/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of plan_resolve(), in the order in which they run. */
#pragma once

#include "pod/accounts.h"
#include "pod/resolve.h"

struct resolve {
	const struct pod_inputs *in;
	struct arena *arena;
	const struct pod *pod;
	struct plan *plan; /* being made */
	struct resolve_app *apps; /* pod->apps.n, from resolve_apps() on */
};

/* A mount that a link brings. */
struct resolve_linked {
	struct plan_mount mount;
	const char *origin, *place;
};

/* One app while its part of the plan is made. */
struct resolve_app {
	const struct pod_app *asked;
	const struct image *image;
	struct account account;
	struct plan_app app;
	LIST(struct resolve_linked) linked;
};

/* What the image says, as far as it holds for this app. */
const struct image_config *resolve_config(const struct resolve_app *ra);

/* resolve_holes.c: checks all holes against each other and the apps, and puts them into the plan.
 */
[[nodiscard]] int resolve_holes(struct resolve *r, struct err *e);
/* resolve_holes.c: devices, capabilities and privileges of one app. */
[[nodiscard]] int resolve_app_holes(struct resolve *r, struct resolve_app *ra, struct err *e);
/* resolve_app.c: image, user, program, environment, limits. */
[[nodiscard]] int resolve_app_process(struct resolve *r, struct resolve_app *ra, struct err *e);
/* resolve_mounts.c: mounts, path and socket holes, the image's volumes, generated files. */
[[nodiscard]] int resolve_app_mounts(struct resolve *r, struct resolve_app *ra, struct err *e);
/* resolve_mounts.c: volumes of the pod into the plan, before the apps. */
[[nodiscard]] int resolve_volumes(struct resolve *r, struct err *e);
/* resolve_files.c: declared files, and who starts after whom, before the apps. */
[[nodiscard]] int resolve_files(struct resolve *r, struct err *e);
[[nodiscard]] int resolve_order(struct resolve *r, struct err *e);
/* resolve_files.c: one secret or config file of an app. */
[[nodiscard]] int resolve_file_use(struct resolve *r, const struct resolve_app *ra,
				   const struct pod_file_use *u, struct plan_file *ret,
				   char **ret_target, struct err *e);
/* resolve_files.c: probes, hooks beside the app, parameters of its image. */
[[nodiscard]] int resolve_probes(struct resolve *r, struct resolve_app *ra, struct err *e);

/* Limits of devices get the numbers that the host has for them. */
[[nodiscard]] int resolve_device_numbers(struct resolve *r, struct plan_limits *l, struct err *e);
/* resolve_links.c: which way each link is carried and the mounts that it brings; between the apps' processes and mounts.
 */
[[nodiscard]] int resolve_links(struct resolve *r, struct err *e);
/* resolve_links.c: after the mounts: a volume that several apps mount is a link, too. */
[[nodiscard]] int resolve_shared_volumes(struct resolve *r, struct err *e);
enum distance resolve_distance(const struct resolve *r, const struct pod_app *app);
/* The farther of two apps' words is apart. False for one app and itself. */
bool resolve_is_apart(const struct resolve *r, const char *a, const char *b);
