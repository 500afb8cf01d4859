/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records out and in: struct -> JSON text -> struct, both by the same field table, the reader in one pass
 * over the text without a tree. A key is looked up behind the last one first, because the writer
 * keeps the table's order. JSON as RFC 8259 has it; strings hold no NUL.
 */
#include "base/record.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define DEPTH_MAX 32
#define ITEMS_MAX 65536
#define TEXT_MAX (64U << 20)

/* Any LIST(): a pointer and a count. */
struct list {
	void *v;
	size_t n;
};

/* Writing. */

struct writer {
	struct str *out;
	enum record_form form;
	unsigned depth;
	bool first; /* no comma yet in this object or list */
};

static void open_bracket(struct writer *w, char c)
{
	str_add_char(w->out, c);
	w->depth++;
	w->first = true;
}

static void new_line(struct writer *w)
{
	if (w->form == RECORD_COMPACT)
		return;
	str_add_char(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		str_add(w->out, "  ");
}

static void close_bracket(struct writer *w, char c)
{
	w->depth--;
	if (!w->first)
		new_line(w);
	w->first = false;
	str_add_char(w->out, c);
}

static void next_item(struct writer *w)
{
	if (!w->first)
		str_add_char(w->out, ',');
	w->first = false;
	new_line(w);
}

static void put_text(struct writer *w, const char *text, size_t len)
{
	str_add_json_span(w->out, text, len, STR_FOREIGN_KEEP);
}

static void next_key(struct writer *w, const char *key, size_t len)
{
	next_item(w);
	put_text(w, key, len);
	str_add(w->out, w->form == RECORD_PRETTY ? ": " : ":");
}

static void put_object(struct writer *w, const struct field_set *set, const char *object);

static bool is_empty_object(const struct field_set *set, const char *object)
{
	for (size_t i = 0; i < set->n; i++) {
		if (!record_is_absent(&set->fields[i], object + set->fields[i].offset))
			return false;
	}
	return true;
}

bool record_is_absent(const struct field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_BOOL:
		return !*(const bool *)p;
	case FIELD_U32:
	case FIELD_CPUS:
		return *(const uint32_t *)p == 0;
	case FIELD_ENUM:
		return *(const int *)p == 0;
	case FIELD_INT:
	case FIELD_TIME:
	case FIELD_U64:
	case FIELD_SIZE:
		return *(const uint64_t *)p == 0;
	case FIELD_LIST:
	case FIELD_NAMED:
		return ((const struct list *)p)->n == 0;
	case FIELD_STRV:
	case FIELD_NUMV:
	case FIELD_MAP:
		return !*(char *const *const *)p || !**(char *const *const *)p;
	case FIELD_STR:
	case FIELD_NUMBER:
	case FIELD_RAW:
		return !*(char *const *)p;
	case FIELD_STRUCT:
		return is_empty_object(f->sub, p);
	case FIELD_CUSTOM:
		break;
	}
	return true;
}

static void put_strv(struct writer *w, char *const *v)
{
	open_bracket(w, '[');
	for (; *v; v++) {
		next_item(w);
		put_text(w, *v, strlen(*v));
	}
	close_bracket(w, ']');
}

static void put_numv(struct writer *w, char *const *v)
{
	open_bracket(w, '[');
	for (; *v; v++) {
		next_item(w);
		str_add(w->out, *v);
	}
	close_bracket(w, ']');
}

static void put_map(struct writer *w, char *const *v)
{
	open_bracket(w, '{');
	for (; *v; v++) {
		size_t key = strcspn(*v, "=");
		const char *value = *v + key + ((*v)[key] == '=');

		next_key(w, *v, key);
		put_text(w, value, strlen(value));
	}
	close_bracket(w, '}');
}

static void put_list(struct writer *w, const struct field *f, const struct list *list)
{
	open_bracket(w, '[');
	for (size_t i = 0; i < list->n; i++) {
		next_item(w);
		put_object(w, f->sub, (const char *)list->v + i * f->sub->size);
	}
	close_bracket(w, ']');
}

