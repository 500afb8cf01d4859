/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing byte strings, and the few questions about strings that everything above asks. Doubling growth;
 * a size that would overflow is as fatal as running out of memory.
 */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define LONGEST_WORD 64 /* words longer than this are never "near" */

void str_free(struct str *s)
{
	free(s->text);
	*s = (struct str){};
}

/* Room for n more bytes and the terminator. */
static void str_reserve(struct str *s, size_t n)
{
	if (n < s->cap - s->len)
		return;
	if (n > SIZE_MAX / 4 || s->len > SIZE_MAX / 4)
		abort();
	size_t cap = s->cap ? s->cap : 64;

	while (cap <= s->len + n)
		cap *= 2;
	char *text = realloc(s->text, cap);

	if (!text)
		abort();
	s->text = text;
	s->cap = cap;
}

void str_add_bytes(struct str *s, const void *bytes, size_t n)
{
	str_reserve(s, n);
	if (n)
		memcpy(s->text + s->len, bytes, n);
	s->len += n;
	s->text[s->len] = 0;
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_bytes(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	str_reserve(s, 64);
	int n = vsnprintf(s->text + s->len, s->cap - s->len, fmt, ap);

	if (n < 0)
		abort();
	if ((size_t)n >= s->cap - s->len) {
		str_reserve(s, (size_t)n);
		vsnprintf(s->text + s->len, s->cap - s->len, fmt, again);
	}
	va_end(again);
	s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_reset(struct str *s)
{
	s->len = 0;
	if (s->text)
		s->text[0] = 0;
}

/* The short escapes of RFC 8259, section 7; the rest of the control characters are \u00NN. */
static void add_json_char(struct str *s, unsigned char c)
{
	static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
				       ['"'] = '"',  ['\\'] = '\\'};

	if (c < sizeof(letters) && letters[c]) {
		str_add_char(s, '\\');
		str_add_char(s, letters[c]);
		return;
	}
	str_addf(s, "\\u%04x", c);
}

void str_add_json_span(struct str *s, const char *text, size_t len, enum str_foreign foreign)
{
	const char *end = text + len, *run = text; /* what needs no escape goes out in one piece */

	str_add_char(s, '"');
	while (text < end) {
		uint32_t cp = 0;
		size_t n = utf8_step(text, (size_t)(end - text), &cp);

		if (n && cp >= 0x20 && cp != '"' && cp != '\\' && cp != 0x7f) {
			text += n;
			continue;
		}
		str_add_bytes(s, run, (size_t)(text - run));
		if (n)
			add_json_char(s, (unsigned char)cp);
		else if (foreign == STR_FOREIGN_KEEP)
			str_addf(s, "\\udc%02x", (unsigned char)*text);
		else
			str_add(s, "\xef\xbf\xbd");
		text += n ? n : 1;
		run = text;
	}
	str_add_bytes(s, run, (size_t)(text - run));
	str_add_char(s, '"');
}

void str_add_json(struct str *s, const char *text)
{
	str_add_json_span(s, text, strlen(text), STR_FOREIGN_REPLACE);
}

void str_add_visible(struct str *s, const char *text)
{
	while (*text) {
		uint32_t cp = 0;
		size_t n = utf8_step(text, 4, &cp);

		if (n && !utf8_is_control(cp))
			str_add_bytes(s, text, n);
		else if (!n || cp < 0x80)
			str_addf(s, "\\x%02x", (unsigned char)*text);
		else
			str_addf(s, "\\u%04x", cp);
		text += n ? n : 1;
	}
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* One cell of the table of optimal string alignment: rows[0] is the current row, rows[1] and rows[2] those above. */
static unsigned distance_cell(const char *a, const char *b, size_t i, size_t j, unsigned *const rows[3])
{
	unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;
	unsigned best = min2(min2(rows[1][j] + 1, rows[0][j - 1] + 1), rows[1][j - 1] + cost);

	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
		best = min2(best, rows[2][j - 2] + 1);
	return best;
}

unsigned str_distance(const char *a, const char *b, unsigned limit)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned table[3][LONGEST_WORD + 1];
	unsigned *rows[3] = {table[0], table[1], table[2]};

	if (n > LONGEST_WORD || m > LONGEST_WORD || (n > m ? n - m : m - n) > limit)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *oldest = rows[2];

		rows[2] = rows[1];
		rows[1] = rows[0];
		rows[0] = oldest;
		rows[0][0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++)
			rows[0][j] = distance_cell(a, b, i, j, rows);
	}
	return min2(rows[0][m], limit + 1);
}

const char *str_nearest(const char *word, const char *const *list)
{
	size_t len = strlen(word);
	unsigned limit = len < 3 ? 1 : len < 8 ? 2 : 3;
	const char *nearest = NULL;

	for (; *list; list++) {
		unsigned d = str_distance(word, *list, limit);

		if (d > limit || d >= strlen(*list))
			continue;
		if (d == 0)
			return *list;
		limit = d - 1; /* the next one must be nearer */
		nearest = *list;
	}
	return nearest;
}
