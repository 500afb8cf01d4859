/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to the document tree: libyaml's events, scalars by the rules of YAML 1.2's core schema (so "no" and
 * "on" are text, and 12:30 is no number). What makes two readers see two documents is refused: aliases
 * and anchors, tags, keys that are no plain text, control characters in text.
 */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "base/doc_build.h"
#include "base/str.h"

struct load {
	struct doc_build b;
	yaml_parser_t parser;
	const char *key; /* of the map that is innermost, when its value comes next */
	struct doc_place key_at;
};

static struct doc_place place_of(yaml_mark_t mark)
{
	return (struct doc_place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

/* [-+]? digits, 0x… or 0o… */
static bool is_int(const char *s)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o') && s[2])
		return strspn(s + 2, s[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567") == strlen(s + 2);
	s += *s == '-' || *s == '+';
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* [-+]? (\. digits | digits (\. digits?)?) ([eE] [-+]? digits)? */
static bool is_float(const char *s)
{
	s += *s == '-' || *s == '+';
	size_t whole = strspn(s, "0123456789"), part = 0;

	s += whole;
	if (*s == '.') {
		part = strspn(++s, "0123456789");
		s += part;
	}
	if (whole + part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		return *s && strspn(s, "0123456789") == strlen(s);
	}
	return *s == 0;
}

static enum doc_kind plain_kind(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};

	if (is_one_of(text, nulls))
		return DOC_NULL;
	if (is_one_of(text, bools))
		return DOC_BOOL;
	if (is_int(text))
		return DOC_INT;
	return is_float(text) ? DOC_FLOAT : DOC_STR;
}

static int check_props(struct load *l, const yaml_char_t *anchor, const yaml_char_t *tag, yaml_mark_t mark)
{
	if (anchor)
		return doc_build_err(&l->b, place_of(mark), "anchors (&%.40s) are not allowed here", (const char *)anchor);
	if (tag && strcmp((const char *)tag, "!") != 0)
		return doc_build_err(&l->b, place_of(mark), "tags (%.60s) are not allowed here", (const char *)tag);
	return 0;
}

static bool wants_key(const struct load *l)
{
	return l->b.depth && l->b.open[l->b.depth - 1]->kind == DOC_MAP && !l->key;
}

/* Gives the node the key that waits for it and hangs it into the tree. */
static void hang(struct load *l, struct doc *node)
{
	node->key = l->key;
	node->key_line = l->key_at.line;
	node->key_column = l->key_at.column;
	l->key = NULL;
	l->key_at = (struct doc_place){};
	doc_build_add(&l->b, node);
}

static int load_scalar(struct load *l, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	struct doc_place at = place_of(ev->start_mark);

	if (check_props(l, ev->data.scalar.anchor, ev->data.scalar.tag, ev->start_mark) < 0)
		return -ERR_USAGE;
	if (memchr(value, 0, ev->data.scalar.length))
		return doc_build_err(&l->b, at, "text holds a zero byte");
	if (wants_key(l)) {
		l->key = arena_strdup(l->b.arena, value);
		l->key_at = at;
		return 0;
	}
	/* A tag "!" means: text, whatever it looks like. */
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ev->data.scalar.tag;
	struct doc *node = doc_build_node(&l->b, plain ? plain_kind(value) : DOC_STR, at);

	if (!node)
		return -ERR_USAGE;
	node->text = arena_strdup(l->b.arena, value);
	node->quoted = !plain;
	hang(l, node);
	return 0;
}

static int load_open(struct load *l, enum doc_kind kind, const yaml_char_t *anchor, const yaml_char_t *tag,
		     yaml_mark_t mark)
{
	if (check_props(l, anchor, tag, mark) < 0)
		return -ERR_USAGE;
	if (wants_key(l))
		return doc_build_err(&l->b, place_of(mark), "a key must be text, not a list or map");
	struct doc *node = doc_build_node(&l->b, kind, place_of(mark));

	if (!node)
		return -ERR_USAGE;
	hang(l, node);
	return doc_build_open(&l->b, node);
}

static int load_event(struct load *l, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return load_scalar(l, ev);
	case YAML_ALIAS_EVENT:
		return doc_build_err(&l->b, place_of(ev->start_mark), "aliases (*%.40s) are not allowed here",
				     (const char *)ev->data.alias.anchor);
	case YAML_SEQUENCE_START_EVENT:
		return load_open(l, DOC_LIST, ev->data.sequence_start.anchor, ev->data.sequence_start.tag,
				 ev->start_mark);
	case YAML_MAPPING_START_EVENT:
		return load_open(l, DOC_MAP, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, ev->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return doc_build_close(&l->b);
	default:
		return 0; /* starts and ends of the stream and of documents */
	}
}

static int syntax_error(struct load *l)
{
	const yaml_parser_t *p = &l->parser;
	struct doc_place at = place_of(p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		return doc_build_err(&l->b, (struct doc_place){}, "not UTF-8 text at byte %zu", p->problem_offset);
	doc_build_err(&l->b, at, "%s", p->problem ? p->problem : "no YAML");
	if (p->context)
		return err_because(l->b.e, "%s that starts in line %zu", p->context, p->context_mark.line + 1);
	return -ERR_USAGE;
}

/* All events of the stream, into the list of documents that is open. */
static int load_stream(struct load *l)
{
	yaml_event_type_t type;

	do {
		yaml_event_t ev;

		if (!yaml_parser_parse(&l->parser, &ev))
			return syntax_error(l);
		type = ev.type;
		int r = load_event(l, &ev);

		yaml_event_delete(&ev);
		if (r < 0)
			return r;
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

int doc_parse_yaml_all(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
		       struct err *e)
{
	struct load l = {.b = {.arena = a, .file = arena_strdup(a, file), .e = e}};
	struct doc *all = doc_build_node(&l.b, DOC_LIST, (struct doc_place){1, 1});
	int r;

	if (len > DOC_TEXT_MAX)
		return doc_build_err(&l.b, (struct doc_place){}, "larger than %u MiB", DOC_TEXT_MAX >> 20);
	if (!yaml_parser_initialize(&l.parser))
		abort();
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)text, len);
	r = doc_build_open(&l.b, all);
	if (r == 0)
		r = load_stream(&l);
	yaml_parser_delete(&l.parser);
	if (r < 0)
		return r;
	*ret = all;
	return 0;
}

int doc_parse_yaml(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret, struct err *e)
{
	struct doc *all = NULL;

	if (doc_parse_yaml_all(a, file, text, len, &all, e) < 0)
		return -e->code;
	if (!all || all->n == 0)
		return err_new(e, ERR_USAGE, "%s: the file is empty", file ? file : "-");
	if (all->n > 1)
		return doc_err(all->child->next, e, "a second document starts here; one is expected");
	*ret = all->child;
	return 0;
}
