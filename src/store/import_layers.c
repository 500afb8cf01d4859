/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers don't depend on each other, so as many at once as there are processors. What the store has
 * already is not read again: a tar is known by its diff_id, or by the digest of the compressed bytes
 * that it came from once.
 */
#include "store/import_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "store/blob.h"

enum { WORKERS_MAX = 8, SHOW_EVERY_MS = 100 };

struct work {
	struct import_layers *layers;
	atomic_size_t next;
	atomic_bool stop;
	atomic_uint done;
	_Atomic uint64_t bytes;
	pthread_mutex_t mutex;
	struct err err;      /* of the first that failed, under the mutex */
	bool failed;
};

/* Is its tar there? Then *ret_diff_id names it. */
static bool find_stored(struct arena *a, const struct store *s, struct found_layer *layer)
{
	struct blob_from from;
	struct err ignored = {};

	if (layer->diff_id && blob_exists(s, layer->diff_id, NULL))
		return true;
	if (!layer->digest)
		return false;
	if (!blob_get_from(s, a, layer->digest, &from, &ignored) &&
	    (!layer->diff_id || !strcmp(layer->diff_id, from.diff_id))) {
		layer->diff_id = from.diff_id;
		return true;
	}
	return false;
}

/* Of several that come at once, which one is damaged. */
static int name_layer(const struct found_layer *want, struct err *e)
{
	struct err why = *e;

	if (!want->digest || strstr(why.what, want->digest) || why.errnum)
		return -e->code;
	err_new(e, why.code, "layer %.80s is not what the image says", want->digest);
	err_because(e, "%s%s%s", why.what, why.because[0] ? ": " : "", why.because);
	return why.hint[0] ? err_try(e, "%s", why.hint) : err_try(e, "fetch it once more");
}

static int fetch_layer(struct work *w, size_t i, struct err *e)
{
	struct import_image *image = w->layers->image;
	const struct found_layer *want = &image->found->layers.v[i];
	struct import_layer *layer = &w->layers->v[i];

	if (!image->open_layer) {
		err_new(e, ERR_NOT_FOUND, "the store lacks a layer of the image");
		return err_because(e, "%.80s is not there", want->diff_id ? want->diff_id : "it");
	}
	layer->kind = image->found->format == IMAGE_ACI ? DIGEST_SHA512 : DIGEST_SHA256;
	layer->want_digest = want->digest;
	layer->want_size = want->size;
	layer->want_diff_id = want->diff_id;
	layer->stop = &w->stop;
	layer->done = &w->bytes;
	int r = image->open_layer(image->ctx, i, &layer->in, e);

	if (!r)
		r = import_layer(w->layers->store, layer, e);
	return r == -ERR_FAILED && image->keep_layers ? name_layer(want, e) : r;
}

/* The layer by name, and its descriptor still open for the view. Until an image needs it, the sweep may take it. */
static int keep_layer(struct import_layers *l, size_t i, struct err *e)
{
	struct import_layer *layer = &l->v[i];
	struct blob_from from = {
		.digest = layer->digest,
		.diff_id = layer->diff_id,
		.size = layer->size,
		.tar_size = layer->entries.tar_size,
		.media_type = l->image->found->layers.v[i].media_type,
	};
	int fd = fcntl(layer->out.fd, F_DUPFD_CLOEXEC, 3);
	int r = fd < 0 ? err_errno(e, "can't keep the layer open") : import_layer_commit(layer, e);

	if (!r && layer->was_compressed && layer->kind == DIGEST_SHA256)
		r = blob_put_from(l->store, &from, e);
	layer->out.fd = fd;
	l->stored[i] = !r;
	return r;
}

static int do_layer(struct work *w, size_t i, struct err *e)
{
	struct import_layers *l = w->layers;
	const struct found_layer *found = &l->image->found->layers.v[i];

	if (l->same[i] != i || l->v[i].out.fd >= 0) /* as another one, or read before */
		return 0;
	if (!l->stored[i]) {
		int r = fetch_layer(w, i, e);

		return r || !l->image->keep_layers ? r : keep_layer(l, i, e);
	}
	return import_stored_layer(l->store, found->diff_id, &l->v[i], e);
}

static void give_up(struct work *w, const struct err *e)
{
	pthread_mutex_lock(&w->mutex);
	if (!w->failed)
		w->err = *e;
	w->failed = true;
	pthread_mutex_unlock(&w->mutex);
	atomic_store(&w->stop, true);
}

