/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 to the document tree, for configuration files of others (registries.conf). By hand: no library of Debian's
 * keeps places, and what is read is small. Dates are refused. Bounded: 256 KiB, 20 000 nodes, depth 64.
 * [table] and [[table]] may come in any order; a key or a table given twice is refused.
 */
#include <string.h>

#include "base/doc_build.h"
#include "base/str.h"
#include "base/utf8.h"

enum { TOML_TEXT_MAX = 256 << 10, TOML_NODES_MAX = 20000, TOML_KEY_PARTS = 16 };

struct toml {
	struct doc_build b;
	const char *text;
	size_t len, at;
	unsigned line;
	size_t line_at; /* where the line begins */
	unsigned depth;
	struct doc *root;
};

static struct doc_place place(const struct toml *t)
{
	return (struct doc_place){t->line, (unsigned)(t->at - t->line_at) + 1};
}

#define toml_err(t, ...) doc_build_err(&(t)->b, place(t), __VA_ARGS__)

static int peek(const struct toml *t)
{
	return t->at < t->len ? (unsigned char)t->text[t->at] : -1;
}

static bool looks_at(const struct toml *t, const char *word)
{
	size_t n = strlen(word);

	return t->at <= t->len && t->len - t->at >= n && !memcmp(t->text + t->at, word, n);
}

static void new_line(struct toml *t)
{
	t->at++;
	t->line++;
	t->line_at = t->at;
}

static void skip_blanks(struct toml *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->at++;
}

static void skip_comment(struct toml *t)
{
	while (peek(t) == '#' || (peek(t) != '\n' && peek(t) >= 0))
		t->at++;
}

/* Blanks, comments and ends of lines. */
static void skip_all(struct toml *t)
{
	for (;;) {
		skip_blanks(t);
		if (peek(t) == '#')
			skip_comment(t);
		else if (looks_at(t, "\r\n"))
			t->at++;
		else if (peek(t) == '\n')
			new_line(t);
		else
			return;
	}
}

static int end_line(struct toml *t)
{
	skip_blanks(t);
	if (peek(t) == '#')
		skip_comment(t);
	if (looks_at(t, "\r\n"))
		t->at++;
	if (peek(t) == '\n')
		new_line(t);
	else if (peek(t) >= 0)
		return toml_err(t, "something stands behind the value");
	return 0;
}

static struct doc *new_node(struct toml *t, enum doc_kind kind)
{
	if (t->b.nodes >= TOML_NODES_MAX) {
		(void)toml_err(t, "the file has more than %d values", TOML_NODES_MAX);
		return NULL;
	}
	return doc_build_node(&t->b, kind, place(t));
}

/* ---- strings ---- */

static int add_unicode(struct toml *t, struct str *s, unsigned digits)
{
	uint32_t cp = 0;
	char bytes[4];

	for (unsigned i = 0; i < digits; i++, t->at++) {
		int c = peek(t);
		const char *hex = "0123456789abcdef", *found = c > 0 ? strchr(hex, c | 0x20) : NULL;

		if (!found || !*found)
			return toml_err(t, "\\u and \\U take 4 and 8 hex digits");
		cp = cp << 4 | (uint32_t)(found - hex);
	}
	if (!cp || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return toml_err(t, "this is no character");
	str_add_bytes(s, bytes, utf8_put(bytes, cp));
	return 0;
}

static int add_escape(struct toml *t, struct str *s, bool multi)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c;

	t->at++;
	c = peek(t);
	if (c < 0)
		return toml_err(t, "the string has no end");
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (multi && (c == '\n' || c == ' ' || c == '\t' || c == '\r')) {
		while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r' || peek(t) == '\n')
			peek(t) == '\n' ? new_line(t) : (void)t->at++;
		return 0;
	}
	t->at++;
	if (c == 'u' || c == 'U')
		return add_unicode(t, s, c == 'u' ? 4 : 8);
	if (!found)
		return toml_err(t, "\\%c is no escape", c > 32 && c < 127 ? c : '?');
	str_add_char(s, to[found - from]);
	return 0;
}

/* One character inside a string whose end is `end` (1 or 3 quotes). */
static int add_char(struct toml *t, struct str *s, bool basic, bool multi)
{
	int c = peek(t);
	uint32_t cp;

	if (c < 0)
		return toml_err(t, "the string has no end");
	if (c == '\\' && basic)
		return add_escape(t, s, multi);
	if (c == '\n' && multi) {
		str_add_char(s, '\n');
		new_line(t);
		return 0;
	}
	size_t n = utf8_step(t->text + t->at, t->len - t->at, &cp);

	if (!n || c == 0 || (c < 32 && c != '\t' && !(c == '\r' && multi)) || c == 127)
		return toml_err(t, "the string holds a control character, or what is no UTF-8");
	str_add_bytes(s, t->text + t->at, n);
	t->at += n;
	return 0;
}

