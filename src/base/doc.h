/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of people and of other programs, as one tree with places. YAML comes through libyaml, JSON
 * through json-c (places in JSON are known for syntax errors alone; a JSON manifest is read as YAML, of
 * which it is a subset, to have them). Bounded: 4 MiB, depth 64, 200 000 nodes; YAML aliases are refused,
 * duplicate keys too. The tree lives in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct str;

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_INT, DOC_FLOAT, DOC_STR, DOC_LIST, DOC_MAP };

struct doc {
	enum doc_kind kind;
	const char *file;       /* for messages; NULL when unknown */
	unsigned line, column;  /* from 1; 0 when unknown */
	const char *key;        /* when the node is the value of a map's key */
	unsigned key_line, key_column;
	const char *text;       /* scalar: as written (unquoted); never NULL for scalars */
	bool quoted;            /* YAML: the scalar stood in quotes, so it is text */
	struct doc *child;      /* first of a list or map, in the document's order */
	struct doc *next;
	size_t n;               /* children */
};

/* One document. ERR_USAGE with file:line:column when it is no good. */
[[nodiscard]] int doc_parse_yaml(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
				 struct err *e);
/* Several documents in one file ("---" between them): a DOC_LIST of them. */
[[nodiscard]] int doc_parse_yaml_all(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
				     struct err *e);
[[nodiscard]] int doc_parse_json(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
				 struct err *e);

/* TOML 1.0 without dates, at most 256 KiB (doc_toml.c): other programs' configuration. Linked by programs of libexec. */
[[nodiscard]] int doc_parse_toml(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
				 struct err *e);

/* The tree as JSON: with pretty on lines with tabs, else without any space. */
void doc_write_json(struct str *out, const struct doc *node, bool pretty);

/* The value of a key, or NULL; node may be NULL or no map. */
const struct doc *doc_get(const struct doc *node, const char *key);
/* The text of a string value, or NULL when the key is absent or no string. */
const char *doc_get_str(const struct doc *node, const char *key);

/* An error at the node's key (unknown, given twice), else at the node. Gives -ERR_USAGE. */
[[gnu::format(printf, 3, 4)]] int doc_key_err(const struct doc *node, struct err *e, const char *fmt, ...);
/* An error at this node: "FILE:LINE:COLUMN: …" in `what`. Gives -ERR_USAGE. */
[[gnu::format(printf, 3, 4)]] int doc_err(const struct doc *node, struct err *e, const char *fmt, ...);
