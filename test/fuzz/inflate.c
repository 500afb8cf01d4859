/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a compressed stream: the same output in large and small pieces, and never past a buffer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { OUT_MAX = 1 << 20 };

struct result {
	int r;
	uint64_t hash, len;
};

/* Gives output in pieces of out_size, input in pieces of in_size, up to OUT_MAX bytes. */
static struct result inflate_all(enum inflate_kind kind, const uint8_t *bytes, size_t n, size_t in_size, size_t out_size)
{
	struct result res = {.hash = 14695981039346656037ULL};
	autoinflate *f = NULL;
	autofree uint8_t *out = malloc(out_size);
	struct inflate_io io = {.in = bytes};
	struct err e = {};
	bool end = false;

	res.r = inflate_open(kind, &f, &e);
	while (!res.r && !end && res.len < OUT_MAX) {
		if (!io.in_len) {
			io.in_len = n < in_size ? n : in_size;
			n -= io.in_len;
		}
		bool last = !io.in_len;

		io.out = out;
		io.out_len = out_size;
		res.r = last ? inflate_finish(f, &io, &e) : inflate_step(f, &io, &e);
		size_t got = out_size - io.out_len;

		end = last && io.out_len;
		for (size_t i = 0; i < got; i++)
			res.hash = (res.hash ^ out[i]) * 1099511628211ULL;
		res.len += got;
	}
	return res;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	enum inflate_kind kind;
	struct err e = {};

	if (inflate_sniff(bytes, n < INFLATE_HEAD ? n : INFLATE_HEAD, &kind, &e))
		return 0;
	struct result whole = inflate_all(kind, bytes, n, n ? n : 1, 65536);
	struct result parts = inflate_all(kind, bytes, n, 7, 4099);

	if (whole.len >= OUT_MAX || parts.len >= OUT_MAX)
		return 0;
	if (!whole.r != !parts.r)
		abort();
	if (!whole.r && (whole.hash != parts.hash || whole.len != parts.len))
		abort();
	return 0;
}
