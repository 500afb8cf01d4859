/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, strictly: two texts that decode to the same bytes are a way to say one thing twice (trust/base64.h). */
#include "trust/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

struct decoder {
	uint8_t *out;
	size_t n;
	uint32_t bits;
	unsigned chars, padding;
};

static bool push(struct decoder *d, char c)
{
	int v = c == '=' ? 0 : value_of(c);

	if (v < 0 || (d->padding && c != '='))
		return false;
	d->padding += c == '=';
	d->bits = d->bits << 6 | (uint32_t)v;
	if (++d->chars < 4)
		return true;
	if (d->padding > 2 || (d->padding && d->bits & ((1U << 8 * d->padding) - 1)))
		return false;
	for (unsigned i = 0; i + d->padding < 3; i++)
		d->out[d->n++] = (uint8_t)(d->bits >> (16 - 8 * i));
	d->chars = d->bits = 0;
	return true;
}

bool base64_decode(struct arena *a, const char *text, size_t len, enum base64_care care, uint8_t **ret_bytes, size_t *ret_n)
{
	struct decoder d = {.out = arena_alloc(a, len / 4 * 3 + 4)};

	for (size_t i = 0; i < len; i++) {
		if (care == BASE64_SKIP_SPACE && text[i] && strchr(" \t\r\n", text[i]))
			continue;
		/* Nothing comes behind a group with padding. */
		if ((d.padding && !d.chars) || !push(&d, text[i]))
			return false;
	}
	if (d.chars)
		return false;
	*ret_bytes = d.out;
	*ret_n = d.n;
	return true;
}

void base64_add(struct str *out, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) | (i + 2 < n ? b[i + 2] : 0);

		str_add_char(out, alphabet[bits >> 18]);
		str_add_char(out, alphabet[bits >> 12 & 63]);
		str_add_char(out, i + 1 < n ? alphabet[bits >> 6 & 63] : '=');
		str_add_char(out, i + 2 < n ? alphabet[bits & 63] : '=');
	}
}