static int read_string(struct toml *t, char **ret)
{
	int quote = peek(t), r = 0;
	const char *three = quote == '"' ? "\"\"\"" : "'''";
	bool multi = looks_at(t, three);
	const char *end = multi ? three : quote == '"' ? "\"" : "'";
	autostr s = {};

	t->at += strlen(end);
	if (multi && looks_at(t, "\r\n"))
		t->at++;
	if (multi && peek(t) == '\n')
		new_line(t);
	while (!r && !looks_at(t, end))
		r = add_char(t, &s, quote == '"', multi);
	if (r)
		return r;
	t->at += strlen(end);
	/* Up to two quotes may stand before the closing ones. */
	for (int i = 0; multi && i < 2 && peek(t) == quote; i++, t->at++)
		str_add_char(&s, (char)quote);
	*ret = arena_strdup(t->b.arena, str_text(&s));
	return 0;
}

/* ---- keys ---- */

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int read_key_part(struct toml *t, char **ret)
{
	size_t from = t->at;

	if (peek(t) == '"' || peek(t) == '\'') {
		if (looks_at(t, "\"\"\"") || looks_at(t, "'''"))
			return toml_err(t, "a key has no three quotes");
		return read_string(t, ret);
	}
	while (is_bare(peek(t)))
		t->at++;
	if (t->at == from)
		return toml_err(t, "a key is expected here");
	*ret = arena_strndup(t->b.arena, t->text + from, t->at - from);
	return 0;
}

static int read_key(struct toml *t, char *parts[TOML_KEY_PARTS], size_t *ret_n)
{
	for (size_t n = 0; n < TOML_KEY_PARTS;) {
		char *part = NULL;
		int r = read_key_part(t, &part);

		if (r || !part)
			return r ? r : toml_err(t, "a key is expected here");
		parts[n++] = part;
		*ret_n = n;
		skip_blanks(t);
		if (peek(t) != '.')
			return 0;
		t->at++;
		skip_blanks(t);
	}
	return toml_err(t, "the key has too many parts");
}

/* ---- the tree ---- */

