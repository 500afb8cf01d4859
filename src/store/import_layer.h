/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to import*.c: one layer, from the bytes as they came to a tar in the store and the list of its
 * entries. Three threads work on it at once:
 *
 *   reader:  read, decompress      ──▶ hasher: digest of the bytes as they came, and of the tar
 *                                  ──▶ writer: into the store, and headers parsed
 *
 * Both digests must be what the image says. The file is synced but has no name yet: it gets one
 * (import_layer_commit) when the whole image has proved good, so that nothing is left of a bad one.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/digest.h"
#include "image/tar.h"
#include "store/blob.h"
#include "store/import_input.h"
#include "store/store.h"

/* The entries of one tar, with the arena that they lie in. */
struct import_entries {
	struct arena arena;
	struct tar_entry *v;
	size_t n, cap;
	uint64_t tar_size;
};

struct import_layer {
	/* in: */
	struct import_input in;
	enum digest_kind kind;      /* of the name in the store */
	const char *want_digest;    /* of the bytes as they came, "sha256:…", or NULL */
	uint64_t want_size;         /* with want_digest */
	const char *want_diff_id;   /* of the tar, "sha256:…", or NULL */
	atomic_bool *stop;          /* another layer failed: give up; NULL: nobody else */
	_Atomic uint64_t *done;     /* bytes read so far are added, for the progress; NULL: nobody looks */
	/* out: */
	char digest[DIGEST_TEXT_MAX];  /* of the bytes as they came */
	uint64_t size;
	char diff_id[DIGEST_TEXT_MAX]; /* "sha256:…", or "sha512-…" for DIGEST_SHA512 */
	bool was_compressed;
	struct import_entries entries;
	struct blob_writer out; /* the tar, still without a name; or of a stored layer: only its descriptor, to read */
};
#define IMPORT_LAYER_NONE ((struct import_layer){.out = {.fd = -1}})

/* Reads and writes the layer. ERR_FAILED: damaged, not what the image says, or the store is full. */
[[nodiscard]] int import_layer(const struct store *s, struct import_layer *layer, struct err *e);
/* Gives the tar its name; of a layer that has one, nothing happens. Its descriptor is closed. */
[[nodiscard]] int import_layer_commit(struct import_layer *layer, struct err *e);
/* A tar that is in the store already: its entries and a descriptor. */
[[nodiscard]] int import_stored_layer(const struct store *s, const char *diff_id, struct import_layer *ret,
				      struct err *e);
void import_layer_free(struct import_layer *layer);
/* As a tar callback: keeps a copy of the entry in ctx, a struct import_entries. */
int import_keep_entry(void *ctx, const struct tar_entry *entry, struct err *e);
