/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name copied from one registry to another, byte for byte, with all platforms of an index and all that refers to it:
 * signatures, attestations, SBOMs. Digests stay, so signatures do. Nothing of it stays in the store, which lends a nameless
 * file for each blob on its way.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "registry/registry.h"
#include "store/store.h"

struct mirror_request {
	const struct store *store;
	struct registry_repo *from, *to;
	const char *mount_from;   /* from's repository when both are of one host; NULL */
	const char *which;        /* a tag or a digest there */
	const char *tag;          /* here; NULL: by its digest alone */
	void (*say)(void *ctx, const char *what); /* what goes on, a line each; or NULL */
	void *ctx;
};

struct mirror_done {
	char *digest;
	unsigned manifests, blobs, signatures; /* sent, and not there before (blobs) */
	uint64_t bytes;
};

[[nodiscard]] int mirror_name(struct arena *a, const struct mirror_request *request, struct mirror_done *ret, struct err *e);
