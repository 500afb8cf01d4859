/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory tree that files are taken from: the host ("/"), an unpacked package, the recipe's folder.
 * It may be somebody else's and hostile: every path is resolved inside its root, component by component,
 * by descriptor. Nothing in it is executed.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct source {
	int rootfd;       /* -1 when closed */
	const char *name; /* for messages: the directory as the user wrote it */
};

/* Opens dirfd/path (AT_FDCWD allowed) as the root of a tree; name must outlive the tree. */
[[nodiscard]] int source_open(int dirfd, const char *path, const char *name, struct source *ret, struct err *e);
void source_close(struct source *src);
#define autosource [[gnu::cleanup(source_close)]] struct source

/* A symlink that a resolution went through. */
struct source_link {
	char *path;   /* where it stands; no component of it is a symlink, but itself */
	char *target; /* as it reads */
};

/* What a path means inside the tree. */
struct source_place {
	char *path;    /* absolute, without symlinks, "." and ".." */
	bool exists;   /* false: path is what is missing (a dangling link has links and does not exist) */
	struct stat st; /* of path; no symlink */
	LIST(struct source_link) links; /* gone through, in that order */
};

/*
 * Resolves an absolute path (".." stays inside the root; at most 40 links). What is missing is no error.
 * ERR_FAILED: a loop of links, a path over 4095 bytes, a name that can't be read.
 */
[[nodiscard]] int source_resolve(const struct source *src, struct arena *a, const char *path, struct source_place *ret,
			       struct err *e);

/* lstat() of a path without symlinks before its last component. 0 or -1 with errno. */
[[nodiscard]] int source_lstat(const struct source *src, const char *path, struct stat *ret);
/* The target of the symlink at such a path, in the arena; NULL with errno. */
char *source_readlink(const struct source *src, struct arena *a, const char *path);
/* Opens the regular file at such a path for reading; a descriptor or -1 with errno. */
[[nodiscard]] int source_open_file(const struct source *src, const char *path);

/*
 * The names in the directory at such a path, sorted by bytes, NULL-terminated (NULL when empty), in the
 * arena. At most 1 000 000.
 */
[[nodiscard]] int source_list(const struct source *src, struct arena *a, const char *path, char ***ret, struct err *e);

/*
 * The paths that match an absolute pattern (fnmatch(3) per component; a leading "." must be written), sorted.
 * Components before the first one with a wildcard may be symlinks, and keep the spelling of the pattern. NULL when none.
 */
[[nodiscard]] int source_glob(const struct source *src, struct arena *a, const char *pattern, char ***ret, struct err *e);
/* Does the text hold a wildcard of fnmatch(3)? */
bool source_is_pattern(const char *text);
