/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images into the store: what rocket-import does with a file, and what programs that make or fetch layers
 * themselves (build, fetch) do with those. Heavy: decompressors, libcrypto; never linked into `rocket`.
 *
 *   bytes ──import_probe──▶ found_image ──import_image──▶ tars, documents ──▶ view ──▶ record ──▶ name
 *
 * The caller holds the store's lock shared meanwhile. What is visible is complete (store/blob.h); a crash leaves
 * nothing that a sweep does not remove. All functions run on the host as the store's owner, need
 * no privilege beyond writing there, and expect hostile bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/found.h"
#include "store/import_input.h"
#include "store/store.h"

/* What happens, for people: called now and then from the importing thread. total 0: unknown. */
struct import_progress {
	void (*show)(void *ctx, unsigned layers_done, unsigned layers, uint64_t bytes, uint64_t total);
	void *ctx;
};

struct import_layer;

/* One image whose documents are known. */
struct import_image {
	struct found_image *found; /* layers without diff_id, a missing config and manifest are filled in */
	/*
	 * Gives the bytes of layer i; called at most once a layer, from any thread, and only for layers that
	 * the store lacks. NULL: all layers are in the store.
	 */
	int (*open_layer)(void *ctx, size_t i, struct import_input *ret, struct err *e);
	void *ctx;
	struct import_layer *ready; /* the topmost layer, read already; taken over. Else NULL */
	const char *name;          /* to be given to it, normalised here; NULL: its manifest digest, until it gets one */
	struct image_vouch vouch;  /* when_ns 0: now */
	const struct import_progress *progress; /* or NULL */
	unsigned workers;          /* layers at once; 0: one a processor */
	bool keep_layers;          /* a good layer gets its name at once: what arrived stays, also when the image fails */
};

/* Stores the image and all that belongs to it, the name last. *ret's strings lie in the arena. */
[[nodiscard]] int import_image(const struct store *s, struct arena *a, struct import_image *in, struct image *ret,
			       struct err *e);

/* A file, pipe or directory with one image or several. */
struct import_request {
	int fd;              /* open for reading; the caller's */
	const char *source;  /* its name for people: a path, or "-" */
	const char *origin;  /* where it lies, for the record: an absolute path; NULL: source */
	const char *name;    /* what to call the image; NULL: its own name, else one made from source */
	const char *ref;     /* which one, when there are several; NULL: all */
	const char *who;     /* user name, for the record */
	const struct import_progress *progress;
	void (*note)(const char *text); /* what people should know; NULL keeps silent */
};

struct import_done {
	char *name;
	struct image image;
};
struct import_result {
	LIST(struct import_done) images;
};

/* ERR_USAGE when it needs a name or gives several images one. */
[[nodiscard]] int import_run(const struct store *s, struct arena *a, const struct import_request *request,
			     struct import_result *ret, struct err *e);
