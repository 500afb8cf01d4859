/* SPDX-License-Identifier: Apache-2.0 */
/* Private to registry/: the layers of one image while they come in, a thread and a pipe each. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "image/found.h"
#include "registry/fetch.h"
#include "store/import_input.h"

/* Smaller ones come again sooner than a file is opened and closed. */
enum { LAYERS_PART_MIN = 1 << 20 };

struct coming_layer {
	const struct found_layer *found;
	struct layers *all;
	pthread_t thread;
	int pipe[2];        /* ours to write, the import's to read; -1 */
	int part;           /* DIR/tmp/part.HEX, or -1 */
	char part_path[96];
	uint64_t had;       /* bytes of an earlier run */
	_Atomic uint64_t moved;
	_Atomic int64_t start_ns, end_ns;
	bool is_running;    /* a thread to be joined */
	bool is_whole;      /* all bytes came; that they are right is the import's word */
	struct err err;
};

struct layers {
	const struct store *store;
	struct registry_repo *repo;
	const struct fetch_progress *progress;
	struct coming_layer *v;
	size_t n;
};

void layers_init(struct arena *a, struct layers *l, const struct found_image *image);
/* As struct import_image's open_layer; ctx is the struct layers. */
int layers_open(void *ctx, size_t i, struct import_input *ret, struct err *e);
/* Waits for all threads, closes everything, and takes the parts away that nobody needs. */
void layers_finish(struct layers *l);
/* The first network error of a layer, if there is one: the import sees nothing but the end of a pipe. */
bool layers_failed(const struct layers *l, struct err *e);
/* Was any part of an earlier run used? */
bool layers_used_parts(const struct layers *l);
void layers_show(struct layers *l);
