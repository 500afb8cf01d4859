/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: from the layers' entries to the view, and what a record keeps of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/blob.h"
#include "store/import_layer.h"

struct import_view {
	/* in: */
	const struct store *store;
	const struct blob_view_recipe *recipe;
	struct import_layer *const *layers; /* in the recipe's order; a layer may be there twice */
	/* out: */
	char *id;
	uint8_t *index;                   /* malloc'ed */
	uint64_t max_id;
	uint64_t size;                    /* of the index */
	char *passwd, *group;             /* malloc'ed, or NULL */
	size_t passwd_len, group_len;
};

/* Merges, makes the index, copies the accounts; nothing is written. Free in any case. */
[[nodiscard]] int import_view_make(struct arena *a, struct import_view *v, struct err *e);
/* Writes recipe and index. */
[[nodiscard]] int import_view_put(const struct import_view *v, struct err *e);
void import_view_free(struct import_view *v);

/* The view's id: the chain id of the layers (image-spec, config.md) in hex; for ACIs a digest over the recipe. */
char *import_view_id(struct arena *a, const struct blob_view_recipe *recipe);
