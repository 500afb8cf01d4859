/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to the document tree through json-c, strictly. json-c keeps the last of two equal keys, cuts
 * strings at \u0000, and takes single quotes and odd numbers, in silence; each would let two readers see two
 * documents. So a scan of the text goes first: it bounds the number of values before json-c allocates any,
 * takes no token but RFC 8259's, refuses \u0000, and counts the colons outside strings, which in
 * well-formed JSON is the number of members. Fewer in the tree means that a key was given twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/doc_build.h"

struct scan {
	size_t values;
	size_t colons;
	size_t nul_at; /* offset of \u0000 + 1, else 0 */
	size_t bad_at; /* offset of what is no token + 1, else 0 */
};

static size_t count_digits(const char *text, size_t len, size_t at)
{
	size_t n = 0;

	while (at + n < len && text[at + n] >= '0' && text[at + n] <= '9')
		n++;
	return n;
}

/* A string, from behind its opening quote to behind its closing one. */
static size_t scan_string(const char *text, size_t len, size_t at, struct scan *s)
{
	for (; at < len && text[at] != '"'; at++) {
		if (text[at] != '\\')
			continue;
		if (len - at >= 6 && memcmp(text + at, "\\u0000", 6) == 0 && !s->nul_at)
			s->nul_at = at + 1;
		at++;
	}
	return at + 1;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?   Gives the end, or `at` when it is none. */
static size_t scan_number(const char *text, size_t len, size_t at)
{
	size_t from = at, n;

	at += at < len && text[at] == '-';
	n = count_digits(text, len, at);
	if (n == 0 || (n > 1 && text[at] == '0'))
		return from;
	at += n;
	if (at < len && text[at] == '.') {
		n = count_digits(text, len, ++at);
		if (n == 0)
			return from;
		at += n;
	}
	if (at < len && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		at += at < len && (text[at] == '+' || text[at] == '-');
		n = count_digits(text, len, at);
		if (n == 0)
			return from;
		at += n;
	}
	return at;
}

/* true, false, null, or a number. */
static size_t scan_bare(const char *text, size_t len, size_t at)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (len - at >= n && memcmp(text + at, words[i], n) == 0)
			return at + n;
	}
	return scan_number(text, len, at);
}

static struct scan scan_text(const char *text, size_t len)
{
	struct scan s = {.values = 1};

	for (size_t at = 0; at < len && !s.bad_at;) {
		char c = text[at];

		s.values += c == ',' || c == '[' || c == '{';
		s.colons += c == ':';
		if (c == '"') {
			at = scan_string(text, len, at + 1, &s);
		} else if (c && strchr(" \t\r\n{}[]:,", c)) {
			at++;
		} else {
			size_t end = scan_bare(text, len, at);

			s.bad_at = end == at ? at + 1 : 0;
			at = end;
		}
	}
	return s;
}

static struct doc_place place_at(const char *text, size_t offset)
{
	struct doc_place p = {1, 1};

	for (size_t i = 0; i < offset; i++) {
		p.column++;
		if (text[i] == '\n')
			p = (struct doc_place){p.line + 1, 1};
	}
	return p;
}

static void put_object(struct json_object **o)
{
	json_object_put(*o);
}

static void free_tokener(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

#define autojson [[gnu::cleanup(put_object)]] struct json_object
#define autotokener [[gnu::cleanup(free_tokener)]] struct json_tokener

static enum doc_kind kind_of(const struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_boolean:
		return DOC_BOOL;
	case json_type_int:
		return DOC_INT;
	case json_type_double:
		return DOC_FLOAT;
	case json_type_string:
		return DOC_STR;
	case json_type_array:
		return DOC_LIST;
	case json_type_object:
		return DOC_MAP;
	case json_type_null:
		break;
	}
	return DOC_NULL;
}

static const char *scalar_text(struct json_object *o, enum doc_kind kind)
{
	if (kind == DOC_NULL)
		return "null";
	return kind == DOC_STR ? json_object_get_string(o) : json_object_to_json_string(o);
}

