/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive of layers is read at places that its documents name, which may stand at its end. From a pipe
 * or compressed as a whole it goes to the disk first.
 */
#include "store/import_spool.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { PIECE = 1 << 20 };
#define BOMB_MIN   (512ULL << 20)
#define BOMB_RATIO 200

struct spool {
	struct import_input *in;
	int fd;
	uint8_t *from, *to;
	uint64_t bytes_in, bytes_out;
};

static int flush(struct spool *s, const struct inflate_io *io, struct err *e)
{
	size_t n = PIECE - io->out_len;

	s->bytes_out += n;
	if (s->bytes_out > BOMB_MIN && s->bytes_out / BOMB_RATIO > s->bytes_in) {
		err_new(e, ERR_FAILED, "the archive grows more than %d-fold when decompressed", BOMB_RATIO);
		return err_because(e, "that is how archives are built that fill disks");
	}
	if (!io_write_all(s->fd, s->to, n))
		return 0;
	err_errno(e, "can't write the archive into the store");
	return errno == ENOSPC ? err_try(e, "rocket gc --grace-period 0   (makes room)") : -e->code;
}

static void next_output(const struct spool *s, struct inflate_io *io)
{
	io->out = s->to;
	io->out_len = PIECE;
}

static int spool_piece(struct spool *s, struct inflate *f, struct inflate_io *io, struct err *e)
{
	int r = 0;

	while (!r && io->in_len) {
		next_output(s, io);
		r = inflate_step(f, io, e);
		if (!r)
			r = flush(s, io, e);
	}
	return r;
}

static int spool_end(struct spool *s, struct inflate *f, struct inflate_io *io, struct err *e)
{
	int r;

	do {
		next_output(s, io);
		r = inflate_finish(f, io, e);
		if (!r)
			r = flush(s, io, e);
	} while (!r && !io->out_len);
	return r;
}

static int spool_all(struct spool *s, struct inflate *f, struct err *e)
{
	for (;;) {
		ssize_t n = import_read(s->in, s->from, PIECE);
		struct inflate_io io = {.in = s->from, .in_len = n > 0 ? (size_t)n : 0};

		if (n < 0)
			return err_errno(e, "can't read the image");
		if (!n)
			return spool_end(s, f, &io, e);
		s->bytes_in += (uint64_t)n;
		int r = spool_piece(s, f, &io, e);

		if (r)
			return r;
	}
}

int import_spool(const struct store *store, struct import_input *in, enum inflate_kind kind, struct blob_writer *ret,
		 struct err *e)
{
	autoblob w = BLOB_WRITER_NONE;
	autoinflate *f = NULL;
	autofree uint8_t *from = malloc(PIECE), *to = malloc(PIECE);
	int r = inflate_open(kind, &f, e);

	if (!from || !to)
		abort();
	if (!r)
		r = blob_writer_open(store, BLOB_SHA256, &w, e);
	if (r)
		return r;
	struct spool s = {.in = in, .fd = w.fd, .from = from, .to = to};

	r = spool_all(&s, f, e);
	if (r)
		return r;
	*ret = w;
	w = BLOB_WRITER_NONE;
	return 0;
}
