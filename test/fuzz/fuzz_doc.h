/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every document tree, whatever it came from, and a struct that has every kind of field. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/decode.h"
#include "base/record.h"

struct every_item {
	char *name;
	uint64_t size_bytes;
};

struct every {
	char *text;
	bool flag;
	int64_t number;
	uint32_t small;
	uint64_t big, size_bytes;
	int64_t time_ns;
	uint32_t cpus_milli;
	int word;
	char **list;
	char **map;
	struct every_item one;
	LIST(struct every_item) items;
	LIST(struct every_item) named;
};

static const char *const every_words[] = {"first", "second", NULL};
static const struct field every_item_fields[] = {
	FIELD(struct every_item, name, "name", FIELD_STR),
	FIELD(struct every_item, size_bytes, "size", FIELD_SIZE),
};
static const struct field_set every_item_set = FIELD_SET("item", struct every_item, every_item_fields);
static const struct field every_fields[] = {
	FIELD(struct every, text, "text", FIELD_STR),
	FIELD(struct every, flag, "flag", FIELD_BOOL),
	FIELD(struct every, number, "number", FIELD_INT),
	FIELD(struct every, small, "small", FIELD_U32),
	FIELD(struct every, big, "big", FIELD_U64),
	FIELD(struct every, size_bytes, "size", FIELD_SIZE),
	FIELD(struct every, time_ns, "time", FIELD_TIME),
	FIELD(struct every, cpus_milli, "cpus", FIELD_CPUS),
	FIELD(struct every, word, "word", FIELD_ENUM, .names = every_words),
	FIELD(struct every, list, "list", FIELD_STRV),
	FIELD(struct every, map, "map", FIELD_MAP),
	FIELD(struct every, one, "one", FIELD_STRUCT, .sub = &every_item_set),
	FIELD(struct every, items, "items", FIELD_LIST, .sub = &every_item_set),
	FIELD(struct every, named, "named", FIELD_NAMED, .sub = &every_item_set),
};
static const struct field_set every_set = FIELD_SET("every", struct every, every_fields);

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

static inline void check_error(const struct err *e)
{
	must(e->code == ERR_USAGE && e->what[0]);
}

static inline void check_node(const struct doc *node)
{
	bool scalar = node->kind != DOC_LIST && node->kind != DOC_MAP;
	size_t n = 0;

	must(!scalar || (node->text && !node->child));
	for (const struct doc *d = node->child; d; d = d->next, n++) {
		must(node->kind != DOC_MAP || (d->key && doc_get(node, d->key) == d));
		check_node(d);
	}
	must(n == node->n);
}

/* What a record says is read back as it was written. */
static inline void check_record(struct arena *a, const struct every *object)
{
	autostr first = {}, second = {};
	struct every again;
	struct err e = {};

	record_write(&first, &every_set, object, RECORD_COMPACT);
	must(record_read(a, &every_set, first.text, first.len, &again, &e) == 0);
	record_write(&second, &every_set, &again, RECORD_COMPACT);
	must(strcmp(first.text, second.text) == 0);
}

static inline void check_document(struct arena *a, const struct doc *d)
{
	const struct decode decode = {.arena = a};
	struct every object = {};
	struct err e = {};

	if (d->n <= 64) /* doc_get() looks at every sibling */
		check_node(d);
	if (decode_doc(&decode, &every_set, d, &object, &e) < 0)
		check_error(&e);
	else
		check_record(a, &object);
}
