/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view's merged tree again from its stored tars, by its recipe: for verifying, extracting and the
 * directory form. Heavy (image/tree.h, image/erofs.h): for the programs in libexec alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/erofs.h"
#include "image/tree.h"
#include "store/store.h"

struct rebuilt {
	struct arena arena;           /* holds the tree's strings */
	struct tree *tree;            /* finished, mount points added */
	struct erofs_device *devices; /* the tars, open, in the order of the layers */
	size_t n_devices;
};

/*
 * Reads the headers of all tars: milliseconds for thousands of files. ERR_FAILED when the recipe or a tar
 * is missing or does not read as it once did. The caller closes it; what was not opened may be closed too.
 */
[[nodiscard]] int rebuild_open(const struct store *s, const char *view, struct rebuilt *ret, struct err *e);
void rebuild_close(struct rebuilt *r);
#define autorebuilt [[gnu::cleanup(rebuild_close)]] struct rebuilt
