/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps of sparse files: the old GNU format (in the header and in blocks behind it), pax 0.1 (a list in a
 * record) and pax 1.0 (decimal lines at the start of the payload, padded to a block).
 */
#include "image/tar_parts.h"

#include <string.h>

#include "base/arena.h"

enum { AT_MAP = 386, MAP_IN_HEADER = 4, AT_EXTENDED = 482, AT_REAL_SIZE = 483, MAP_IN_BLOCK = 21, AT_BLOCK_EXTENDED = 504 };

int tar_add_piece(struct tar *t, struct tar_sparse *s, uint64_t offset, uint64_t len, struct err *e)
{
	uint64_t end;

	if (__builtin_add_overflow(offset, len, &end) || end > TAR_SIZE_MAX)
		return tar_bad(t, e, "a sparse file's map is out of range");
	if (s->n >= TAR_PIECES_MAX)
		return tar_bad(t, e, "a sparse file has more than %d pieces", TAR_PIECES_MAX);
	if (s->n && offset < s->piece[s->n - 1].offset + s->piece[s->n - 1].len)
		return tar_bad(t, e, "the pieces of a sparse file overlap");
	if (!len)
		return 0;
	t->meta += 2 * sizeof(struct tar_piece);
	s->piece = list_grow(t->arena, s->piece, &s->n, sizeof(*s->piece));
	s->piece[s->n - 1] = (struct tar_piece){offset, len};
	return 0;
}

/* The next number of a list, up to a comma or the end. */
static int next_number(const char **text, const char *end, uint64_t *ret)
{
	const char *comma = memchr(*text, ',', (size_t)(end - *text));
	const char *stop = comma ? comma : end;

	if (tar_parse_decimal(*text, (size_t)(stop - *text), ret))
		return -1;
	*text = comma ? comma + 1 : end;
	return 0;
}

int tar_parse_sparse_list(struct tar *t, const char *text, size_t n, struct tar_sparse *s, struct err *e)
{
	const char *end = text + n;

	while (text < end) {
		uint64_t offset, len;

		if (next_number(&text, end, &offset) || next_number(&text, end, &len))
			return tar_bad(t, e, "GNU.sparse.map is no list of numbers");
		int r = tar_add_piece(t, s, offset, len, e);

		if (r)
			return r;
	}
	return 0;
}

static int add_old_pieces(struct tar *t, const uint8_t *at, unsigned n, struct err *e)
{
	for (unsigned i = 0; i < n && at[24 * i]; i++) {
		int64_t offset, len;

		if (tar_parse_number(at + 24 * i, 12, &offset) || tar_parse_number(at + 24 * i + 12, 12, &len) ||
		    offset < 0 || len < 0)
			return tar_bad(t, e, "a sparse file's map is no list of numbers");
		int r = tar_add_piece(t, &t->sparse, (uint64_t)offset, (uint64_t)len, e);

		if (r)
			return r;
	}
	return 0;
}

int tar_parse_old_map(struct tar *t, const uint8_t *block, bool first, bool *ret_more, struct err *e)
{
	int64_t size;

	*ret_more = block[first ? AT_EXTENDED : AT_BLOCK_EXTENDED] != 0;
	if (!first)
		return add_old_pieces(t, block, MAP_IN_BLOCK, e);
	if (tar_parse_number(block + AT_REAL_SIZE, 12, &size) || size < 0 || (uint64_t)size > TAR_SIZE_MAX)
		return tar_bad(t, e, "a sparse file's size is no number");
	t->entry.size = (uint64_t)size;
	t->sparse = (struct tar_sparse){};
	return add_old_pieces(t, block + AT_MAP, MAP_IN_HEADER, e);
}

/* A complete line of the map: the count first, then offset and length in turn. */
static int take_line(struct tar *t, uint64_t v, struct err *e)
{
	struct tar_map_text *m = &t->map_text;

	if (!m->has_count) {
		if (v > TAR_PIECES_MAX)
			return tar_bad(t, e, "a sparse file has more than %d pieces", TAR_PIECES_MAX);
		m->has_count = true;
		m->count = v;
		return 0;
	}
	if (!m->has_offset) {
		m->has_offset = true;
		m->offset = v;
		return 0;
	}
	m->has_offset = false;
	m->count--;
	return tar_add_piece(t, &t->sparse, m->offset, v, e);
}

static int take_char(struct tar *t, uint8_t c, struct err *e)
{
	struct tar_map_text *m = &t->map_text;

	if (c == '\n' && m->digits) {
		uint64_t v = m->number;

		m->number = 0;
		m->digits = 0;
		return take_line(t, v, e);
	}
	if (c < '0' || c > '9' || ++m->digits > 18)
		return tar_bad(t, e, "a sparse file's map is no list of numbers");
	m->number = m->number * 10 + (c - '0');
	return 0;
}

int tar_parse_map_block(struct tar *t, const uint8_t *block, bool *ret_done, struct err *e)
{
	struct tar_map_text *m = &t->map_text;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		int r = take_char(t, block[i], e);

		if (r)
			return r;
		if (m->has_count && !m->count && !m->has_offset && !m->digits) {
			*ret_done = true;
			return 0;
		}
	}
	*ret_done = false;
	return 0;
}

int tar_check_sparse(const struct tar *t, const struct tar_sparse *s, uint64_t size, uint64_t stored, struct err *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->piece[i].offset + s->piece[i].len > size)
			return tar_bad(t, e, "a sparse file's map is longer than the file");
		sum += s->piece[i].len;
	}
	if (sum != stored)
		return tar_bad(t, e, "a sparse file's map and its data differ in size");
	return 0;
}
