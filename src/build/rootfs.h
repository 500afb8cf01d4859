/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root file system of the image to be: which path holds what, before any byte is copied. Parents
 * are made by themselves; paths pass through the symlinks that are already in it; whoever puts a thing where
 * another stands is told so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "build/source.h"

enum rootfs_kind { ROOTFS_DIR, ROOTFS_FILE, ROOTFS_LINK };

struct rootfs_entry {
	char *path;     /* "usr/bin/x": no leading or trailing slash, no "." or ".." */
	enum rootfs_kind kind;
	uint32_t mode;  /* permission bits, 07777 */
	uint32_t uid, gid;
	bool implied;   /* a parent that nobody named: gives way to a named one */
	char *target;   /* ROOTFS_LINK */
	/* ROOTFS_FILE: from `source` at `from` when source is set, else the text. */
	const struct source *source;
	char *from;
	const char *text;
	uint64_t size;  /* bytes */
};

struct rootfs {
	struct arena *arena;            /* everything below lies in it; outlives the rootfs */
	LIST(struct rootfs_entry) entries;
	uint32_t *index;                /* open addressing by path: 1 + place in entries, 0 free */
	size_t index_size;              /* a power of two */
};

void rootfs_init(struct rootfs *fs, struct arena *a);

/*
 * Adds a copy of *entry, whose path may be absolute and is resolved in the image (a parent that is a link is
 * followed). A file or link over a file or link replaces it, a directory over a directory sets its mode
 * and owner unless the new one is implied. ERR_USAGE: a directory over something else or the reverse, a
 * path that is not clean, more than 1 000 000 entries.
 */
[[nodiscard]] int rootfs_add(struct rootfs *fs, const struct rootfs_entry *entry, struct err *e);

/* What stands at exactly this path ("usr/bin/x" or "/usr/bin/x"); NULL when nothing. */
struct rootfs_entry *rootfs_find(const struct rootfs *fs, const char *path);
/* The same, with all links followed inside the image, at most 40. */
struct rootfs_entry *rootfs_follow(const struct rootfs *fs, const char *path);

/* Sorts the entries by path, bytewise: parents stand before what they hold. Finding still works. */
void rootfs_sort(struct rootfs *fs);
