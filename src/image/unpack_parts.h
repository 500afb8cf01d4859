/* SPDX-License-Identifier: Apache-2.0 */
/* Private to unpack*.c: one file's content, and what is restored on it. */
#pragma once

#include "image/unpack.h"

enum { UNPACK_BUFFER = 64 << 10 };

struct unpacker {
	struct unpack *u;
	uint32_t uid, gid;        /* owner of what this process creates */
	uint32_t *first_dir;      /* by node of a file with several names: where the first one was made … */
	uint32_t *first_name;     /* … and as what */
	uint32_t *dir_name;       /* by node of a directory: its name */
	uint8_t buffer[UNPACK_BUFFER];
};

/* A file just made, or about to be: by its own descriptor, or as a name in a directory. */
struct unpack_at {
	int dirfd;
	const char *name;
	int fd; /* -1: of a kind that is not opened */
};

[[gnu::format(printf, 2, 3)]] int unpack_err(struct err *e, const char *fmt, ...);

/* unpack_data.c: payload from the layer's tar into fd, with holes where the file is sparse. */
[[nodiscard]] int unpack_data(struct unpacker *p, const struct tree_node *n, int fd, struct err *e);

/*
 * unpack_shift.c: the ids in an attribute's value, in place; gives the new length, at most 4 bytes more.
 */
size_t unpack_shift_xattr(uint32_t shift, const char *name, uint8_t *value, size_t len);

/* unpack_meta.c: owner, attributes, mode, times, in the order that keeps each of them. */
[[nodiscard]] int unpack_meta(struct unpacker *p, const struct tree_node *n, const struct unpack_at *at, struct err *e);
