/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse files: where pieces keep to block borders, a map of chunks with holes between them; else the few
 * bytes are copied.
 */
#include "image/erofs_parts.h"

#include <string.h>
#include <unistd.h>

static bool keeps_to(const struct tree_node *n, uint64_t chunk)
{
	for (size_t i = 0; i < n->sparse->n; i++) {
		const struct tar_piece *p = &n->sparse->piece[i];
		uint64_t end = p->offset + p->len;

		if (p->offset % chunk || (end % chunk && end != n->size))
			return false;
	}
	return true;
}

uint8_t erofs_chunk_bits(const struct tree_node *n)
{
	for (int bits = EROFS_CHUNK_BITS_MAX; bits >= 0; bits--)
		if (keeps_to(n, (uint64_t)EROFS_BLOCK << bits))
			return (uint8_t)bits;
	return EROFS_UNALIGNED;
}

uint64_t erofs_chunk_count(uint64_t size, uint8_t bits)
{
	uint64_t chunk = (uint64_t)EROFS_BLOCK << bits;

	return size / chunk + (size % chunk != 0);
}

void erofs_chunks_write(const struct tree_node *n, uint8_t bits, uint64_t tar_block, uint8_t *to)
{
	uint64_t chunk = (uint64_t)EROFS_BLOCK << bits, count = erofs_chunk_count(n->size, bits);
	struct erofs_chunk c = {.block = EROFS_HOLE};
	uint64_t stored = 0;

	for (uint64_t i = 0; i < count; i++)
		memcpy(to + i * sizeof(c), &c, sizeof(c));
	for (size_t i = 0; i < n->sparse->n; i++) {
		const struct tar_piece *p = &n->sparse->piece[i];

		for (uint64_t at = 0; at < p->len; at += chunk) {
			c.block = (uint32_t)(tar_block + (stored + at) / EROFS_BLOCK);
			memcpy(to + (p->offset + at) / chunk * sizeof(c), &c, sizeof(c));
		}
		stored += p->len;
	}
}

int erofs_copy_sparse(const struct tree_node *n, int fd, uint8_t *to, struct err *e)
{
	uint64_t from = n->offset;

	for (size_t i = 0; i < n->sparse->n; i++) {
		const struct tar_piece *p = &n->sparse->piece[i];

		for (uint64_t done = 0; done < p->len;) {
			ssize_t got = pread(fd, to + p->offset + done, p->len - done, (off_t)(from + done));

			if (got < 0)
				return err_errno(e, "can't read a stored layer");
			if (!got)
				return err_new(e, ERR_FAILED, "a stored layer is shorter than it was");
			done += (uint64_t)got;
		}
		from += p->len;
	}
	return 0;
}
