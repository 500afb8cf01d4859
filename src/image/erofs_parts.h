/* SPDX-License-Identifier: Apache-2.0 */
/* Private to erofs*.c: where each node goes, and the pieces that are written there. */
#pragma once

#include "image/erofs.h"
#include "image/erofs_format.h"

/* Where a node lies, decided before anything is written. */
struct erofs_place {
	uint64_t nid;          /* slot from the start of the metadata */
	uint64_t size;         /* i_size */
	uint32_t xattr_bytes;  /* with header; 0: none */
	uint32_t inline_bytes; /* behind the xattrs */
	uint32_t block;        /* blocks of its own: the first … */
	uint32_t n_blocks;     /* … and how many */
	uint8_t layout;        /* EROFS_PLAIN, EROFS_INLINE, EROFS_CHUNKS */
	uint8_t chunk_bits;
};

/* erofs_dir.c: entries sorted, "." and ".." among them. */
void erofs_dir_size(const struct tree *t, uint32_t dir, uint64_t *ret_full_blocks, uint32_t *ret_tail);
/* Writes the full blocks and the tail; places gives the nodes' numbers. */
void erofs_dir_write(const struct tree *t, const struct erofs_place *places, uint32_t dir, uint8_t *blocks,
		     uint8_t *tail);

/* erofs_xattr.c */
[[nodiscard]] int erofs_xattr_size(const struct tree_node *n, uint32_t *ret_bytes, struct err *e);
void erofs_xattr_write(const struct tree_node *n, uint8_t *to);

/* erofs_sparse.c */
enum { EROFS_UNALIGNED = 0xff };
/* The largest chunk whose borders every piece keeps to, as a power of two blocks; EROFS_UNALIGNED: none. */
uint8_t erofs_chunk_bits(const struct tree_node *n);
uint64_t erofs_chunk_count(uint64_t size, uint8_t bits);
/* The chunk map; tar_block is the first block of the file's payload in the common address space. */
void erofs_chunks_write(const struct tree_node *n, uint8_t bits, uint64_t tar_block, uint8_t *to);
/* The file as a program sees it, read from the tar into n->size zeroed bytes. */
[[nodiscard]] int erofs_copy_sparse(const struct tree_node *n, int fd, uint8_t *to, struct err *e);
