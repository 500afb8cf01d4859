/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by ISA-L: more than twice zlib's speed, checksum included. */
#include "image/inflate.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct gzip {
	struct inflate_state isal;
	bool started; /* inside a member */
};

static void *gzip_open(void)
{
	struct gzip *g = malloc(sizeof(*g));

	if (!g)
		return NULL;
	isal_inflate_init(&g->isal);
	g->isal.crc_flag = ISAL_GZIP;
	g->started = false;
	return g;
}

static const char *reason_of(int code)
{
	switch (code) {
	case ISAL_INVALID_WRAPPER:
		return "the gzip header is damaged";
	case ISAL_UNSUPPORTED_METHOD:
		return "the gzip header names an unknown method";
	case ISAL_INCORRECT_CHECKSUM:
		return "the checksum is wrong";
	default:
		return "the compressed data is damaged";
	}
}

/* A member ends where ISA-L says so; what follows must be another one. */
static int next_member(struct gzip *g, const struct inflate_io *io, struct err *e)
{
	if (io->in[0] != 0x1f) {
		err_new(e, ERR_FAILED, "gzip data does not end where it says");
		return err_because(e, "there are bytes behind it that are not gzip");
	}
	isal_inflate_reset(&g->isal);
	g->isal.crc_flag = ISAL_GZIP;
	return 0;
}

static int inflate_some(struct gzip *g, struct inflate_io *io, struct err *e)
{
	struct inflate_state *s = &g->isal;

	s->next_in = (uint8_t *)(uintptr_t)io->in;
	s->avail_in = (uint32_t)io->in_len;
	s->next_out = io->out;
	s->avail_out = (uint32_t)io->out_len;
	int code = isal_inflate(s);

	if (code < 0 || code == ISAL_NEED_DICT || s->next_in < io->in) {
		err_new(e, ERR_FAILED, "can't decompress gzip data");
		return err_because(e, "%s", reason_of(code));
	}
	io->in = s->next_in;
	io->in_len = s->avail_in;
	io->out = s->next_out;
	io->out_len = s->avail_out;
	g->started = s->block_state != ISAL_BLOCK_FINISH;
	return 0;
}

static int gzip_step(void *state, struct inflate_io *io, struct err *e)
{
	struct gzip *g = state;
	int r = 0;

	while (!r && io->in_len && io->out_len) {
		if (!g->started && g->isal.block_state == ISAL_BLOCK_FINISH)
			r = next_member(g, io, e);
		if (!r)
			r = inflate_some(g, io, e);
	}
	return r;
}

static int gzip_finish(void *state, struct inflate_io *io, struct err *e)
{
	struct gzip *g = state;

	if (g->started && io->out_len) {
		int r = inflate_some(g, io, e);

		if (r || !io->out_len)
			return r;
	}
	if (g->isal.block_state == ISAL_BLOCK_FINISH || !io->out_len)
		return 0;
	err_new(e, ERR_FAILED, "gzip data ends too early");
	return err_because(e, "the file is cut off");
}

const struct inflate_ops inflate_gzip_ops = {gzip_open, gzip_step, gzip_finish, free};
