/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a recipe names to the root file system of the image: files, the libraries they need, plug-ins,
 * name service, accounts. Looks at files, copies nothing yet and executes nothing.
 *
 * Made the same on every machine: owners are 0:0 and setuid and setgid bits are off unless the recipe gives
 * them; files of the recipe's folder are 0755 or 0644, whatever the umask was; extended attributes stay behind;
 * a hard link becomes a file.
 *
 * On a base: a library that the base has at its place stays the base's, a link on the way to a file is left
 * out where the base has a directory, and a directory is put where the base's link leads.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "build/accounts.h"
#include "build/recipe.h"
#include "build/rootfs.h"
#include "build/source.h"
#include "image/tree.h"

struct gather_input {
	const struct recipe *recipe;
	const struct source *tree;    /* `copy`, libraries, plug-ins */
	const struct source *folder;  /* `local` */
	const struct tree *base;              /* the base image's files; NULL without */
	const char *base_passwd, *base_group; /* of the base image; "" without */
	/* What a person should know but is no error; NULL keeps silent. */
	void (*note)(const char *text);
};

struct gathered {
	struct rootfs rootfs;
	struct accounts accounts;
	const char *arch, *variant; /* OCI's words, from the programs; NULL when there are none */
};

/* Everything in *ret lies in the arena and refers to the sources. Errors name the recipe's line. */
[[nodiscard]] int gather_files(struct arena *a, const struct gather_input *in, struct gathered *ret, struct err *e);
