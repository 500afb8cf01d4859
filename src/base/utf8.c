/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding and encoding of UTF-8 (RFC 3629), and the two questions that messages and tables ask about a
 * character: may it reach a terminal, and how many columns does it take there.
 */
#include "base/utf8.h"

#include "base/cleanup.h"

/* By the first byte: how many follow, the bits it carries, and the smallest code point of that length. */
struct lead {
	unsigned char from, to, follow, mask;
	uint32_t least;
};

static const struct lead leads[] = {
	{0xc2, 0xdf, 1, 0x1f, 0x80},
	{0xe0, 0xef, 2, 0x0f, 0x800},
	{0xf0, 0xf4, 3, 0x07, 0x10000},
};

struct range {
	uint32_t from, to;
};

static const struct range controls[] = {
	{0x00, 0x1f}, {0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff},
};

static const struct range wides[] = {
	{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x20000, 0x3fffd},
};

static const struct range nothings[] = {
	{0x300, 0x36f}, {0x200b, 0x200d}, {0xfe00, 0xfe0f},
};

static int in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++) {
		if (cp >= r[i].from && cp <= r[i].to)
			return 1;
	}
	return 0;
}

static size_t step_long(const unsigned char *s, size_t left, const struct lead *lead, uint32_t *ret_cp)
{
	uint32_t cp = s[0] & lead->mask;

	if (left <= lead->follow)
		return 0;
	for (size_t i = 1; i <= lead->follow; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < lead->least || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return lead->follow + 1U;
}

size_t utf8_step(const char *s, size_t left, uint32_t *ret_cp)
{
	const unsigned char *u = (const unsigned char *)s;

	if (left == 0)
		return 0;
	if (u[0] < 0x80) {
		*ret_cp = u[0];
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++) {
		if (u[0] >= leads[i].from && u[0] <= leads[i].to)
			return step_long(u, left, &leads[i], ret_cp);
	}
	return 0;
}

size_t utf8_put(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (cp & 0x3f));
		cp >>= 6;
	}
	out[0] = (char)(marks[n] | cp);
	return n;
}

int utf8_is_control(uint32_t cp)
{
	return in_ranges(controls, ARRAY_SIZE(controls), cp);
}

static size_t char_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (in_ranges(nothings, ARRAY_SIZE(nothings), cp))
		return 0;
	return in_ranges(wides, ARRAY_SIZE(wides), cp) ? 2 : 1;
}

size_t utf8_width(const char *s)
{
	size_t width = 0;

	while (*s) {
		uint32_t cp = 0;
		size_t n = utf8_step(s, 4, &cp);

		width += n ? char_width(cp) : 1;
		s += n ? n : 1;
	}
	return width;
}
