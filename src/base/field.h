/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: one description of a struct from which record.h writes and reads Rocket's own files
 * and decode.h reads documents of people. A table is an array of `struct field` in a `struct field_set`.
 *
 *   static const struct field volume_fields[] = {
 *           FIELD(struct volume, name, "name", FIELD_STR, .required = true),
 *           FIELD(struct volume, size_bytes, "size", FIELD_SIZE),
 *   };
 *   static const struct field_set volume_set = FIELD_SET("volume", struct volume, volume_fields);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
	FIELD_STR,     /* char *                                              "text"            */
	FIELD_BOOL,    /* bool                                                true              */
	FIELD_INT,     /* int64_t                                             -5                */
	FIELD_U32,     /* uint32_t                                            5                 */
	FIELD_U64,     /* uint64_t                                            5                 */
	FIELD_SIZE,    /* uint64_t bytes;  people write 64Mi, records 67108864                  */
	FIELD_TIME,    /* int64_t ns;      people write 10s, records 10000000000                */
	FIELD_CPUS,    /* uint32_t thousandths; people write 0.5 or 500m, records 500           */
	FIELD_ENUM,    /* int, index into .names                              "close"           */
	FIELD_STRV,    /* char **, NULL-terminated, NULL when absent          ["a", "b"]        */
	FIELD_MAP,     /* char **, "K=V" entries in order                     {"K": "V"}        */
	FIELD_STRUCT,  /* the struct itself, by value                         {…}               */
	FIELD_LIST,    /* LIST(struct x) of arena.h                           [{…}, {…}]        */
	FIELD_NAMED,   /* LIST(struct x) keyed by its field "name"            {"web": {…}}      */
	FIELD_NUMBER,  /* char *: a whole number as written, NULL when absent    "-1"            */
	FIELD_NUMV,    /* char **: a list of them                                [5, 6]          */
	FIELD_RAW,     /* char *: the JSON of the value, whatever it is          {"a": [1]}      */
	FIELD_CUSTOM,  /* documents only: .decode does it                                       */
};

struct arena;
struct doc;
struct err;
struct field_set;

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	const struct field_set *sub;    /* FIELD_STRUCT, FIELD_LIST, FIELD_NAMED */
	const char *const *names;       /* FIELD_ENUM, NULL-terminated */
	bool required;
	bool internal;                  /* in records, never accepted from a document */
	/* FIELD_CUSTOM: fills its part of *object, the whole struct of this table, from the key's value. */
	int (*decode)(struct arena *a, const struct doc *node, void *object, struct err *e);
	/* FIELD_CUSTOM in records: left out. */
};

struct field_set {
	const char *name; /* for messages: "app", "volume" */
	size_t size;
	const struct field *fields;
	size_t n;
	/* Keys of other vocabularies and what to write instead: {"ports", "holes: in:"} pairs, NULL-terminated. */
	const char *const (*aliases)[2];
};

#define FIELD(type, member, key_, kind_, ...) \
	{ .key = (key_), .kind = (kind_), .offset = offsetof(type, member), ##__VA_ARGS__ }
#define FIELD_SET(name_, type, array, ...) \
	{ .name = (name_), .size = sizeof(type), .fields = (array), .n = sizeof(array) / sizeof((array)[0]), ##__VA_ARGS__ }

/*
 * FIELD_NAMED: where its items keep their key: the FIELD_STR "" where the items have another "name" inside, else the
 * FIELD_STR "name". A table without either is a bug.
 */
size_t field_name_offset(const struct field_set *set);
