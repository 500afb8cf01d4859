/* SPDX-License-Identifier: Apache-2.0 */
/* xz, any number of streams. Memory is capped. */
#include "image/inflate.h"

#include <lzma.h>
#include <stdlib.h>

#define MEMORY_MAX (256ULL << 20) /* xz -9 needs 65 MiB */

struct xz {
	lzma_stream s;
	bool ended;
};

static void *xz_open(void)
{
	struct xz *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->s = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&x->s, MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK)
		return x;
	free(x);
	return NULL;
}

static void xz_close(void *state)
{
	struct xz *x = state;

	lzma_end(&x->s);
	free(x);
}

static const char *reason_of(lzma_ret code)
{
	switch (code) {
	case LZMA_MEMLIMIT_ERROR:
		return "it asks for more than 256 MiB of memory";
	case LZMA_FORMAT_ERROR:
		return "there are bytes that are not xz";
	case LZMA_OPTIONS_ERROR:
		return "it uses an unknown filter";
	case LZMA_BUF_ERROR:
		return "the file is cut off";
	default:
		return "the compressed data is damaged";
	}
}

static int decompress(struct xz *x, struct inflate_io *io, lzma_action action, struct err *e)
{
	x->s.next_in = io->in;
	x->s.avail_in = io->in_len;
	x->s.next_out = io->out;
	x->s.avail_out = io->out_len;
	lzma_ret code = lzma_code(&x->s, action);

	io->in = x->s.next_in;
	io->in_len = x->s.avail_in;
	io->out = x->s.next_out;
	io->out_len = x->s.avail_out;
	x->ended = code == LZMA_STREAM_END;
	if (code == LZMA_OK || code == LZMA_STREAM_END)
		return 0;
	if (code == LZMA_BUF_ERROR && action == LZMA_RUN)
		return 0; /* no progress possible now */
	err_new(e, ERR_FAILED, "can't decompress xz data");
	return err_because(e, "%s", reason_of(code));
}

static int xz_step(void *state, struct inflate_io *io, struct err *e)
{
	int r = 0;

	while (!r && io->in_len && io->out_len)
		r = decompress(state, io, LZMA_RUN, e);
	return r;
}

static int xz_finish(void *state, struct inflate_io *io, struct err *e)
{
	struct xz *x = state;

	while (!x->ended && io->out_len) {
		int r = decompress(x, io, LZMA_FINISH, e);

		if (r)
			return r;
	}
	return 0;
}

const struct inflate_ops inflate_xz_ops = {xz_open, xz_step, xz_finish, xz_close};
