/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers while they come in (layers.h). What arrived of a larger layer is kept beside in DIR/tmp/part.HEX: when the command is
 * killed or the registry stays away, the next run begins there. The file lives in the page cache while the fetch is quick, is
 * unlinked as soon as the layer is whole, and is held by a lock, so that two runs don't write one.
 */
#include "registry/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "registry/client.h"

enum { PIPE_SIZE = 1 << 20, FEED_SIZE = 256 << 10, STACK_SIZE = 512 << 10, VIEWS_MAX = 500 };

void layers_init(struct arena *a, struct layers *l, const struct found_image *image)
{
	l->n = image->layers.n;
	l->v = arena_alloc(a, (l->n + 1) * sizeof(*l->v));
	for (size_t i = 0; i < l->n; i++) {
		struct coming_layer *c = &l->v[i];

		c->found = &image->layers.v[i];
		c->all = l;
		c->pipe[0] = c->pipe[1] = c->part = -1;
	}
}

/* ---- parts ---- */

static void drop_part(struct coming_layer *c)
{
	if (c->part < 0)
		return;
	unlinkat(c->all->store->dirfd, c->part_path, 0);
	close(take_fd(&c->part));
}

/* Without it the layer comes as well: no error here is one of the fetch. */
static void open_part(struct coming_layer *c)
{
	struct stat st, named;
	int dirfd = c->all->store->dirfd;

	if (c->found->size < LAYERS_PART_MIN)
		return;
	snprintf(c->part_path, sizeof(c->part_path), "tmp/part.%.64s", c->found->digest + strlen("sha256:"));
	c->part = openat(dirfd, c->part_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->part < 0)
		return;
	if (flock(c->part, LOCK_EX | LOCK_NB) < 0 || fstat(c->part, &st) < 0 ||
	    fstatat(dirfd, c->part_path, &named, AT_SYMLINK_NOFOLLOW) < 0 || named.st_ino != st.st_ino) {
		close(take_fd(&c->part)); /* another fetch has it, or has just finished with it */
		return;
	}
	if ((uint64_t)st.st_size > c->found->size && ftruncate(c->part, 0) < 0)
		drop_part(c);
	else
		c->had = (uint64_t)st.st_size > c->found->size ? 0 : (uint64_t)st.st_size;
}

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	struct coming_layer *c = ctx;

	if (c->part >= 0 && io_write_all(c->part, bytes, n) < 0)
		drop_part(c); /* the disk is full, perhaps: what is to go into the store says so */
	if (io_write_all(c->pipe[1], bytes, n) < 0)
		return -1;
	atomic_fetch_add_explicit(&c->moved, n, memory_order_relaxed);
	return 0;
}

/* What an earlier run had; the file's position is at its end afterwards. */
static int feed_part(struct coming_layer *c, struct err *e)
{
	autofree char *buf = malloc(FEED_SIZE);
	uint64_t left = c->had;

	if (!buf)
		abort();
	while (left) {
		ssize_t n = read(c->part, buf, left < FEED_SIZE ? (size_t)left : FEED_SIZE);

		if (n <= 0)
			return err_errno(e, "can't read what came earlier of the layer %.80s", c->found->digest);
		if (io_write_all(c->pipe[1], buf, (size_t)n) < 0)
			return err_new(e, ERR_BUSY, "nobody wants the layer any more");
		left -= (uint64_t)n;
		atomic_fetch_add_explicit(&c->moved, (uint64_t)n, memory_order_relaxed);
	}
	return 0;
}

/* ---- one layer ---- */

static void *bring(void *arg)
{
	struct coming_layer *c = arg;
	struct blob_stream ask = {.digest = c->found->digest, .size = c->found->size, .sink = on_bytes, .ctx = c};

	open_part(c);
	int r = c->part >= 0 && c->had ? feed_part(c, &c->err) : 0;

	ask.from = c->had;
	if (!r)
		r = blob_stream(c->all->repo, &ask, &c->err);
	c->is_whole = !r;
	atomic_store(&c->end_ns, io_monotonic_ns());
	close(take_fd(&c->pipe[1]));
	return NULL;
}

int layers_open(void *ctx, size_t i, struct import_input *ret, struct err *e)
{
	struct layers *l = ctx;
	struct coming_layer *c = &l->v[i];
	pthread_attr_t attr;

	if (pipe2(c->pipe, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	fcntl(c->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	atomic_store(&c->start_ns, io_monotonic_ns());
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	errno = pthread_create(&c->thread, &attr, bring, c);
	pthread_attr_destroy(&attr);
	if (errno)
		return err_errno(e, "can't start a thread");
	c->is_running = true;
	*ret = (struct import_input){.fd = c->pipe[0], .left = UINT64_MAX};
	return 0;
}

void layers_finish(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].pipe[0] >= 0)
			close(take_fd(&l->v[i].pipe[0])); /* who still writes hears of it */
	for (size_t i = 0; i < l->n; i++) {
		struct coming_layer *c = &l->v[i];

		if (c->is_running)
			pthread_join(c->thread, NULL);
		if (c->pipe[1] >= 0)
			close(take_fd(&c->pipe[1]));
		if (c->is_whole)
			drop_part(c);
		else if (c->part >= 0)
			close(take_fd(&c->part));
	}
}

bool layers_failed(const struct layers *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].err.code || l->v[i].err.code == ERR_BUSY)
			continue;
		*e = l->v[i].err;
		return true;
	}
	return false;
}

bool layers_used_parts(const struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].had)
			return true;
	return false;
}

void layers_show(struct layers *l)
{
	struct fetch_layer_view views[VIEWS_MAX];
	size_t n = l->n < VIEWS_MAX ? l->n : VIEWS_MAX;

	if (!l->progress)
		return;
	for (size_t i = 0; i < n; i++) {
		struct coming_layer *c = &l->v[i];

		views[i] = (struct fetch_layer_view){
			.digest = c->found->digest,
			.size = c->found->size,
			.moved = atomic_load_explicit(&c->moved, memory_order_relaxed),
			.moved_before = c->had,
			.start_ns = atomic_load(&c->start_ns),
			.end_ns = atomic_load(&c->end_ns),
		};
		views[i].state = views[i].end_ns ? (c->is_whole ? FETCH_DONE : FETCH_STOPPED) :
				 views[i].start_ns ? FETCH_COMING : FETCH_WAITING;
	}
	l->progress->show(l->progress->ctx, views, n);
}
