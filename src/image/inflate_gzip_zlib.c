/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by zlib, where ISA-L is missing. */
#include "image/inflate.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 + MAX_WBITS };

struct gzip {
	z_stream z;
	bool ended; /* between members */
};

static void *gzip_open(void)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g && inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		free(g);
		return NULL;
	}
	return g;
}

static void gzip_close(void *state)
{
	struct gzip *g = state;

	inflateEnd(&g->z);
	free(g);
}

static int next_member(struct gzip *g, const struct inflate_io *io, struct err *e)
{
	if (io->in[0] != 0x1f) {
		err_new(e, ERR_FAILED, "gzip data does not end where it says");
		return err_because(e, "there are bytes behind it that are not gzip");
	}
	g->ended = false;
	if (inflateReset2(&g->z, GZIP_ONLY) == Z_OK)
		return 0;
	return err_new(e, ERR_FAILED, "zlib can't be reset");
}

static int inflate_some(struct gzip *g, struct inflate_io *io, struct err *e)
{
	g->z.next_in = (Bytef *)(uintptr_t)io->in;
	g->z.avail_in = (uInt)io->in_len;
	g->z.next_out = io->out;
	g->z.avail_out = (uInt)io->out_len;
	int code = inflate(&g->z, Z_NO_FLUSH);

	if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
		err_new(e, ERR_FAILED, "can't decompress gzip data");
		return err_because(e, "%s", g->z.msg ? g->z.msg : "the compressed data is damaged");
	}
	io->in = g->z.next_in;
	io->in_len = g->z.avail_in;
	io->out = g->z.next_out;
	io->out_len = g->z.avail_out;
	g->ended = code == Z_STREAM_END;
	return 0;
}

static int gzip_step(void *state, struct inflate_io *io, struct err *e)
{
	struct gzip *g = state;
	int r = 0;

	while (!r && io->in_len && io->out_len) {
		if (g->ended)
			r = next_member(g, io, e);
		if (!r)
			r = inflate_some(g, io, e);
	}
	return r;
}

static int gzip_finish(void *state, struct inflate_io *io, struct err *e)
{
	struct gzip *g = state;

	if (!g->ended && io->out_len) {
		int r = inflate_some(g, io, e);

		if (r || !io->out_len)
			return r;
	}
	if (g->ended || !io->out_len)
		return 0;
	err_new(e, ERR_FAILED, "gzip data ends too early");
	return err_because(e, "the file is cut off");
}

const struct inflate_ops inflate_gzip_ops = {gzip_open, gzip_step, gzip_finish, gzip_close};
