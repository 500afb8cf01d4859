/* SPDX-License-Identifier: Apache-2.0 */
/* Private to tar*.c: the reader's state, and the parts that it is made of. */
#pragma once

#include "image/tar.h"

enum {
	TAR_EXTENSION_MAX = 1 << 20,  /* payload of one extension header */
	TAR_PATH_MAX = 4095,
	TAR_XATTR_NAME_MAX = 255,
	TAR_XATTR_VALUE_MAX = 65535,
	TAR_XATTRS_MAX = 16 << 20,    /* names and values of one entry */
	TAR_PIECES_MAX = 100000,      /* of a sparse file */
	TAR_ENTRIES_MAX = 4000000,
};
#define TAR_META_MAX (512ULL << 20) /* memory for all entries of one archive */
#define TAR_SIZE_MAX (1ULL << 60)
#define TAR_OCTAL_SIZE_MAX 077777777777ULL /* the largest size that an octal field holds */

/* What extension headers said about the entry that follows. */
struct tar_ext {
	bool has_pax, has_gnu;
	const char *path, *link; /* NULL: not given */
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size;
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	const struct tar_xattr *xattrs;
	size_t xattr_bytes;
	/* GNU.sparse.* */
	bool has_sparse_map, has_real_size, has_sparse_major;
	uint64_t sparse_major, sparse_minor;
	uint64_t real_size;
	const char *sparse_name;
	struct tar_sparse map;
};

enum tar_state {
	TAR_AT_HEADER,
	TAR_IN_EXTENSION,   /* payload of x, g, L, K */
	TAR_IN_OLD_MAP,     /* extension blocks of an old GNU sparse header */
	TAR_IN_MAP,         /* sparse map 1.0 at the start of the payload */
	TAR_IN_PAYLOAD,
	TAR_AT_END,         /* after the first block of zeros */
};

/* The sparse map of format 1.0 while it is read: decimal numbers, a line each. */
struct tar_map_text {
	uint64_t number;
	unsigned digits;
	bool has_count;
	bool has_offset;
	uint64_t offset;
	size_t count;
};

struct tar {
	struct arena *arena;
	struct tar_callbacks call;
	enum tar_state state;
	uint64_t at;            /* offset of the next byte */
	uint64_t left;          /* payload bytes still to come, without padding */
	uint64_t padding;       /* bytes of padding behind them */
	uint8_t block[TAR_BLOCK];
	size_t block_len;       /* of a block that came in parts */
	unsigned zero_blocks;
	uint64_t entries;
	uint64_t meta;          /* bytes taken from the arena */
	char ext_type;
	char *ext_bytes;        /* payload of an extension header, malloc'ed */
	size_t ext_len, ext_cap;
	struct tar_ext ext;
	struct tar_entry entry; /* being assembled */
	struct tar_sparse sparse;
	struct tar_map_text map_text;
};

/* ERR_FAILED "bad tar archive at byte N", because of the text. Gives -ERR_FAILED. */
[[gnu::format(printf, 3, 4)]] int tar_bad(const struct tar *t, struct err *e, const char *fmt, ...);
/* Zeroed memory in the arena, counted; NULL with the error set when the archive has had enough. */
void *tar_alloc(struct tar *t, size_t n, struct err *e);
/* Copies n bytes as a string; refuses 0 bytes in it, an empty one, and one over TAR_PATH_MAX. */
[[nodiscard]] int tar_take_path(struct tar *t, const char *what, const char *bytes, size_t n, const char **ret,
				struct err *e);

/* tar_header.c */
struct tar_header {
	char type;
	bool ustar, gnu;
	uint64_t size;
	uint32_t mode, uid, gid, major, minor;
	int64_t mtime;
};
/* Octal, or base 256 (GNU). 0 or -1. */
[[nodiscard]] int tar_parse_number(const uint8_t *field, size_t n, int64_t *ret);
bool tar_is_zero_block(const uint8_t *block);
[[nodiscard]] int tar_parse_header(const struct tar *t, const uint8_t *block, struct tar_header *ret, struct err *e);
/* Name and link target as the header alone has them. */
[[nodiscard]] int tar_header_path(struct tar *t, const uint8_t *block, const struct tar_header *h, const char **ret,
				  struct err *e);
[[nodiscard]] int tar_header_link(struct tar *t, const uint8_t *block, const char **ret, struct err *e);

/* tar_pax.c: records of an x or g header into t->ext. */
[[nodiscard]] int tar_parse_pax(struct tar *t, const char *text, size_t len, bool global, struct err *e);
/* "-12.5" into seconds and nanoseconds. 0 or -1. */
[[nodiscard]] int tar_parse_time(const char *text, size_t n, int64_t *ret_s, uint32_t *ret_ns);
/* Decimal digits alone. 0 or -1. */
[[nodiscard]] int tar_parse_decimal(const char *text, size_t n, uint64_t *ret);

/* tar_sparse.c */
[[nodiscard]] int tar_add_piece(struct tar *t, struct tar_sparse *s, uint64_t offset, uint64_t len, struct err *e);
/* GNU.sparse.map=OFFSET,LEN,OFFSET,LEN,… */
[[nodiscard]] int tar_parse_sparse_list(struct tar *t, const char *text, size_t n, struct tar_sparse *s, struct err *e);
/* The map in an old GNU header (typeflag S), or in one of its extension blocks; *ret_more: another block follows. */
[[nodiscard]] int tar_parse_old_map(struct tar *t, const uint8_t *block, bool first, bool *ret_more, struct err *e);
/* One block of a map of format 1.0; *ret_done once it is complete. */
[[nodiscard]] int tar_parse_map_block(struct tar *t, const uint8_t *block, bool *ret_done, struct err *e);
/* Pieces in order, inside the file, and together as long as the payload. */
[[nodiscard]] int tar_check_sparse(const struct tar *t, const struct tar_sparse *s, uint64_t size, uint64_t stored,
				   struct err *e);
