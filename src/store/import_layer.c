/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline of one layer (store/import_layer.h). The writer is the calling thread. */
#include "store/import_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/inflate.h"
#include "store/blob.h"
#include "store/import_ring.h"

enum {
	TAR_SLOT = 1 << 20,
	IN_SLOT = 512 << 10,
	STACK_SIZE = 256 << 10,
	WRITE_BACK = 8 << 20,     /* how far buffered writing runs ahead of the disk */
	BUFFERED_MAX = 64 << 20,  /* a tar up to this should be in the page cache at the first start; larger ones go past it */
	USUAL_RATIO = 3,          /* of a tar to its compressed form */
};
/* A bomb is small and becomes large: both must be so. The largest layers known keep below 30. */
#define BOMB_MIN   (512ULL << 20)
#define BOMB_RATIO 200

struct pipeline {
	struct import_layer *layer;
	struct ring_sync sync;
	struct ring in;   /* the bytes as they came, when they are compressed */
	struct ring tar;
	bool compressed;
	bool large;
	uint64_t bytes_in, bytes_out;
};

void import_layer_free(struct import_layer *l)
{
	free(l->entries.v);
	arena_free(&l->entries.arena);
	blob_writer_close(&l->out);
	*l = IMPORT_LAYER_NONE;
}

int import_keep_entry(void *ctx, const struct tar_entry *entry, struct err *e)
{
	struct import_entries *x = ctx;

	if (x->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 256;
		x->v = realloc(x->v, x->cap * sizeof(*x->v));
		if (!x->v)
			abort();
	}
	x->v[x->n++] = *entry;
	return 0;
}

/* ---- reader ---- */

static bool is_stopped(const struct pipeline *p)
{
	return p->layer->stop && atomic_load_explicit(p->layer->stop, memory_order_relaxed);
}

static int check_bomb(const struct pipeline *p, struct err *e)
{
	if (p->bytes_out < BOMB_MIN || p->bytes_out / BOMB_RATIO < p->bytes_in)
		return 0;
	err_new(e, ERR_FAILED, "a layer grows more than %d-fold when decompressed", BOMB_RATIO);
	return err_because(e, "that is how archives are built that fill disks: %llu bytes became %llu so far",
			   (unsigned long long)p->bytes_in, (unsigned long long)p->bytes_out);
}

static ssize_t read_some(struct pipeline *p, uint8_t *buf, size_t n, struct err *e)
{
	ssize_t got = import_read(&p->layer->in, buf, n);

	if (got < 0)
		return err_errno(e, "can't read the image");
	p->bytes_in += (uint64_t)got;
	if (p->layer->done)
		atomic_fetch_add_explicit(p->layer->done, (uint64_t)got, memory_order_relaxed);
	if (is_stopped(p))
		return err_new(e, ERR_FAILED, "another layer could not be imported");
	return got;
}

static int read_plain(struct pipeline *p, struct err *e)
{
	for (;;) {
		uint8_t *slot = ring_get_empty(&p->tar);
		ssize_t n = slot ? read_some(p, slot, TAR_SLOT, e) : 0;

		if (n <= 0)
			return (int)n;
		ring_put(&p->tar, (size_t)n);
		p->bytes_out += (uint64_t)n;
		if (n < TAR_SLOT)
			return 0;
	}
}

/* The next piece of input into io; *ret_end at its end. */
static int next_input(struct pipeline *p, struct inflate_io *io, bool *ret_end, struct err *e)
{
	uint8_t *slot = ring_get_empty(&p->in);
	ssize_t n = slot ? read_some(p, slot, IN_SLOT, e) : 0;

	if (n < 0)
		return (int)n;
	if (n)
		ring_put(&p->in, (size_t)n);
	io->in = slot;
	io->in_len = (size_t)n;
	*ret_end = n == 0;
	return 0;
}

