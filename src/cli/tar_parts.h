/* SPDX-License-Identifier: Apache-2.0 */
/* Private to tar_out.c and tar_head.c: one header, and the memory of files with several names. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/tar_out.h"

struct tar_head {
	const char *path;
	const char *link;   /* of a link; NULL else */
	char type;          /* ustar's typeflag */
	uint32_t mode, uid, gid;
	int64_t mtime;
	uint64_t size;
	dev_t rdev;
	struct str xattrs;  /* pax records */
};

/* Adds the header, a pax header before it when it is needed. */
[[nodiscard]] int tar_head_format(struct str *out, const struct tar_head *h, struct err *e);
/* Reads what may be kept of a file's extended attributes into h->xattrs, which the caller frees. */
void tar_head_read_xattrs(struct tar_head *h, int fd);

/* The place in the view carries Rocket's mark (image/tree_mounts.c): no image and no app made it. */
bool tar_is_added(int fd);
/* A directory with nothing in it but such places. */
bool tar_is_bare(int fd);

/* A stream over the directory with a place of its own, the descriptor stays the caller's; NULL with errno. */
DIR *tar_open_dir(int fd);

/* The first name under which this file was met; NULL, and it is remembered, the first time. */
const char *tar_links_meet(struct tar_links **links, dev_t dev, ino_t ino, const char *path);
void tar_links_free(struct tar_links **links);
