/* SPDX-License-Identifier: Apache-2.0 */
/* Which format, and the trivial one. Each real one has a file of its own. */
#include "image/inflate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *const inflate_kind_names[] = {"none", "gzip", "zstd", "xz", NULL};

struct inflate {
	const struct inflate_ops *ops;
	void *state;
};

struct magic {
	const char *bytes;
	size_t n;
	int kind;            /* enum inflate_kind, or -1: not read */
	const char *refused; /* its name, when not read */
};

static const struct magic magics[] = {
	{"\x1f\x8b", 2, INFLATE_GZIP, NULL},
	{"\x28\xb5\x2f\xfd", 4, INFLATE_ZSTD, NULL},
	{"\xfd"
	 "7zXZ",
	 6, INFLATE_XZ, NULL},
	{"BZh", 3, -1, "bzip2"},
	{"\x04\x22\x4d\x18", 4, -1, "lz4"},
	{"LZIP", 4, -1, "lzip"},
};

/* A zstd file may begin with a skippable frame (as zstd:chunked and pzstd write): 0x184D2A5?. */
static bool is_zstd_skippable(const uint8_t *head, size_t n)
{
	return n >= 4 && (head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3);
}

int inflate_sniff(const uint8_t *head, size_t n, enum inflate_kind *ret, struct err *e)
{
	*ret = is_zstd_skippable(head, n) ? INFLATE_ZSTD : INFLATE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (n < m->n || memcmp(head, m->bytes, m->n))
			continue;
		if (m->kind >= 0) {
			*ret = (enum inflate_kind)m->kind;
			return 0;
		}
		err_new(e, ERR_FAILED, "compression by %s is not read", m->refused);
		err_because(e, "gzip, zstd, xz and none are");
		return err_try(e, "%s -d FILE, and import what comes out", m->refused);
	}
	return 0;
}

static int copy_step(void *state, struct inflate_io *io, struct err *e)
{
	size_t n = io->in_len < io->out_len ? io->in_len : io->out_len;

	if (n)
		memcpy(io->out, io->in, n);
	io->in += n;
	io->in_len -= n;
	io->out += n;
	io->out_len -= n;
	return 0;
}

static void *copy_open(void)
{
	return malloc(1);
}

static const struct inflate_ops copy_ops = {copy_open, copy_step, copy_step, free};

static const struct inflate_ops *const all_ops[] = {
	[INFLATE_NONE] = &copy_ops,
	[INFLATE_GZIP] = &inflate_gzip_ops,
	[INFLATE_ZSTD] = &inflate_zstd_ops,
	[INFLATE_XZ] = &inflate_xz_ops,
};
static_assert(ARRAY_SIZE(all_ops) == INFLATE_XZ + 1, "every kind has its operations");

int inflate_open(enum inflate_kind kind, struct inflate **ret, struct err *e)
{
	struct inflate *f = malloc(sizeof(*f));

	if (f) {
		f->ops = all_ops[kind];
		f->state = f->ops->open();
	}
	if (f && f->state) {
		*ret = f;
		return 0;
	}
	free(f);
	return err_new(e, ERR_FAILED, "out of memory for %s", inflate_kind_names[kind]);
}

int inflate_step(struct inflate *f, struct inflate_io *io, struct err *e)
{
	return f->ops->step(f->state, io, e);
}

int inflate_finish(struct inflate *f, struct inflate_io *io, struct err *e)
{
	return f->ops->finish(f->state, io, e);
}

void inflate_close(struct inflate *f)
{
	if (!f)
		return;
	f->ops->close(f->state);
	free(f);
}
