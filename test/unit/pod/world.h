/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up world for the tests of src/pod/: images, accounts, host files and files to read, all in
 * memory. Pods come from a manifest's text or from a command line, and become plans.
 */
#pragma once

#include "pod/flags.h"
#include "pod/resolve.h"

struct world_image {
	const char *name;
	struct image image;
};

struct world_file {
	const char *path;
	struct host_file file;
};

struct world_text {
	const char *path, *text;
	size_t len;
};

struct world {
	struct arena arena;
	LIST(struct world_image) images;
	const char *passwd, *group;
	LIST(struct world_file) host;
	LIST(struct world_text) texts;
	const char *taken; /* a pod's name that is not free; "*" takes all that end in no digit */
	struct plan_ids ids;
	uint64_t nofile_hard;
	const char *term;
};

/* With the images nginx, redis and box, /etc/passwd and /etc/group of a usual kind, and a few host
 * files. */
void world_init(struct world *w);
void world_free(struct world *w);
struct image *world_image(struct world *w,
			  const char *name); /* of the world; made when it is not there */
void world_text(struct world *w, const char *path, const char *text);

/* A manifest called pod.yaml in the folder /base. */
int world_parse(struct world *w, const char *yaml, struct pod *ret, struct err *e);
int world_resolve(struct world *w, const struct pod *pod, struct plan *ret, struct err *e);
int world_plan(struct world *w, const char *yaml, struct plan *ret, struct err *e);
/* A command line: words parted by spaces; "\a" stands for a space inside a word. */
int world_line(struct world *w, const char *words, struct pod *ret, struct run_flags *ret_run,
	       struct err *e);
int world_line_plan(struct world *w, const char *words, struct plan *ret, struct err *e);

/* The value of a variable of the app, or NULL. */
const char *world_env(const struct plan_app *app, const char *key);
/* "a b c" of a list, in the arena. */
const char *world_join(struct world *w, char *const *list);
const struct plan_mount *world_mount(const struct plan_app *app, const char *target);
