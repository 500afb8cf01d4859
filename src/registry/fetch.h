/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole image from a registry into the store. The manifest decides what is missing; each missing layer streams through
 * the import's pipeline (store/import.h) while it comes in, several at once, and is written once. What is fetched is not
 * vouched for: the record says where it came from, and trust/ decides whether it may run.
 *
 *   registry ─blob_stream─▶ pipe ─▶ import_layer: inflate, digests, tar, store
 *                      └──▶ DIR/tmp/part.HEX: what arrived, for the next run; gone when the layer is there
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"
#include "registry/registry.h"
#include "store/store.h"

enum fetch_layer_state { FETCH_WAITING, FETCH_COMING, FETCH_DONE, FETCH_STOPPED };

/* What people want to see of one layer. */
struct fetch_layer_view {
	const char *digest;
	uint64_t size, moved;   /* bytes as they come */
	int64_t start_ns;       /* monotonic; 0: not begun */
	int64_t end_ns;         /* 0: not over */
	uint64_t moved_before;  /* of them, from an earlier run */
	enum fetch_layer_state state;
};

struct fetch_progress {
	/* Called every 100 ms from the fetching thread, and at the end. */
	void (*show)(void *ctx, const struct fetch_layer_view *layers, size_t n);
	void *ctx;
};

struct fetch_request {
	const struct store *store;      /* its lock is held shared */
	struct registry_repo *repo;
	const struct reference *ref;
	const char *platform;           /* "OS/ARCH[/VARIANT]" or "ARCH"; NULL: this machine's */
	const char *who;                /* user name, for the record */
	const char *name;               /* what to call it; NULL: as it is called there */
	const struct fetch_progress *progress; /* or NULL */
};

struct fetch_done {
	char *name;            /* in the store */
	struct image image;
	char *digest;          /* what the name meant there: of an index, when it was one */
	bool was_there;        /* nothing had to be fetched */
	uint64_t bytes;        /* that came in for layers */
	size_t signatures;     /* what speaks about it: signatures, attestations, the index */
	char *missing;         /* why some of that could not be had, for people; NULL */
};

/* Strings lie in the arena. ERR_NOT_FOUND, ERR_NETWORK, ERR_FAILED: it is not what its digests say. */
[[nodiscard]] int fetch_image(struct arena *a, const struct fetch_request *request, struct fetch_done *ret, struct err *e);