/* The member "name" of each item is its key, and stays in the object too: one table serves both ways. */
static void put_named(struct writer *w, const struct field *f, const struct list *list)
{
	size_t at = field_name_offset(f->sub);

	open_bracket(w, '{');
	for (size_t i = 0; i < list->n; i++) {
		const char *item = (const char *)list->v + i * f->sub->size;
		const char *name = *(char *const *)(item + at);

		next_key(w, name ? name : "", name ? strlen(name) : 0);
		put_object(w, f->sub, item);
	}
	close_bracket(w, '}');
}

static void put_field(struct writer *w, const struct field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_STR:
		put_text(w, *(char *const *)p, strlen(*(char *const *)p));
		break;
	case FIELD_BOOL:
		str_add(w->out, *(const bool *)p ? "true" : "false");
		break;
	case FIELD_INT:
	case FIELD_TIME:
		str_addf(w->out, "%lld", (long long)*(const int64_t *)p);
		break;
	case FIELD_U32:
	case FIELD_CPUS:
		str_addf(w->out, "%u", *(const uint32_t *)p);
		break;
	case FIELD_U64:
	case FIELD_SIZE:
		str_addf(w->out, "%llu", (unsigned long long)*(const uint64_t *)p);
		break;
	case FIELD_ENUM:
		put_text(w, f->names[*(const int *)p], strlen(f->names[*(const int *)p]));
		break;
	case FIELD_NUMBER:
	case FIELD_RAW:
		str_add(w->out, *(char *const *)p);
		break;
	case FIELD_STRV:
		put_strv(w, *(char *const *const *)p);
		break;
	case FIELD_NUMV:
		put_numv(w, *(char *const *const *)p);
		break;
	case FIELD_MAP:
		put_map(w, *(char *const *const *)p);
		break;
	case FIELD_STRUCT:
		put_object(w, f->sub, p);
		break;
	case FIELD_LIST:
		put_list(w, f, p);
		break;
	case FIELD_NAMED:
		put_named(w, f, p);
		break;
	case FIELD_CUSTOM:
		break;
	}
}

static void put_object(struct writer *w, const struct field_set *set, const char *object)
{
	open_bracket(w, '{');
	for (size_t i = 0; i < set->n; i++) {
		const struct field *f = &set->fields[i];

		if (record_is_absent(f, object + f->offset))
			continue;
		next_key(w, f->key, strlen(f->key));
		put_field(w, f, object + f->offset);
	}
	close_bracket(w, '}');
}

void record_write(struct str *out, const struct field_set *set, const void *object, enum record_form form)
{
	struct writer w = {.out = out, .form = form};

	put_object(&w, set, object);
	str_add_char(out, '\n');
}

size_t field_name_offset(const struct field_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->fields[i].kind == FIELD_STR && !*set->fields[i].key)
			return set->fields[i].offset;
	}
	for (size_t i = 0; i < set->n; i++) {
		if (set->fields[i].kind == FIELD_STR && strcmp(set->fields[i].key, "name") == 0)
			return set->fields[i].offset;
	}
	abort(); /* a table that FIELD_NAMED can't use */
}

/* Reading. */

struct reader {
	struct arena *arena;
	const char *start, *at, *end;
	struct err *e;
	const char *foreign;             /* the name of somebody else's document; NULL: a record of our own */
	const char *path[DEPTH_MAX + 1]; /* the keys down to what is being read */
	unsigned depth;
};

struct span {
	const char *text;
	size_t len;
};

static int damaged_foreign(struct reader *r, const char *expected)
{
	char path[160] = "";
	size_t n = 0;

	for (unsigned i = 0; i < r->depth && n < sizeof(path) - 1; i++) {
		int got = snprintf(path + n, sizeof(path) - n, "%s%.48s", i ? "." : "", r->path[i]);

		n += got > 0 ? (size_t)got : 0;
	}
	err_new(r->e, ERR_USAGE, "%s: %s%s is no good", r->foreign, *path ? "field " : "the text", path);
	return err_because(r->e, "at byte %zu there should be %s", (size_t)(r->at - r->start), expected);
}

