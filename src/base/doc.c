/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document tree: questions to it, errors at a place in it, and its construction for the loaders
 * (doc_yaml.c, doc_json.c).
 */
#include "base/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc_build.h"

#define FEW_KEYS 16 /* up to here every key is compared with every other; beyond they are sorted */

const struct doc *doc_get(const struct doc *node, const char *key)
{
	if (!node || node->kind != DOC_MAP)
		return NULL;
	for (const struct doc *d = node->child; d; d = d->next) {
		if (strcmp(d->key, key) == 0)
			return d;
	}
	return NULL;
}

const char *doc_get_str(const struct doc *node, const char *key)
{
	const struct doc *d = doc_get(node, key);

	return d && d->kind == DOC_STR ? d->text : NULL;
}

static int place_verr(const char *file, struct doc_place at, struct err *e, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (!file && !at.line)
		return err_new(e, ERR_USAGE, "%s", text);
	if (!at.line)
		return err_new(e, ERR_USAGE, "%s: %s", file, text);
	return err_new(e, ERR_USAGE, "%s:%u:%u: %s", file ? file : "-", at.line, at.column, text);
}

int doc_err(const struct doc *node, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	place_verr(node->file, (struct doc_place){node->line, node->column}, e, fmt, ap);
	va_end(ap);
	return -ERR_USAGE;
}

int doc_key_err(const struct doc *node, struct err *e, const char *fmt, ...)
{
	bool has_key = node->key_line != 0;
	va_list ap;

	va_start(ap, fmt);
	place_verr(node->file,
		   (struct doc_place){has_key ? node->key_line : node->line,
				      has_key ? node->key_column : node->column},
		   e, fmt, ap);
	va_end(ap);
	return -ERR_USAGE;
}

int doc_build_err(struct doc_build *b, struct doc_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	place_verr(b->file, at, b->e, fmt, ap);
	va_end(ap);
	return -ERR_USAGE;
}

struct doc *doc_build_node(struct doc_build *b, enum doc_kind kind, struct doc_place at)
{
	if (++b->nodes > DOC_NODES_MAX) {
		doc_build_err(b, at, "more than %u values in one document", DOC_NODES_MAX);
		return NULL;
	}
	struct doc *node = arena_new(b->arena, struct doc);

	node->kind = kind;
	node->file = b->file;
	node->line = at.line;
	node->column = at.column;
	return node;
}

void doc_build_add(struct doc_build *b, struct doc *node)
{
	struct doc *parent = b->open[b->depth - 1], **last = &b->last[b->depth - 1];

	if (*last)
		(*last)->next = node;
	else
		parent->child = node;
	*last = node;
	parent->n++;
}

int doc_build_open(struct doc_build *b, struct doc *node)
{
	if (b->depth >= DOC_DEPTH_MAX)
		return doc_build_err(b, (struct doc_place){node->line, node->column},
				     "lists and maps are nested more than %u deep", DOC_DEPTH_MAX);
	b->open[b->depth] = node;
	b->last[b->depth] = NULL;
	b->depth++;
	return 0;
}

static const struct doc *twice_among_few(const struct doc *map)
{
	for (const struct doc *d = map->child; d; d = d->next) {
		if (doc_get(map, d->key) != d)
			return d;
	}
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp((*(const struct doc *const *)a)->key, (*(const struct doc *const *)b)->key);
}

static const struct doc *twice_among_many(const struct doc *map)
{
	autofree const struct doc **all = calloc(map->n, sizeof(*all));
	size_t n = 0;

	if (!all)
		abort();
	for (const struct doc *d = map->child; d; d = d->next)
		all[n++] = d;
	/* glibc's qsort() is a stable merge sort at this size: the later of two equal keys comes later. */
	qsort(all, n, sizeof(*all), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(all[i - 1]->key, all[i]->key) == 0)
			return all[i];
	}
	return NULL;
}

int doc_build_close(struct doc_build *b)
{
	const struct doc *map = b->open[--b->depth];

	if (map->kind != DOC_MAP)
		return 0;
	const struct doc *twice = map->n <= FEW_KEYS ? twice_among_few(map) : twice_among_many(map);

	return twice ? doc_key_err(twice, b->e, "the key %.80s is given twice", twice->key) : 0;
}
