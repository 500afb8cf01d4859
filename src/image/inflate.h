/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression as a stream, recognised by content: gzip (several members too), zstd, xz, or none. The
 * caller owns all buffers and drives; memory is bounded whatever the bytes say. Bytes behind the end
 * of the compressed data are an error: whoever hashed the file would otherwise vouch for what nobody read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum inflate_kind { INFLATE_NONE, INFLATE_GZIP, INFLATE_ZSTD, INFLATE_XZ };
enum { INFLATE_HEAD = 8 }; /* bytes that inflate_sniff() looks at */

/* Names the compression by the first bytes (fewer than INFLATE_HEAD when the input is that short). Refuses
 * bzip2, lz4 and lzip by name. */
[[nodiscard]] int inflate_sniff(const uint8_t *head, size_t n, enum inflate_kind *ret, struct err *e);
extern const char *const inflate_kind_names[];

/* What is to be read and where to write; inflate_step() advances all four. */
struct inflate_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

struct inflate;

[[nodiscard]] int inflate_open(enum inflate_kind kind, struct inflate **ret, struct err *e);
/* Works until the input is used up or the output is full. ERR_FAILED: corrupt data, or more memory asked than allowed. */
[[nodiscard]] int inflate_step(struct inflate *f, struct inflate_io *io, struct err *e);
/* After the last input: may give more output (call again while out_len gets 0). ERR_FAILED when data is missing. */
[[nodiscard]] int inflate_finish(struct inflate *f, struct inflate_io *io, struct err *e);
void inflate_close(struct inflate *f); /* NULL is fine */

static inline void cleanup_inflate(struct inflate **f)
{
	inflate_close(*f);
}
#define autoinflate [[gnu::cleanup(cleanup_inflate)]] struct inflate

/* Private to inflate*.c: what one format does. State is its own. */
struct inflate_ops {
	void *(*open)(void); /* NULL: out of memory */
	int (*step)(void *state, struct inflate_io *io, struct err *e);
	int (*finish)(void *state, struct inflate_io *io, struct err *e);
	void (*close)(void *state);
};
extern const struct inflate_ops inflate_gzip_ops, inflate_zstd_ops, inflate_xz_ops;
