/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: documents (one set of calls gives JSON or YAML, as -o asks) and tables. A verb gathers all
 * of its output and prints it with one write; what follows something (logs -f, events) prints a line at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/field.h"
#include "base/str.h"
#include "cli/cli.h"

enum { EMIT_DEPTH_MAX = 32 };

struct emit {
	struct str out;
	const struct cli *cli;
	bool compact;   /* JSON on one line whatever -o says, for streams of documents */
	unsigned depth;
	struct {
		bool is_list;
		bool in_list; /* a YAML map or list behind "- " */
		size_t n;
	} level[EMIT_DEPTH_MAX];
};

/* JSON unless -o yaml. */
struct emit emit_new(const struct cli *cli);
void emit_free(struct emit *m);
#define autoemit [[gnu::cleanup(emit_free)]] struct emit

/* key: of the map that is open; NULL in a list and at the top. */
void emit_open_map(struct emit *m, const char *key);
void emit_open_list(struct emit *m, const char *key);
void emit_close(struct emit *m);
void emit_str(struct emit *m, const char *key, const char *value); /* NULL is null */
void emit_int(struct emit *m, const char *key, int64_t value);
void emit_u64(struct emit *m, const char *key, uint64_t value);
void emit_bool(struct emit *m, const char *key, bool value);
void emit_null(struct emit *m, const char *key);
void emit_time(struct emit *m, const char *key, int64_t ns); /* RFC 3339 in UTC; null for 0 */
void emit_strv(struct emit *m, const char *key, char *const *v); /* a list; NULL is an empty one */
void emit_pairs(struct emit *m, const char *key, char *const *v); /* "K=V" entries as a map */
/* A struct by its field table; what is zero, NULL or empty is left out, as in records. */
void emit_fields(struct emit *m, const char *key, const struct field_set *set, const void *object);
/* Ends with a newline and prints. An exit code. */
int emit_print(struct emit *m, const struct cli *cli);

struct column {
	const char *title;
	bool right;      /* numbers */
	bool wide;       /* with -o wide only */
};

struct table {
	const struct column *columns;
	size_t n_columns;
	struct arena *arena;
	LIST(struct cell { const char *text; }) cells;
};

/* Adds cells row by row, n_columns each, wide ones always too. NULL and "" print as "-". Copied. */
void table_add(struct table *t, const char *text);
[[gnu::format(printf, 2, 3)]] void table_addf(struct table *t, const char *fmt, ...);
/* With -o name or -q the first column alone, without a title. */
void table_format(const struct table *t, const struct cli *cli, struct str *out);
int table_print(const struct table *t, const struct cli *cli);