static void *worker(void *arg)
{
	struct work *w = arg;
	struct err e = {};

	for (;;) {
		size_t i = atomic_fetch_add(&w->next, 1);

		if (i >= w->layers->n || atomic_load(&w->stop))
			break;
		if (do_layer(w, i, &e)) {
			give_up(w, &e);
			break;
		}
		atomic_fetch_add(&w->done, 1);
	}
	return NULL;
}

static size_t count_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (size_t)CPU_COUNT(&set);
}

static uint64_t total_bytes(const struct import_layers *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->stored[i] && l->same[i] == i)
			sum += l->image->found->layers.v[i].size;
	return sum;
}

static void show(const struct work *w, uint64_t total)
{
	const struct import_progress *p = w->layers->image->progress;

	if (p)
		p->show(p->ctx, atomic_load(&w->done), (unsigned)w->layers->n, atomic_load(&w->bytes), total);
}

/* With somebody who wants to see progress, the calling thread looks on; else it works itself. */
static void join_showing(struct work *w, pthread_t *threads, size_t n)
{
	uint64_t total = total_bytes(w->layers);

	for (size_t i = 0; i < n;) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SHOW_EVERY_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		if (pthread_timedjoin_np(threads[i], NULL, &until) != ETIMEDOUT)
			i++;
		show(w, total);
	}
}

static int run_workers(struct work *w, struct err *e)
{
	pthread_t threads[WORKERS_MAX];
	size_t want = w->layers->image->workers ?: count_processors(), n = 0;
	int r = 0;

	if (want > w->layers->n)
		want = w->layers->n;
	if (want > WORKERS_MAX)
		want = WORKERS_MAX;
	while (n < want && !r) {
		r = pthread_create(&threads[n], NULL, worker, w);
		n += r == 0;
	}
	if (r && !n) {
		errno = r;
		return err_errno(e, "can't start a thread");
	}
	join_showing(w, threads, n);
	if (!w->failed)
		return 0;
	*e = w->err;
	return -e->code;
}

/* Layers that are the same tar (empty ones are, often) are done once. */
static void find_same(struct import_layers *l)
{
	const struct found_image *found = l->image->found;

	for (size_t i = 0; i < l->n; i++) {
		l->same[i] = i;
		for (size_t k = 0; k < i && l->same[i] == i; k++)
			if (found->layers.v[i].diff_id && str_equal(found->layers.v[i].diff_id, found->layers.v[k].diff_id))
				l->same[i] = k;
	}
}

static void fill_found(struct arena *a, const struct import_layers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct found_layer *found = &l->image->found->layers.v[i];
		const struct import_layer *done = &l->v[l->same[i]];

		if (!found->diff_id)
			found->diff_id = arena_strdup(a, done->diff_id);
		if (!found->digest && *done->digest) {
			found->digest = arena_strdup(a, done->digest);
			found->size = done->size;
		}
	}
}

/* The topmost one was read already, to find out what the image is. */
static void take_ready(struct import_layers *l)
{
	struct import_layer *ready = l->image->ready;

	if (!ready)
		return;
	l->v[l->n - 1] = *ready;
	l->stored[l->n - 1] = false;
	*ready = IMPORT_LAYER_NONE;
}

int import_layers(struct arena *a, struct import_layers *l, struct err *e)
{
	struct work w = {.layers = l, .mutex = PTHREAD_MUTEX_INITIALIZER};

	l->n = l->image->found->layers.n;
	l->v = calloc(l->n + 1, sizeof(*l->v));
	l->same = arena_alloc(a, (l->n + 1) * sizeof(*l->same));
	l->stored = arena_alloc(a, (l->n + 1) * sizeof(*l->stored));
	if (!l->v)
		abort();
	for (size_t i = 0; i < l->n; i++) {
		l->v[i] = IMPORT_LAYER_NONE;
		l->stored[i] = find_stored(a, l->store, &l->image->found->layers.v[i]);
	}
	take_ready(l);
	find_same(l);
	int r = l->n ? run_workers(&w, e) : 0;

	if (!r)
		fill_found(a, l);
	return r;
}

void import_layers_free(struct import_layers *l)
{
	for (size_t i = 0; i < l->n && l->v; i++)
		import_layer_free(&l->v[i]);
	free(l->v);
	l->v = NULL;
}