/* Fills one slot of the tar's ring; *ret_end once all input is used up. */
static int inflate_slot(struct pipeline *p, struct inflate *f, struct inflate_io *io, bool *ret_end, struct err *e)
{
	bool input_over = false;
	int r = 0;

	while (!r && io->out_len && !input_over) {
		if (!io->in_len)
			r = next_input(p, io, &input_over, e);
		if (!r && !input_over)
			r = inflate_step(f, io, e);
	}
	if (!r && input_over)
		r = inflate_finish(f, io, e);
	*ret_end = input_over && io->out_len;
	return r;
}

static int read_compressed(struct pipeline *p, enum inflate_kind kind, struct err *e)
{
	autoinflate *f = NULL;
	struct inflate_io io = {};
	bool end = false;
	int r = inflate_open(kind, &f, e);

	while (!r && !end) {
		uint8_t *slot = ring_get_empty(&p->tar);

		if (!slot)
			return 0;
		io.out = slot;
		io.out_len = TAR_SLOT;
		r = inflate_slot(p, f, &io, &end, e);
		size_t n = TAR_SLOT - io.out_len;

		p->bytes_out += n;
		if (!r)
			r = check_bomb(p, e);
		if (!r && n)
			ring_put(&p->tar, n);
	}
	return r;
}

struct reader_start {
	struct pipeline *p;
	enum inflate_kind kind;
};

static void *reader(void *arg)
{
	struct reader_start *start = arg;
	struct pipeline *p = start->p;
	struct err e = {};
	int r = p->compressed ? read_compressed(p, start->kind, &e) : read_plain(p, &e);

	if (r)
		ring_fail(&p->sync, &e);
	ring_close(&p->in);
	ring_close(&p->tar);
	return NULL;
}

/* ---- hasher ---- */

static void finish_digests(struct pipeline *p, struct digest *came, struct digest *tar)
{
	struct import_layer *l = p->layer;

	memcpy(l->diff_id, l->kind == DIGEST_SHA512 ? "sha512-" : "sha256:", 7);
	digest_hex(tar, l->diff_id + 7);
	if (came) {
		memcpy(l->digest, "sha256:", 7);
		digest_hex(came, l->digest + 7);
	} else {
		memcpy(l->digest, l->diff_id, sizeof(l->digest));
	}
}

/* The bytes as they came need a digest of their own when they are not the tar, or the tar's is a SHA-512. */
static void *hasher(void *arg)
{
	struct pipeline *p = arg;
	bool two = p->compressed || p->layer->kind != DIGEST_SHA256;
	autodigest *tar = digest_new(p->layer->kind);
	autodigest *came = two ? digest_new(DIGEST_SHA256) : NULL;
	struct ring *in = p->compressed ? &p->in : NULL;
	uint64_t n_tar = 0, n_in = 0;
	size_t len = 0;
	int which;

	while ((which = ring_wait_either(&p->tar, n_tar, in, n_in)) >= 0) {
		struct ring *ring = which ? in : &p->tar;
		uint64_t n = which ? n_in++ : n_tar++;
		const uint8_t *slot = ring_take(ring, n, &len);

		if (!slot)
			break;
		digest_add(which ? came : tar, slot, len);
		if (!which && two && !p->compressed)
			digest_add(came, slot, len);
		ring_done(ring, n);
	}
	finish_digests(p, came, tar);
	return NULL;
}

/* ---- writer ---- */

struct out {
	int fd;
	uint64_t at;
	bool direct;
};

static int write_at(int fd, const uint8_t *bytes, size_t n, uint64_t at, struct err *e)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			err_errno(e, "can't write the layer into the store");
			return errno == ENOSPC ? err_try(e, "rocket gc --grace-period 0   (makes room)") : -e->code;
		}
		bytes += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

