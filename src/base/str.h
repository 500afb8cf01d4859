/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte string. `struct str s = {}` is empty; s.text is always 0-terminated once anything was
 * added and NULL before. Running out of memory aborts: what Rocket holds in strings is bounded by its
 * callers, and nothing on the supervisor's path grows.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *text;
	size_t len;
	size_t cap;
};

void str_free(struct str *s);
#define autostr [[gnu::cleanup(str_free)]] struct str

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t n);
void str_add_char(struct str *s, char c);
[[gnu::format(printf, 2, 3)]] void str_addf(struct str *s, const char *fmt, ...);
void str_vaddf(struct str *s, const char *fmt, va_list ap);
/* Adds text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void str_add_json(struct str *s, const char *text);
/*
 * The same for `len` bytes. Bytes 0xNN that are no UTF-8 become U+FFFD, or \udcNN, which record_read()
 * turns back into the byte: a path or an argument survives Rocket's own files whatever it holds.
 */
enum str_foreign { STR_FOREIGN_REPLACE, STR_FOREIGN_KEEP };
void str_add_json_span(struct str *s, const char *text, size_t len, enum str_foreign foreign);
/* Adds text for a terminal: control characters, marks that reorder text, and what is no UTF-8 as \xNN or \uNNNN. */
void str_add_visible(struct str *s, const char *text);
void str_reset(struct str *s);

/* The text, never NULL. */
static inline const char *str_text(const struct str *s)
{
	return s->text ? s->text : "";
}

bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
bool str_equal(const char *a, const char *b); /* both may be NULL */

/* Edit distance with neighbour swaps, at most `limit` + 1. For "did you mean". */
unsigned str_distance(const char *a, const char *b, unsigned limit);
/* The entry of the NULL-terminated list that is nearest to word, or NULL when none is near. */
const char *str_nearest(const char *word, const char *const *list);