static struct doc *find_child(const struct doc *map, const char *key)
{
	for (struct doc *c = map->child; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

static void append(struct doc *parent, struct doc *node)
{
	struct doc **end = &parent->child;

	while (*end)
		end = &(*end)->next;
	*end = node;
	parent->n++;
}

static struct doc *last_child(const struct doc *list)
{
	struct doc *c = list->child;

	while (c && c->next)
		c = c->next;
	return c;
}

static int add_named(struct toml *t, struct doc *map, const char *key, struct doc *node)
{
	if (find_child(map, key))
		return toml_err(t, "%.100s is given twice", key);
	node->key = key;
	node->key_line = node->line;
	node->key_column = node->column;
	append(map, node);
	return 0;
}

/* The map below `map` with this key, made when it is not there; of a list of tables, the last one. */
static int descend(struct toml *t, struct doc *map, const char *key, struct doc **ret)
{
	struct doc *next = find_child(map, key);

	if (!next) {
		next = new_node(t, DOC_MAP);
		if (!next)
			return -t->b.e->code;
		*ret = next;
		return add_named(t, map, key, next);
	}
	if (next->kind == DOC_LIST)
		next = last_child(next);
	if (!next || next->kind != DOC_MAP)
		return toml_err(t, "%.100s is a value, not a table", key);
	*ret = next;
	return 0;
}

static int descend_all(struct toml *t, struct doc *map, char *const *parts, size_t n, struct doc **ret)
{
	int r = 0;

	if (n > DOC_DEPTH_MAX)
		return toml_err(t, "it is nested too deeply");
	for (size_t i = 0; i < n && !r && parts[i]; i++)
		r = descend(t, map, parts[i], &map);
	*ret = map;
	return r;
}

/* ---- values ---- */

static int read_value(struct toml *t, struct doc **ret);

static int read_list(struct toml *t, struct doc *list)
{
	struct doc **end = &list->child;

	t->at++;
	for (;;) {
		skip_all(t);
		if (peek(t) == ']')
			break;
		int r = read_value(t, end);

		if (r)
			return r;
		end = &(*end)->next;
		list->n++;
		skip_all(t);
		if (peek(t) == ',')
			t->at++;
		else if (peek(t) != ']')
			return toml_err(t, "a comma or ] is expected in the list");
	}
	t->at++;
	return 0;
}

static int read_pair(struct toml *t, struct doc *map)
{
	char *parts[TOML_KEY_PARTS] = {};
	struct doc *value = NULL;
	size_t n = 0;
	int r = read_key(t, parts, &n);

	if (!r && peek(t) != '=')
		r = toml_err(t, "= is expected behind the key");
	if (r || !n)
		return r;
	t->at++;
	skip_blanks(t);
	r = read_value(t, &value);
	if (!r)
		r = descend_all(t, map, parts, n - 1, &map);
	return r || !value || !parts[n - 1] ? r : add_named(t, map, parts[n - 1], value);
}

static int read_inline(struct toml *t, struct doc *map)
{
	t->at++;
	skip_blanks(t);
	while (peek(t) != '}') {
		int r = read_pair(t, map);

		if (r)
			return r;
		skip_blanks(t);
		if (peek(t) == ',')
			t->at++;
		else if (peek(t) != '}')
			return toml_err(t, "a comma or } is expected in the table");
		skip_blanks(t);
	}
	t->at++;
	return 0;
}

/* true, false or a number; what else is bare is refused. */
static int read_bare(struct toml *t, struct doc *node)
{
	size_t from = t->at, digits = 0;

	while (is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' || peek(t) == ':')
		t->at++;
	char *word = arena_strndup(t->b.arena, t->text + from, t->at - from);

	node->text = word;
	if (!strcmp(word, "true") || !strcmp(word, "false")) {
		node->kind = DOC_BOOL;
		return 0;
	}
	digits = strspn(word + (*word == '-' || *word == '+'), "0123456789");
	if (digits && !word[digits + (*word == '-' || *word == '+')] && digits <= 18) {
		node->kind = DOC_INT;
		return 0;
	}
	t->at = from;
	return toml_err(t, *word ? "'%.60s' is neither a text in quotes nor true, false or a whole number"
				 : "a value is expected here%.0s", word);
}

static int read_value(struct toml *t, struct doc **ret)
{
	int c = peek(t), r;
	enum doc_kind kind = c == '[' ? DOC_LIST : c == '{' ? DOC_MAP : DOC_STR;
	struct doc *node = new_node(t, kind);
	char *text;

	if (!node)
		return -t->b.e->code;
	if (++t->depth > DOC_DEPTH_MAX - 2)
		return toml_err(t, "it is nested too deeply");
	if (kind == DOC_LIST) {
		r = read_list(t, node);
	} else if (kind == DOC_MAP) {
		r = read_inline(t, node);
	} else if (c == '"' || c == '\'') {
		r = read_string(t, &text);
		node->quoted = true;
		node->text = r ? "" : text;
	} else {
		r = read_bare(t, node);
	}
	t->depth--;
	if (!r)
		*ret = node;
	return r;
}

/* ---- tables ---- */

static int open_list_entry(struct toml *t, struct doc *parent, const char *key, struct doc **ret)
{
	struct doc *list = find_child(parent, key), *entry = new_node(t, DOC_MAP);
	int r = 0;

	if (!entry)
		return -t->b.e->code;
	if (!list) {
		list = new_node(t, DOC_LIST);
		if (!list)
			return -t->b.e->code;
		r = add_named(t, parent, key, list);
	}
	if (!r && (list->kind != DOC_LIST || (list->child && list->child->kind != DOC_MAP)))
		r = toml_err(t, "%.100s is no list of tables", key);
	if (!r)
		append(list, entry);
	*ret = entry;
	return r;
}

static int read_header(struct toml *t, struct doc **ret)
{
	bool many = looks_at(t, "[[");
	char *parts[TOML_KEY_PARTS] = {};
	struct doc *parent = NULL;
	size_t n = 0;
	int r;

	t->at += many ? 2 : 1;
	skip_blanks(t);
	r = read_key(t, parts, &n);
	if (!r && !looks_at(t, many ? "]]" : "]"))
		r = toml_err(t, "the table's name has no end");
	if (r || !n)
		return r;
	t->at += many ? 2 : 1;
	r = descend_all(t, t->root, parts, n - 1, &parent);
	if (!r && parent && parts[n - 1])
		r = many ? open_list_entry(t, parent, parts[n - 1], ret) : descend(t, parent, parts[n - 1], ret);
	return r ? r : end_line(t);
}

int doc_parse_toml(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret, struct err *e)
{
	struct toml t = {.b = {.arena = a, .file = file, .e = e}, .text = text, .len = len, .line = 1};
	struct doc *table;
	int r = 0;

	if (len > TOML_TEXT_MAX)
		return toml_err(&t, "it is larger than %d bytes", TOML_TEXT_MAX);
	table = t.root = new_node(&t, DOC_MAP);
	if (looks_at(&t, "\xef\xbb\xbf"))
		t.at += 3;
	for (skip_all(&t); !r && t.at < t.len; skip_all(&t)) {
		if (peek(&t) == '[') {
			r = read_header(&t, &table);
			continue;
		}
		r = read_pair(&t, table);
		if (!r)
			r = end_line(&t);
	}
	if (!r)
		*ret = t.root;
	return r;
}