static int damaged(struct reader *r, const char *expected)
{
	if (r->foreign)
		return damaged_foreign(r, expected);
	err_new(r->e, ERR_FAILED, "a record of Rocket's own is damaged");
	return err_because(r->e, "at byte %zu there should be %s", (size_t)(r->at - r->start), expected);
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

/* True, and past it, when the next character is c. */
static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	skip_space(r);
	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits behind "\u", or -1. */
static int take_hex4(struct reader *r)
{
	int value = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(r->at[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	r->at += 4;
	return value;
}

/* A high surrogate is followed by its low one, or stands alone and is replaced. */
static uint32_t join_surrogates(struct reader *r, uint32_t high)
{
	const char *before = r->at;

	if (high < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
		r->at += 2;
		int low = take_hex4(r);

		if (low >= 0xdc00 && low <= 0xdfff)
			return 0x10000 + ((high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
		r->at = before;
	}
	return 0xfffd;
}

/* The character of one escape, at most 4 bytes, into out; gives the count, 0 when it is none. */
static size_t take_escape(struct reader *r, char out[4])
{
	static const char plain[] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
				     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
	unsigned char c = r->at < r->end ? (unsigned char)*r->at++ : 0;

	if (c < sizeof(plain) && plain[c]) {
		out[0] = plain[c];
		return 1;
	}
	int cp = c == 'u' ? take_hex4(r) : -1;

	if (cp <= 0)
		return 0;
	if (cp >= 0xdc80 && cp <= 0xdcff) { /* STR_FOREIGN_KEEP */
		out[0] = (char)(cp & 0xff);
		return 1;
	}
	return utf8_put(out, cp >= 0xd800 && cp <= 0xdfff ? join_surrogates(r, (uint32_t)cp) : (uint32_t)cp);
}

static const char *span_end(const char *at, const char *end)
{
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
		at++;
	return at;
}

/* The rest of a string that holds escapes, rewritten in the arena. No escape is shorter than its character. */
static int take_escaped(struct reader *r, const char *from, struct span *ret)
{
	const char *close = from;

	while ((close = span_end(close, r->end)) < r->end && *close == '\\' && close + 1 < r->end)
		close += 2;
	if (close >= r->end || *close != '"') {
		r->at = close;
		return damaged(r, "the end of a string");
	}
	char *text = arena_alloc(r->arena, (size_t)(close - from) + 1);
	size_t len = 0;

	for (r->at = from; *r->at != '"';) {
		char out[4];

		if (*r->at != '\\') {
			text[len++] = *r->at++;
			continue;
		}
		r->at++;
		size_t n = take_escape(r, out);

		if (n == 0)
			return damaged(r, "an escape that exists");
		memcpy(text + len, out, n);
		len += n;
	}
	r->at++;
	*ret = (struct span){text, len};
	return 0;
}

/* A string, pointing into the text where it can: the caller copies what it keeps. */
static int take_string(struct reader *r, struct span *ret)
{
	if (!take(r, '"'))
		return damaged(r, "a string");
	const char *from = r->at, *end = span_end(from, r->end);

	if (end < r->end && *end == '\\')
		return take_escaped(r, from, ret);
	r->at = end;
	if (end >= r->end || *end != '"')
		return damaged(r, "the end of a string");
	r->at++;
	*ret = (struct span){from, (size_t)(end - from)};
	return 0;
}

static int take_text(struct reader *r, char **ret)
{
	struct span s = { .text = "" };

	if (take_string(r, &s) < 0)
		return -ERR_FAILED;
	*ret = arena_strndup(r->arena, s.text, s.len);
	return 0;
}

/* A whole number of at most 64 bits; the sign aside. */
static int take_u64(struct reader *r, uint64_t max, uint64_t *ret)
{
	const char *from = r->at;
	uint64_t value = 0;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*r->at - '0'), &value))
			return damaged(r, "a smaller number");
	}
	if (r->at == from || value > max)
		return damaged(r, "a whole number in range");
	*ret = value;
	return 0;
}

static int read_unsigned(struct reader *r, const struct field *f, void *p)
{
	bool small = f->kind == FIELD_U32 || f->kind == FIELD_CPUS;
	uint64_t value;

	skip_space(r);
	if (take_u64(r, small ? UINT32_MAX : UINT64_MAX, &value) < 0)
		return -ERR_FAILED;
	if (small)
		*(uint32_t *)p = (uint32_t)value;
	else
		*(uint64_t *)p = value;
	return 0;
}

static int read_signed(struct reader *r, const struct field *f, void *p)
{
	bool negative = take(r, '-');
	uint64_t value;

	if (take_u64(r, (uint64_t)INT64_MAX + negative, &value) < 0)
		return -ERR_FAILED;
	*(int64_t *)p = (int64_t)(negative ? -value : value);
	return 0;
}

static int read_str(struct reader *r, const struct field *f, void *p)
{
	return take_text(r, p);
}

static int take_number(struct reader *r, char **ret)
{
	skip_space(r);
	const char *from = r->at;
	uint64_t ignored;

	if (r->at < r->end && *r->at == '-')
		r->at++;
	if (take_u64(r, UINT64_MAX, &ignored) < 0)
		return -r->e->code;
	if (r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E'))
		return damaged(r, "a whole number");
	*ret = arena_strndup(r->arena, from, (size_t)(r->at - from));
	return 0;
}

static int read_number(struct reader *r, const struct field *f, void *p)
{
	return take_number(r, p);
}

static int read_bool(struct reader *r, const struct field *f, void *p)
{
	bool value = take_word(r, "true");

	if (!value && !take_word(r, "false"))
		return damaged(r, "true or false");
	*(bool *)p = value;
	return 0;
}

static int read_enum(struct reader *r, const struct field *f, void *p)
{
	struct span s = { .text = "" };

	if (take_string(r, &s) < 0)
		return -ERR_FAILED;
	for (int i = 0; f->names[i]; i++) {
		if (strlen(f->names[i]) == s.len && memcmp(f->names[i], s.text, s.len) == 0) {
			*(int *)p = i;
			return 0;
		}
	}
	return damaged(r, "one of the words that this version knows");
}

/* After an item: true when another one follows, false at the closing bracket. */
static int more_items(struct reader *r, char close, bool *ret)
{
	*ret = take(r, ',');
	return *ret || take(r, close) ? 0 : damaged(r, close == '}' ? "',' or '}'" : "',' or ']'");
}

/* Grows a list of strings; `count` is kept by the caller so that a long list costs no scan each. */
static char **strv_grow(struct reader *r, char ***v, size_t *count)
{
	*v = list_grow(r->arena, *v, count, sizeof(char *));
	return &(*v)[*count - 1];
}

static int read_strv(struct reader *r, const struct field *f, void *p)
{
	char **v = NULL;
	size_t n = 0;
	bool more = true;

	if (!take(r, '['))
		return damaged(r, "a list");
	if (take(r, ']'))
		more = false;
	while (more) {
		if (take_text(r, strv_grow(r, &v, &n)) < 0 || more_items(r, ']', &more) < 0)
			return -ERR_FAILED;
	}
	*strv_grow(r, &v, &n) = NULL;
	*(char ***)p = v;
	return 0;
}

static int read_numv(struct reader *r, const struct field *f, void *p)
{
	char **v = NULL;
	size_t n = 0;
	bool more = true;

	if (!take(r, '['))
		return damaged(r, "a list of numbers");
	if (take(r, ']'))
		more = false;
	while (more) {
		if (n >= ITEMS_MAX)
			return damaged(r, "a shorter list");
		if (take_number(r, strv_grow(r, &v, &n)) < 0 || more_items(r, ']', &more) < 0)
			return -ERR_FAILED;
	}
	*strv_grow(r, &v, &n) = NULL;
	*(char ***)p = v;
	return 0;
}

static int take_pair(struct reader *r, char **ret)
{
	struct span key = { .text = "" }, value = { .text = "" };

	if (take_string(r, &key) < 0)
		return -ERR_FAILED;
	if (!take(r, ':'))
		return damaged(r, "':'");
	if (take_string(r, &value) < 0)
		return -ERR_FAILED;
	char *pair = arena_alloc(r->arena, key.len + value.len + 2);

	memcpy(pair, key.text, key.len);
	pair[key.len] = '=';
	memcpy(pair + key.len + 1, value.text, value.len);
	*ret = pair;
	return 0;
}

static int read_map(struct reader *r, const struct field *f, void *p)
{
	char **v = NULL;
	size_t n = 0;
	bool more = true;

	if (!take(r, '{'))
		return damaged(r, "an object");
	if (take(r, '}'))
		more = false;
	while (more) {
		if (take_pair(r, strv_grow(r, &v, &n)) < 0 || more_items(r, '}', &more) < 0)
			return -ERR_FAILED;
	}
	*strv_grow(r, &v, &n) = NULL;
	*(char ***)p = v;
	return 0;
}

static int read_object(struct reader *r, const struct field_set *set, char *object);

static int read_struct(struct reader *r, const struct field *f, void *p)
{
	return read_object(r, f->sub, p);
}

static int new_item(struct reader *r, const struct field *f, struct list *list, char **ret)
{
	if (list->n >= ITEMS_MAX)
		return damaged(r, "a shorter list");
	list->v = list_grow(r->arena, list->v, &list->n, f->sub->size);
	*ret = (char *)list->v + (list->n - 1) * f->sub->size;
	return 0;
}

static int read_list(struct reader *r, const struct field *f, void *p)
{
	struct list list = {};
	bool more = true;
	char *item = NULL;

	if (!take(r, '['))
		return damaged(r, "a list");
	if (take(r, ']'))
		more = false;
	while (more) {
		if (new_item(r, f, &list, &item) < 0 || read_object(r, f->sub, item) < 0 ||
		    more_items(r, ']', &more) < 0)
			return -ERR_FAILED;
	}
	*(struct list *)p = list;
	return 0;
}

static int read_named_item(struct reader *r, const struct field *f, struct list *list)
{
	char *name = NULL, *item = NULL;

	if (take_text(r, &name) < 0 || new_item(r, f, list, &item) < 0 || !item)
		return -ERR_FAILED;
	if (!take(r, ':'))
		return damaged(r, "':'");
	if (read_object(r, f->sub, item) < 0)
		return -ERR_FAILED;
	*(char **)(item + field_name_offset(f->sub)) = name;
	return 0;
}

static int read_named(struct reader *r, const struct field *f, void *p)
{
	struct list list = {};
	bool more = true;

	if (!take(r, '{'))
		return damaged(r, "an object");
	if (take(r, '}'))
		more = false;
	while (more) {
		if (read_named_item(r, f, &list) < 0 || more_items(r, '}', &more) < 0)
			return -ERR_FAILED;
	}
	*(struct list *)p = list;
	return 0;
}

static int skip_value(struct reader *r, unsigned depth);

static int skip_item(struct reader *r, bool keyed, unsigned depth)
{
	struct span key = { .text = "" };

	if (keyed && take_string(r, &key) < 0)
		return -ERR_FAILED;
	if (keyed && !take(r, ':'))
		return damaged(r, "':'");
	return skip_value(r, depth);
}

static int skip_items(struct reader *r, char close, unsigned depth)
{
	bool more = !take(r, close);

	if (depth >= DEPTH_MAX)
		return damaged(r, "less depth");
	while (more) {
		if (skip_item(r, close == '}', depth + 1) < 0 || more_items(r, close, &more) < 0)
			return -ERR_FAILED;
	}
	return 0;
}

/* The value of a key that this version doesn't know. */
static int skip_value(struct reader *r, unsigned depth)
{
	struct span s = { .text = "" };

	skip_space(r);
	if (take(r, '{'))
		return skip_items(r, '}', depth);
	if (take(r, '['))
		return skip_items(r, ']', depth);
	if (r->at < r->end && *r->at == '"')
		return take_string(r, &s);
	if (take_word(r, "true") || take_word(r, "false") || take_word(r, "null"))
		return 0;
	const char *from = r->at;

	while (r->at < r->end && strchr("+-.0123456789eE", *r->at) && *r->at)
		r->at++;
	return r->at == from ? damaged(r, "a value") : 0;
}

static int read_raw(struct reader *r, const struct field *f, void *p)
{
	skip_space(r);
	const char *from = r->at;

	if (skip_value(r, 0) < 0)
		return -r->e->code;
	*(char **)p = arena_strndup(r->arena, from, (size_t)(r->at - from));
	return 0;
}

typedef int read_fn(struct reader *r, const struct field *f, void *p);

static read_fn *const readers[] = {
	[FIELD_STR] = read_str,        [FIELD_BOOL] = read_bool,     [FIELD_INT] = read_signed,
	[FIELD_U32] = read_unsigned,   [FIELD_U64] = read_unsigned,  [FIELD_SIZE] = read_unsigned,
	[FIELD_TIME] = read_signed,    [FIELD_CPUS] = read_unsigned, [FIELD_ENUM] = read_enum,
	[FIELD_STRV] = read_strv,      [FIELD_MAP] = read_map,       [FIELD_STRUCT] = read_struct,
	[FIELD_LIST] = read_list,      [FIELD_NAMED] = read_named,   [FIELD_NUMBER] = read_number,
	[FIELD_NUMV] = read_numv,      [FIELD_RAW] = read_raw,       [FIELD_CUSTOM] = NULL,
};
static_assert(ARRAY_SIZE(readers) == FIELD_CUSTOM + 1);

/* Looks from *hint on, where the writer's order has the next key, then from the start. */
static const struct field *find_field(const struct field_set *set, struct span key, size_t *hint)
{
	for (size_t i = 0; i < set->n; i++) {
		size_t at = (*hint + i) % set->n;
		const struct field *f = &set->fields[at];

		if (strncmp(f->key, key.text, key.len) == 0 && f->key[key.len] == 0) {
			*hint = at + 1;
			return f;
		}
	}
	return NULL;
}

static int read_member(struct reader *r, const struct field_set *set, char *object, size_t *hint)
{
	struct span key = { .text = "" };

	if (take_string(r, &key) < 0)
		return -ERR_FAILED;
	const struct field *f = find_field(set, key, hint);

	if (!take(r, ':'))
		return damaged(r, "':'");
	if (!f || !readers[f->kind])
		return skip_value(r, 0);
	/* Tables are finite, so this depth is that of the tables. */
	assert(r->depth < DEPTH_MAX);
	r->path[r->depth++] = f->key;
	if (r->foreign && take_word(r, "null")) {
		r->depth--;
		return 0;
	}
	int err = readers[f->kind](r, f, object + f->offset);

	/* On failure the path is part of the message. */
	if (err == 0)
		r->depth--;
	return err;
}

static int read_object(struct reader *r, const struct field_set *set, char *object)
{
	size_t hint = 0;
	bool more = true;

	if (!take(r, '{'))
		return damaged(r, "an object");
	if (take(r, '}'))
		more = false;
	while (more) {
		if (read_member(r, set, object, &hint) < 0 || more_items(r, '}', &more) < 0)
			return -ERR_FAILED;
	}
	return 0;
}

static int read_document(struct reader *r, const struct field_set *set, void *ret_object)
{
	char *object = arena_alloc(r->arena, set->size);

	if (r->end - r->start > (ptrdiff_t)TEXT_MAX)
		return damaged(r, "less text");
	if (read_object(r, set, object) < 0)
		return -r->e->code;
	skip_space(r);
	if (r->at != r->end)
		return damaged(r, "the end");
	memcpy(ret_object, object, set->size);
	return 0;
}

int record_read(struct arena *a, const struct field_set *set, const char *text, size_t len, void *ret_object,
		struct err *e)
{
	struct reader r = {.arena = a, .start = text, .at = text, .end = text + len, .e = e};

	return read_document(&r, set, ret_object);
}

int record_read_foreign(struct arena *a, const struct field_set *set, const char *what, const char *text, size_t len,
			void *ret_object, struct err *e)
{
	struct reader r = {.arena = a, .start = text, .at = text, .end = text + len, .e = e, .foreign = what};

	return read_document(&r, set, ret_object);
}
