/* SPDX-License-Identifier: Apache-2.0 */
/* For the loaders of doc.h alone: a tree under construction, with the bounds that hold for every format. */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"

#define DOC_TEXT_MAX (4U << 20)
#define DOC_DEPTH_MAX 64U
#define DOC_NODES_MAX 200000U

struct doc_build {
	struct arena *arena;
	const char *file;
	struct err *e;
	size_t nodes;
	unsigned depth;
	struct doc *open[DOC_DEPTH_MAX];   /* the list or map that takes the next node, innermost last */
	struct doc *last[DOC_DEPTH_MAX];   /* its last child */
};

struct doc_place {
	unsigned line, column; /* from 1; 0: unknown */
};

/* "FILE:LINE:COLUMN: …" in `what`; gives -ERR_USAGE. */
[[gnu::format(printf, 3, 4)]] int doc_build_err(struct doc_build *b, struct doc_place at, const char *fmt, ...);
/* A node at this place, not yet in the tree; NULL (and an error) when there are too many. */
struct doc *doc_build_node(struct doc_build *b, enum doc_kind kind, struct doc_place at);
/* Hangs a finished node below the innermost open one (there must be one). */
void doc_build_add(struct doc_build *b, struct doc *node);
/* Opens a list or map that is already hung; closes the innermost one, refusing keys given twice. */
[[nodiscard]] int doc_build_open(struct doc_build *b, struct doc *node);
[[nodiscard]] int doc_build_close(struct doc_build *b);