/* Past the page cache needs whole blocks; a file system may refuse it. */
static void set_direct(struct out *o, bool direct)
{
	int flags = fcntl(o->fd, F_GETFL);

	if (flags >= 0 && fcntl(o->fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0)
		o->direct = direct;
}

/* Is the tar likely to be larger than what the page cache is good for? */
static bool is_large(const struct pipeline *p)
{
	uint64_t left = p->layer->in.left;

	return left != UINT64_MAX && left > (p->compressed ? BUFFERED_MAX / USUAL_RATIO : BUFFERED_MAX);
}

static int write_slot(struct out *o, const uint8_t *slot, size_t n, struct err *e)
{
	if (!o->direct && o->at == BUFFERED_MAX)
		set_direct(o, true);
	if (o->direct && n % RING_ALIGN)
		set_direct(o, false);
	if (o->direct) {
		ssize_t done = pwrite(o->fd, slot, n, (off_t)o->at);

		if (done == (ssize_t)n) {
			o->at += n;
			return 0;
		}
		set_direct(o, false); /* write_at() tries again and says what is wrong */
	}
	int r = write_at(o->fd, slot, n, o->at, e);

	o->at += n;
	if (!r && o->at % WRITE_BACK == 0)
		sync_file_range(o->fd, (off_t)(o->at - WRITE_BACK), WRITE_BACK, SYNC_FILE_RANGE_WRITE);
	return r;
}

static int write_and_parse(struct pipeline *p, int fd, struct err *e)
{
	struct tar_callbacks call = {.on_entry = import_keep_entry, .ctx = &p->layer->entries};
	autotar *t = tar_open(&p->layer->entries.arena, &call);
	struct out out = {.fd = fd};
	const uint8_t *slot;
	size_t len = 0;
	int r = 0;

	if (p->large)
		set_direct(&out, true);
	for (uint64_t n = 0; !r && (slot = ring_take(&p->tar, n, &len)); n++) {
		r = write_slot(&out, slot, len, e);
		if (!r)
			r = tar_push(t, slot, len, e);
		ring_done(&p->tar, n);
	}
	p->layer->entries.tar_size = out.at;
	if (r)
		ring_fail(&p->sync, e);
	else if (!p->sync.failed)
		r = tar_finish(t, e);
	return r;
}

static int start_thread(pthread_t *ret, void *(*run)(void *), void *arg, struct err *e)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	errno = pthread_create(ret, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return errno ? err_errno(e, "can't start a thread") : 0;
}

static int run_threads(struct pipeline *p, enum inflate_kind kind, int fd, struct err *e)
{
	struct reader_start start = {p, kind};
	pthread_t reads, hashes;
	int r = start_thread(&reads, reader, &start, e);

	if (r)
		return r;
	r = start_thread(&hashes, hasher, p, e);
	if (r) {
		ring_fail(&p->sync, e);
		pthread_join(reads, NULL);
		return r;
	}
	r = write_and_parse(p, fd, e);
	pthread_join(reads, NULL);
	pthread_join(hashes, NULL);
	if (p->sync.failed)
		*e = p->sync.err;
	return p->sync.failed ? -e->code : r;
}

static int check_layer(const struct pipeline *p, struct err *e)
{
	const struct import_layer *l = p->layer;

	if (l->want_digest && (l->size != l->want_size || strcmp(l->want_digest, l->digest))) {
		err_new(e, ERR_FAILED, "layer %.80s is not what the image says", l->want_digest);
		return err_because(e, "its %llu bytes have the digest %.80s", (unsigned long long)l->size, l->digest);
	}
	if (l->want_diff_id && strcmp(l->want_diff_id, l->diff_id)) {
		err_new(e, ERR_FAILED, "a layer is not what the image's config says");
		return err_because(e, "its tar has the digest %.80s instead of %.80s", l->diff_id, l->want_diff_id);
	}
	return 0;
}

/* The first bytes say how it is compressed; they are given again to whoever reads on. */
static int sniff(struct import_layer *l, uint8_t head[INFLATE_HEAD], enum inflate_kind *ret, struct err *e)
{
	struct import_input again = l->in;
	ssize_t n = import_read(&l->in, head, INFLATE_HEAD);

	if (n < 0)
		return err_errno(e, "can't read the image");
	if (l->in.seekable || again.head_len >= (size_t)n) {
		l->in = again;
	} else {
		l->in.head = head;
		l->in.head_len = (size_t)n;
		if (l->in.left != UINT64_MAX)
			l->in.left += (uint64_t)n;
	}
	return inflate_sniff(head, (size_t)n, ret, e);
}

static int run(const struct store *s, struct import_layer *l, struct pipeline *p, enum inflate_kind kind,
	       struct err *e)
{
	int r = blob_writer_open(s, l->kind == DIGEST_SHA512 ? BLOB_SHA512 : BLOB_SHA256, &l->out, e);

	if (!r)
		r = run_threads(p, kind, l->out.fd, e);
	l->size = p->bytes_in;
	if (!r)
		r = check_layer(p, e);
	if (!r && fdatasync(l->out.fd) < 0) /* here, where layers wait for the disk side by side */
		r = err_errno(e, "can't write the layer into the store");
	return r;
}

int import_layer(const struct store *s, struct import_layer *l, struct err *e)
{
	uint8_t head[INFLATE_HEAD];
	enum inflate_kind kind;
	int r = sniff(l, head, &kind, e);

	if (r)
		return r;
	struct pipeline p = {.layer = l, .compressed = kind != INFLATE_NONE};

	l->was_compressed = p.compressed;
	p.large = is_large(&p);
	ring_sync_init(&p.sync);
	ring_init(&p.tar, &p.sync, TAR_SLOT, 2);
	ring_init(&p.in, &p.sync, p.compressed ? IN_SLOT : RING_ALIGN, 1);
	r = run(s, l, &p, kind, e);
	ring_free(&p.in);
	ring_free(&p.tar);
	ring_sync_destroy(&p.sync);
	return r;
}

/* ---- a layer that is there already ---- */

static int scan_tar(const uint8_t *bytes, uint64_t size, struct import_entries *x, struct err *e)
{
	struct tar_callbacks call = {.on_entry = import_keep_entry, .ctx = x};
	autotar *t = tar_open(&x->arena, &call);
	int r = 0;

	for (uint64_t at = 0; !r && at < size;) {
		uint64_t skip = tar_skippable(t);

		if (skip > size - at)
			break;
		tar_skip(t, skip);
		at += skip;
		size_t n = size - at < TAR_BLOCK ? (size_t)(size - at) : TAR_BLOCK;

		r = tar_push(t, bytes + at, n, e);
		at += n;
	}
	x->tar_size = size;
	return r ? r : tar_finish(t, e);
}

int import_layer_commit(struct import_layer *l, struct err *e)
{
	if (l->out.store)
		return blob_writer_commit(&l->out, l->diff_id + 7, e);
	blob_writer_close(&l->out);
	return 0;
}

/* The store's files are written once and never cut, so they may be mapped. */
static int map_and_scan(int fd, const char *diff_id, struct import_entries *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "can't read the stored layer %.80s", diff_id);
	if (!st.st_size)
		return 0;
	uint8_t *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return err_errno(e, "can't read the stored layer %.80s", diff_id);
	madvise(bytes, (size_t)st.st_size, MADV_RANDOM);
	int r = scan_tar(bytes, (uint64_t)st.st_size, ret, e);

	munmap(bytes, (size_t)st.st_size);
	return r;
}

int import_stored_layer(const struct store *s, const char *diff_id, struct import_layer *ret, struct err *e)
{
	int r = blob_open(s, diff_id, &ret->out.fd, e);

	snprintf(ret->diff_id, sizeof(ret->diff_id), "%s", diff_id);
	return r ? r : map_and_scan(ret->out.fd, diff_id, &ret->entries, e);
}
