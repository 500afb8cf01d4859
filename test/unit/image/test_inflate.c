/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression: each format in pieces of every size, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/inflate.h"

enum { TEXT = 300000 };

static char *make_text(size_t n)
{
	char *text = malloc(n);
	uint32_t x = 1;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (char)(x >> 28 | 'a');
	}
	return text;
}

static void pack_gzip(struct str *out, const char *text, size_t n)
{
	z_stream z = {};
	autofree unsigned char *buf = malloc(n + 1000);

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)text;
	z.avail_in = (unsigned)n;
	z.next_out = buf;
	z.avail_out = (unsigned)n + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	str_add_bytes(out, buf, z.total_out);
	deflateEnd(&z);
}

static void pack_zstd(struct str *out, const char *text, size_t n)
{
	autofree void *buf = malloc(ZSTD_compressBound(n));
	size_t len = ZSTD_compress(buf, ZSTD_compressBound(n), text, n, 3);

	assert_false(ZSTD_isError(len));
	str_add_bytes(out, buf, len);
}

static void pack_xz(struct str *out, const char *text, size_t n)
{
	autofree uint8_t *buf = malloc(n + 1000);
	size_t at = 0;

	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, n, buf, &at, n + 1000),
			 LZMA_OK);
	str_add_bytes(out, buf, at);
}

static void pack_none(struct str *out, const char *text, size_t n)
{
	str_add_bytes(out, text, n);
}

static const struct {
	enum inflate_kind kind;
	void (*pack)(struct str *out, const char *text, size_t n);
} formats[] = {
	{INFLATE_NONE, pack_none}, {INFLATE_GZIP, pack_gzip}, {INFLATE_ZSTD, pack_zstd}, {INFLATE_XZ, pack_xz}};

/* Input and output in pieces of these sizes. */
static int unpack(enum inflate_kind kind, const struct str *from, size_t in_size, size_t out_size, struct str *to,
		  struct err *e)
{
	autoinflate *f = NULL;
	autofree uint8_t *out = malloc(out_size);
	struct inflate_io io = {.in = (const uint8_t *)from->text};
	size_t left = from->len;
	bool end = false;
	int r = inflate_open(kind, &f, e);

	while (!r && !end) {
		if (!io.in_len) {
			io.in_len = left < in_size ? left : in_size;
			left -= io.in_len;
		}
		bool last = !io.in_len;

		io.out = out;
		io.out_len = out_size;
		r = last ? inflate_finish(f, &io, e) : inflate_step(f, &io, e);
		str_add_bytes(to, out, out_size - io.out_len);
		end = last && io.out_len;
	}
	return r;
}

static void test_formats(void **state)
{
	static const size_t sizes[][2] = {{1 << 20, 1 << 20}, {1 << 20, 777}, {13, 1 << 16}, {1, 4096}, {100, 1}};
	autofree char *text = make_text(TEXT);

	for (size_t i = 0; i < ARRAY_SIZE(formats) * ARRAY_SIZE(sizes); i++) {
		size_t f = i % ARRAY_SIZE(formats), s = i / ARRAY_SIZE(formats), n = s > 2 ? 20000 : TEXT;
		autostr packed = {}, plain = {};
		enum inflate_kind kind;
		struct err e = {};

		formats[f].pack(&packed, text, n);
		assert_int_equal(inflate_sniff((uint8_t *)packed.text, INFLATE_HEAD, &kind, &e), 0);
		assert_int_equal(kind, formats[f].kind);
		if (unpack(kind, &packed, sizes[s][0], sizes[s][1], &plain, &e))
			fail_msg("%s: %s %s", inflate_kind_names[kind], e.what, e.because);
		assert_int_equal(plain.len, n);
		assert_memory_equal(plain.text, text, n);
	}
}

/* Two streams one after the other are one, as the command line tools read them. */
static void test_members(void **state)
{
	autofree char *text = make_text(TEXT);

	for (size_t f = 1; f < ARRAY_SIZE(formats); f++) {
		for (size_t in = 1; in < 40; in += 19) {
			autostr packed = {}, plain = {};
			struct err e = {};

			formats[f].pack(&packed, text, 5000);
			formats[f].pack(&packed, "", 0);
			formats[f].pack(&packed, text + 5000, 5000);
			if (unpack(formats[f].kind, &packed, in, 1000, &plain, &e))
				fail_msg("%s: %s %s", inflate_kind_names[formats[f].kind], e.what, e.because);
			assert_int_equal(plain.len, 10000);
			assert_memory_equal(plain.text, text, 10000);
		}
	}
}

static void test_damaged(void **state)
{
	autofree char *text = make_text(TEXT);

	for (size_t f = 1; f < ARRAY_SIZE(formats); f++) {
		autostr packed = {}, cut = {}, flipped = {}, longer = {}, out = {};
		enum inflate_kind kind = formats[f].kind;
		struct err e = {};

		formats[f].pack(&packed, text, TEXT);
		for (size_t n = 1; n < packed.len; n += packed.len / 7) {
			str_reset(&cut);
			str_add_bytes(&cut, packed.text, packed.len - n);
			assert_int_not_equal(unpack(kind, &cut, 5000, 5000, &out, &e), 0);
		}
		str_add_bytes(&flipped, packed.text, packed.len);
		flipped.text[flipped.len / 2] ^= 4;
		/* zstd's frames of ZSTD_compress() have no checksum: what is wrong may show as other bytes */
		str_reset(&out);
		bool same = !unpack(kind, &flipped, 5000, 5000, &out, &e) && out.len == TEXT && !memcmp(out.text, text, TEXT);
		assert_false(same);
		if (kind == INFLATE_GZIP)
			assert_int_not_equal(unpack(kind, &flipped, 5000, 5000, &out, &e), 0);
		str_add_bytes(&longer, packed.text, packed.len);
		str_add(&longer, "more");
		assert_int_not_equal(unpack(kind, &longer, 5000, 5000, &out, &e), 0);
		assert_true(e.because[0] != 0);
	}
}

/* A frame that asks for 2 GiB of window is refused, not served. */
static void test_zstd_window(void **state)
{
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00};
	autostr packed = {}, out = {};
	struct err e = {};

	str_add_bytes(&packed, frame, sizeof(frame));
	assert_int_not_equal(unpack(INFLATE_ZSTD, &packed, 100, 100, &out, &e), 0);
	assert_non_null(strstr(e.because, "memory"));
}

static void test_sniff(void **state)
{
	static const struct {
		const char *head;
		const char *refused;
	} x[] = {{"BZh91AY", "bzip2"}, {"\x04\x22\x4d\x18..", "lz4"}, {"LZIP\1...", "lzip"}};
	enum inflate_kind kind;
	struct err e = {};

	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		assert_int_not_equal(inflate_sniff((const uint8_t *)x[i].head, strlen(x[i].head), &kind, &e), 0);
		assert_non_null(strstr(e.what, x[i].refused));
		assert_true(e.hint[0] != 0);
	}
	assert_int_equal(inflate_sniff((const uint8_t *)"\x1f", 1, &kind, &e), 0);
	assert_int_equal(kind, INFLATE_NONE);
	assert_int_equal(inflate_sniff((const uint8_t *)"\x5f\x2a\x4d\x18", 4, &kind, &e), 0);
	assert_int_equal(kind, INFLATE_ZSTD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats), cmocka_unit_test(test_members), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_zstd_window), cmocka_unit_test(test_sniff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
