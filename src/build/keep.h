/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that was built, into the store: documents, view, record and name, in the order of store/blob.h. The
 * layers' tars are in the store already, under their diff_ids.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"
#include "store/store.h"

/* What keep_image() is given and what it fills in. */
struct keep {
	const char *name;        /* full */
	const char *config;      /* the documents' bytes */
	size_t config_len;
	const char *manifest;
	size_t manifest_len;
	struct image image;      /* in: format, manifest_type, config, layers, vouch; out: id, manifest_digest, view, max_id, size */
};

/* Strings it fills in lie in the arena. The caller holds the store's lock (store_lock_shared). */
[[nodiscard]] int keep_image(struct arena *a, const struct store *s, struct keep *k, struct err *e);
