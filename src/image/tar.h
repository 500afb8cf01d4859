/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar reader that faces hostile archives: bytes are pushed in as they come, entries are called out. It
 * reads v7, ustar, GNU (long names, base-256 numbers, old sparse files) and pax (POSIX.1-2017, pax(1)),
 * and refuses whatever other readers are known to understand differently: an archive must mean one
 * thing. It opens no file and resolves no path; image/tree.h does the latter.
 *
 *   512-byte blocks:  header | payload, padded | header | payload | … | two blocks of zeros | zeros
 *
 * Bounds: 1 MiB per extension header, 4 095 bytes a path or link target, 255 a name, 16 MiB of xattrs per
 * archive entry of at most 64 KiB each; memory for entries is the caller's arena, bounded by TAR_META_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { TAR_BLOCK = 512 };

enum tar_type { TAR_FILE, TAR_HARD_LINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCKDEV, TAR_DIR, TAR_FIFO };

struct tar_xattr {
	const char *name; /* "user.x", "security.capability" */
	const uint8_t *value;
	size_t len;
	const struct tar_xattr *next;
};

/* One piece of a sparse file: len bytes at offset in the file, stored one after the other in the payload. */
struct tar_piece {
	uint64_t offset;
	uint64_t len;
};

struct tar_sparse {
	uint64_t map_bytes; /* of the payload that hold the map itself (GNU.sparse 1.0) */
	size_t n;
	struct tar_piece *piece;
};

/* Strings and lists lie in the arena given to tar_init(). */
struct tar_entry {
	enum tar_type type;
	const char *path;        /* as written, never empty, without 0 bytes */
	const char *link;        /* TAR_HARD_LINK, TAR_SYMLINK: never empty */
	uint32_t mode;           /* permission bits, 07777 */
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	uint32_t major, minor;   /* TAR_CHAR, TAR_BLOCKDEV */
	uint64_t size;           /* TAR_FILE: of the file as a program sees it */
	uint64_t stored;         /* TAR_FILE: of its payload in the archive */
	uint64_t offset;         /* TAR_FILE: of its payload in the archive, a multiple of 512 */
	const struct tar_sparse *sparse; /* TAR_FILE: NULL when the payload is the file */
	const struct tar_xattr *xattrs;
	uint64_t at;             /* offset of its header, for messages */
};

/*
 * on_entry is called once an entry is complete (a sparse map of format 1.0 stands in the payload: then
 * once that was read). A negative answer stops the reader. on_data, when not NULL, gets the payload of
 * every TAR_FILE in pieces, after on_entry; of sparse files without the map.
 */
struct tar_callbacks {
	int (*on_entry)(void *ctx, const struct tar_entry *entry, struct err *e);
	int (*on_data)(void *ctx, const uint8_t *bytes, size_t n, struct err *e);
	void *ctx;
};

struct tar; /* the reader */

/* Entries are allocated in *arena, which must outlive their use. */
struct tar *tar_open(struct arena *arena, const struct tar_callbacks *callbacks);
/* Reads n more bytes, any n. ERR_FAILED: with the offset of what is wrong. After an error only tar_close(). */
[[nodiscard]] int tar_push(struct tar *t, const uint8_t *bytes, size_t n, struct err *e);
/* No more bytes come. ERR_FAILED when the archive is cut off. */
[[nodiscard]] int tar_finish(struct tar *t, struct err *e);
void tar_close(struct tar *t); /* NULL is fine */

/*
 * How many of the next bytes are payload and padding that nobody looks at: a caller that reads from a
 * file may seek over them and say so with tar_skip(). 0 with on_data set.
 */
uint64_t tar_skippable(const struct tar *t);
void tar_skip(struct tar *t, uint64_t n);

static inline void cleanup_tar(struct tar **t)
{
	tar_close(*t);
}
#define autotar [[gnu::cleanup(cleanup_tar)]] struct tar
