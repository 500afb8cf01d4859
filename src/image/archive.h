/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that make up an image in transport, by name: a directory (OCI layout), or a tar of one (OCI
 * layout, docker-archive) that can be read at any place. Names come from hostile documents: in a
 * directory they are resolved inside it, in a tar they are looked up in its list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct archive;

/* A file's bytes: size bytes at offset of fd. */
struct archive_member {
	int fd; /* the archive's, which closes it */
	uint64_t offset;
	uint64_t size;
};

/* dirfd stays the caller's. */
[[nodiscard]] int archive_open_dir(int dirfd, struct archive **ret, struct err *e);
/* A seekable, uncompressed tar; fd stays the caller's. Refuses one that lists a name twice. */
[[nodiscard]] int archive_open_tar(int fd, struct archive **ret, struct err *e);
void archive_close(struct archive *a); /* NULL is fine */

static inline void cleanup_archive(struct archive **a)
{
	archive_close(*a);
}
#define autoarchive [[gnu::cleanup(cleanup_archive)]] struct archive

bool archive_has(struct archive *a, const char *name);
/* ERR_NOT_FOUND; ERR_FAILED when it is no regular file. */
[[nodiscard]] int archive_find(struct archive *a, const char *name, struct archive_member *ret, struct err *e);
/* A whole document of at most `limit` bytes, 0-terminated, in the arena. */
[[nodiscard]] int archive_read(struct archive *a, struct arena *arena, const char *name, size_t limit, char **ret_text,
			       size_t *ret_len, struct err *e);
