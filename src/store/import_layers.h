/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: all layers of an image, several at once, each stored once. */
#pragma once

#include "base/err.h"
#include "store/import.h"
#include "store/import_layer.h"

struct import_layers {
	const struct store *store;
	struct import_image *image;
	struct import_layer *v;          /* by layer */
	size_t *same;                    /* by layer: the first one with the same tar (itself, mostly) */
	bool *stored;                    /* by layer: was in the store already */
	size_t n;
};

/* Fills found->layers' diff_id, size and digest. The new tars have no name yet. Free in any case. */
[[nodiscard]] int import_layers(struct arena *a, struct import_layers *l, struct err *e);
void import_layers_free(struct import_layers *l);
