/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe: the short YAML file from which an image is made by hand (docs/recipe.md, rocket-recipe(5)).
 * Decoding only; whether files exist is gather.h's concern.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decode.h"
#include "base/doc.h"
#include "base/err.h"

enum recipe_item_kind {
	ITEM_COPY,  /* from the tree, by path or pattern */
	ITEM_LOCAL, /* from the recipe's folder */
	ITEM_DIR,
	ITEM_LINK,
	ITEM_TEXT,
};

/* An owner in numbers, or to be looked up in the recipe's users and groups. */
struct recipe_owner {
	bool given;
	char *user, *group; /* as written; group is NULL in "101" */
};

struct recipe_item {
	enum recipe_item_kind kind;
	char *copy, *local, *dir, *link, *text; /* exactly one is set */
	char *to;        /* COPY, LOCAL, TEXT: path in the image; LINK: the target */
	int mode;        /* of files (of the directory with DIR), -1: not given */
	int dir_mode;    /* of directories in a copied directory, -1: not given */
	struct recipe_owner owner;
	char **except;   /* fnmatch(3) patterns over source paths; "*" matches "/" too */
	const struct doc *place;
};

struct recipe_user {
	char *name;
	uint32_t uid;
	char *group;     /* name or number; NULL: a group of the user's own, name and number as the user */
	char *home;      /* NULL: "/nonexistent" */
	char *shell;     /* NULL: "/usr/sbin/nologin" */
	char *comment;
	char **groups;   /* more groups, by name */
};

struct recipe_group {
	char *name;
	uint32_t gid;
};

enum recipe_libraries { LIBRARIES_AUTO, LIBRARIES_NONE };

struct recipe {
	char *name;
	char *base;
	char *from;
	char *arch;
	LIST(struct recipe_item) files;
	int libraries;        /* enum recipe_libraries */
	char **plugins;
	char **name_service;
	LIST(struct recipe_user) users;
	LIST(struct recipe_group) groups;
	char **entrypoint, **cmd;
	char *user, *workdir, *stop_signal, *author;
	char **env;           /* "K=V" in the recipe's order, here and below */
	char **ports;         /* "80/tcp" */
	char **volumes;
	char **labels;
};

/*
 * Reads a recipe from its text. `file` is for messages. All strings lie in the arena. ERR_USAGE with
 * file:line:column, what was expected, and the nearest key.
 */
[[nodiscard]] int recipe_read(struct arena *a, const char *file, const char *text, size_t len, struct recipe *ret,
			      struct err *e);

/* Is this the text of a Dockerfile? By its first word: FROM, or ARG or a "# syntax=" line before it. */
bool recipe_is_dockerfile(const char *text);
