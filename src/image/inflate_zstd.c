/* SPDX-License-Identifier: Apache-2.0 */
/* zstd (RFC 8878), any number of frames. The window, and with it the memory, is capped. */
#include "image/inflate.h"

#include <stdlib.h>
#include <zstd.h>

enum { WINDOW_LOG_MAX = 27 }; /* 128 MiB: what every zstd reads by default */

struct zstd {
	ZSTD_DCtx *ctx;
	size_t wants; /* 0: a frame ended here */
};

static void *zstd_open(void)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->ctx = ZSTD_createDCtx();
	z->wants = 1;
	if (z->ctx && !ZSTD_isError(ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return z;
	ZSTD_freeDCtx(z->ctx);
	free(z);
	return NULL;
}

static void zstd_close(void *state)
{
	struct zstd *z = state;

	ZSTD_freeDCtx(z->ctx);
	free(z);
}

static int decompress(struct zstd *z, struct inflate_io *io, struct err *e)
{
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->out_len, 0};
	size_t wants = ZSTD_decompressStream(z->ctx, &out, &in);

	if (ZSTD_isError(wants)) {
		err_new(e, ERR_FAILED, "can't decompress zstd data");
		return err_because(e, "%s", ZSTD_getErrorName(wants));
	}
	z->wants = wants;
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	return 0;
}

static int zstd_step(void *state, struct inflate_io *io, struct err *e)
{
	int r = 0;

	while (!r && io->in_len && io->out_len)
		r = decompress(state, io, e);
	return r;
}

static int zstd_finish(void *state, struct inflate_io *io, struct err *e)
{
	struct zstd *z = state;

	if (!z->wants || !io->out_len)
		return 0;
	size_t before = io->out_len;
	int r = decompress(z, io, e);

	if (r || !z->wants || io->out_len < before)
		return r;
	err_new(e, ERR_FAILED, "zstd data ends too early");
	return err_because(e, "the file is cut off");
}

const struct inflate_ops inflate_zstd_ops = {zstd_open, zstd_step, zstd_finish, zstd_close};
