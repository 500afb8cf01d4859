/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole image of the store to a registry. Where the registry has the layers as they first came (or another of its repositories
 * has, or the store does), the very manifest goes out, and signatures over it stay good. Else layers are compressed, which
 * makes a new manifest around the same config: both digests are told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "registry/compress.h"
#include "registry/fetch.h"
#include "store/store.h"

struct push_request {
	const struct store *store;      /* its lock is held shared */
	struct registry_repo *repo;
	const struct reference *ref;    /* where it goes: the tag */
	const struct image *image;
	enum compress_kind compression; /* of layers that the registry lacks */
	bool is_compression_given;      /* not given: layers that the store has as they came go out so */
	const struct fetch_progress *progress; /* or NULL */
};

struct push_done {
	char *digest;      /* of the manifest that was sent */
	char *media_type;
	bool exact;        /* it is the image's own */
	uint64_t bytes;    /* of layers that were sent */
	unsigned sent, mounted, there; /* layers */
};

[[nodiscard]] int push_image(struct arena *a, const struct push_request *request, struct push_done *ret, struct err *e);