static int convert(struct doc_build *b, struct json_object *o, const char *key);

static int convert_children(struct doc_build *b, struct json_object *o, enum doc_kind kind)
{
	if (kind == DOC_LIST) {
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			if (convert(b, json_object_array_get_idx(o, i), NULL) < 0)
				return -ERR_USAGE;
		}
		return 0;
	}
	json_object_object_foreach(o, key, value) {
		if (convert(b, value, key) < 0)
			return -ERR_USAGE;
	}
	return 0;
}

/* Recursion is bounded by the tokener's depth, which is the tree's. */
static int convert(struct doc_build *b, struct json_object *o, const char *key)
{
	enum doc_kind kind = kind_of(o);
	struct doc *node = doc_build_node(b, kind, (struct doc_place){});

	if (!node)
		return -ERR_USAGE;
	node->key = arena_strdup(b->arena, key);
	doc_build_add(b, node);
	if (kind != DOC_LIST && kind != DOC_MAP) {
		node->text = arena_strdup(b->arena, scalar_text(o, kind));
		node->quoted = kind == DOC_STR;
		return 0;
	}
	if (doc_build_open(b, node) < 0 || convert_children(b, o, kind) < 0)
		return -ERR_USAGE;
	return doc_build_close(b);
}

static size_t count_members(const struct doc *node)
{
	size_t n = node->kind == DOC_MAP ? node->n : 0;

	for (const struct doc *d = node->child; d; d = d->next)
		n += count_members(d);
	return n;
}

static int check_scan(struct doc_build *b, const char *text, size_t len, const struct scan *s)
{
	if (len > DOC_TEXT_MAX)
		return doc_build_err(b, (struct doc_place){}, "larger than %u MiB", DOC_TEXT_MAX >> 20);
	if (s->values > DOC_NODES_MAX)
		return doc_build_err(b, (struct doc_place){}, "more than %u values in one document", DOC_NODES_MAX);
	if (s->bad_at)
		return doc_build_err(b, place_at(text, s->bad_at - 1), "this is no JSON");
	if (s->nul_at)
		return doc_build_err(b, place_at(text, s->nul_at - 1), "text holds a zero byte");
	return 0;
}

static int parse_text(struct doc_build *b, const char *text, size_t len, struct json_object **ret)
{
	autotokener *t = json_tokener_new_ex((int)DOC_DEPTH_MAX);

	if (!t)
		abort();
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* With the terminating 0, a bare number at the end is known to be complete. */
	autojson *o = json_tokener_parse_ex(t, text, (int)len + 1);
	enum json_tokener_error error = json_tokener_get_error(t);
	size_t end = json_tokener_get_parse_end(t);

	if (error != json_tokener_success)
		return doc_build_err(b, place_at(text, end), "%s", json_tokener_error_desc(error));
	*ret = take_ptr(o);
	return 0;
}

int doc_parse_json(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret, struct err *e)
{
	struct doc_build b = {.arena = a, .file = arena_strdup(a, file), .e = e};
	struct scan s = len > DOC_TEXT_MAX ? (struct scan){} : scan_text(text, len);
	autojson *o = NULL;

	if (check_scan(&b, text, len, &s) < 0)
		return -ERR_USAGE;
	autofree char *copy = strndup(text, len); /* 0-terminated; a zero byte inside ends it too early */

	if (!copy)
		abort();
	if (strlen(copy) != len)
		return doc_build_err(&b, place_at(text, strlen(copy)), "the text holds a zero byte");
	if (parse_text(&b, copy, len, &o) < 0)
		return -ERR_USAGE;
	struct doc *top = doc_build_node(&b, DOC_LIST, (struct doc_place){});

	if (!top || doc_build_open(&b, top) < 0 || convert(&b, o, NULL) < 0)
		return -ERR_USAGE;
	if (count_members(top->child) != s.colons)
		return doc_build_err(&b, (struct doc_place){}, "a key is given twice in one object");
	*ret = top->child;
	return 0;
}
