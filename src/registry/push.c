/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See push.h. First each layer is looked for as it first came; then all go out by what that gave, several at once; the config
 * and the manifest last, so that a name at the registry has everything behind it.
 */
#include "registry/push.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/str.h"
#include "image/oci_doc.h"
#include "registry/client.h"
#include "store/blob.h"

enum { WORKERS = 4, LAYERS_SHOWN = 500, SHOW_EVERY_MS = 100 };

struct push_layer {
	const struct image_layer *own;
	size_t same;             /* the first one of the same tar: itself, mostly */
	bool is_there;           /* at the registry, under own->digest */
	bool was_mounted;
	/* what goes out: */
	const char *digest, *type;
	char digest_text[DIGEST_TEXT_MAX];
	uint64_t size;
	_Atomic uint64_t moved;
	_Atomic int64_t start_ns, end_ns;
	uint64_t sent;
};

struct push {
	struct arena *a;
	const struct push_request *ask;
	const char *source;      /* repository of the same host that the image came from, or NULL */
	struct push_layer *v;
	size_t n;
	bool exact;
	atomic_size_t next;
	pthread_mutex_t mutex;   /* guards err, and the arena while workers run */
	atomic_bool failed;
	struct err err;
};

/* ---- what is there ---- */

/* "docker://HOST/REPOSITORY…": of the same host another repository, from which layers can be mounted. */
static const char *source_of(struct push *p)
{
	const char *text = p->ask->image->vouch.source;
	struct err ignored = {};
	struct reference ref;

	if (!text || !str_has_prefix(text, "docker://") || reference_parse(p->a, text, &ref, &ignored) ||
	    !str_equal(ref.host, p->ask->ref->host) || str_equal(ref.repository, p->ask->ref->repository))
		return NULL;
	return ref.repository;
}

static void find_same(struct push *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->v[i].own = &p->ask->image->layers.v[i];
		p->v[i].same = i;
		for (size_t k = 0; k < i && p->v[i].same == i; k++)
			if (!strcmp(p->v[k].own->diff_id, p->v[i].own->diff_id))
				p->v[i].same = k;
	}
}

static int find_layer(struct push *p, struct push_layer *l, struct err *e)
{
	struct upload u = {.digest = l->own->digest, .fd = -1, .mount_from = p->source, .bytes = ""};
	int r = registry_has_blob(p->ask->repo, l->own->digest, &l->is_there, e);

	if (r || l->is_there || !p->source)
		return r;
	r = upload_mount(p->ask->repo, &u, e);
	l->is_there = l->was_mounted = u.was_mounted;
	return r;
}

/* Can it go out byte for byte, and should it? */
static bool goes_as_it_came(const struct push *p, const struct push_layer *l)
{
	bool in_store = blob_exists(p->ask->store, l->own->digest, NULL);

	return l->is_there || (in_store && p->ask->compression == COMPRESS_NONE);
}

static int look(struct push *p, struct err *e)
{
	int r = 0;

	p->exact = blob_exists(p->ask->store, p->ask->image->manifest_digest, NULL);
	for (size_t i = 0; i < p->n && !r; i++) {
		struct push_layer *l = &p->v[i];

		if (l->same != i)
			continue;
		r = find_layer(p, l, e);
		p->exact = p->exact && goes_as_it_came(p, l);
	}
	return r;
}

/* ---- layers ---- */

static int send_fd(struct push *p, struct push_layer *l, int fd, struct err *e)
{
	struct upload u = {.digest = l->digest, .fd = fd, .size = l->size, .moved = &l->moved, .mount_from = p->source};
	int r;

	atomic_store(&l->moved, 0);
	r = upload_blob(p->ask->repo, &u, e);
	l->was_mounted = u.was_mounted;
	l->sent = r || u.was_there || u.was_mounted ? 0 : l->size;
	l->is_there = u.was_there;
	return r;
}

/* A form of the tar that the registry has under a digest that the store remembers. */
static int find_form(struct push *p, struct push_layer *l, bool *ret_found, struct err *e)
{
	autoarena a = {};
	struct blob_forms forms = {};
	int r = blob_list_forms(p->ask->store, &a, l->own->diff_id, &forms, e);

	*ret_found = false;
	for (size_t i = 0; i < forms.list.n && !r && !*ret_found; i++) {
		const struct blob_from *f = &forms.list.v[i];

		if (p->ask->is_compression_given && !str_equal(f->media_type, compress_types[p->ask->compression]))
			continue;
		r = registry_has_blob(p->ask->repo, f->digest, ret_found, e);
		if (r || !*ret_found)
			continue;
		snprintf(l->digest_text, sizeof(l->digest_text), "%s", f->digest);
		l->digest = l->digest_text;
		l->size = f->size;
		l->type = strstr(f->media_type ? f->media_type : "", "zstd") ? compress_types[COMPRESS_ZSTD]
									       : compress_types[COMPRESS_GZIP];
		l->is_there = true;
	}
	return r;
}

static int send_compressed(struct push *p, struct push_layer *l, int tar, struct err *e)
{
	autoblob scratch = BLOB_WRITER_NONE; /* never gets a name */
	bool found = false;
	int r = find_form(p, l, &found, e);

	if (r || found)
		return r;
	r = blob_writer_open(p->ask->store, BLOB_SHA256, &scratch, e);
	if (!r)
		r = compress_file(p->ask->compression, tar, scratch.fd, &l->moved, l->digest_text, &l->size, e);
	if (r)
		return r;
	l->digest = l->digest_text;
	l->type = compress_types[p->ask->compression];
	struct blob_from from = {
		.digest = l->digest_text,
		.diff_id = l->own->diff_id,
		.size = l->size,
		.tar_size = l->own->tar_size,
		.media_type = (char *)l->type,
	};

	r = blob_put_from(p->ask->store, &from, e);
	return r ? r : send_fd(p, l, scratch.fd, e);
}

static int send_layer(struct push *p, struct push_layer *l, struct err *e)
{
	autoclose int tar = -1;

	l->digest = l->own->digest;
	l->type = l->own->media_type ? l->own->media_type : compress_types[COMPRESS_NONE];
	l->size = l->own->size;
	if (l->is_there)
		return 0;
	int r = blob_open(p->ask->store, l->own->diff_id, &tar, e);

	if (r)
		return r;
	if (p->ask->compression != COMPRESS_NONE)
		return send_compressed(p, l, tar, e);
	l->digest = l->own->diff_id;
	l->type = compress_types[COMPRESS_NONE];
	l->size = l->own->tar_size;
	return send_fd(p, l, tar, e);
}

static void *worker(void *arg)
{
	struct push *p = arg;
	struct err e = {};

	for (size_t i; !p->failed && (i = atomic_fetch_add(&p->next, 1)) < p->n;) {
		struct push_layer *l = &p->v[i];

		if (l->same != i)
			continue;
		atomic_store(&l->start_ns, io_monotonic_ns());
		int r = send_layer(p, l, &e);

		atomic_store(&l->end_ns, io_monotonic_ns());
		if (!r)
			continue;
		pthread_mutex_lock(&p->mutex);
		if (!p->failed)
			p->err = e;
		p->failed = true;
		pthread_mutex_unlock(&p->mutex);
	}
	return NULL;
}

static void show(struct push *p)
{
	struct fetch_layer_view views[LAYERS_SHOWN];
	size_t n = 0;

	for (size_t i = 0; p->ask->progress && i < p->n && n < LAYERS_SHOWN; i++) {
		struct push_layer *l = &p->v[i];
		struct fetch_layer_view v = {
			.digest = l->own->diff_id,
			.size = l->own->tar_size,
			.moved = atomic_load(&l->moved),
			.start_ns = atomic_load(&l->start_ns),
			.end_ns = atomic_load(&l->end_ns),
		};

		v.state = v.end_ns ? FETCH_DONE : v.start_ns ? FETCH_COMING : FETCH_WAITING;
		if (l->same == i)
			views[n++] = v;
	}
	if (p->ask->progress)
		p->ask->progress->show(p->ask->progress->ctx, views, n);
}

static int send_layers(struct push *p, struct err *e)
{
	pthread_t threads[WORKERS];
	size_t n = 0;

	while (n < WORKERS && n < p->n && !(errno = pthread_create(&threads[n], NULL, worker, p)))
		n++;
	if (!n && p->n)
		return err_errno(e, "can't start a thread");
	for (size_t i = 0; i < n;) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SHOW_EVERY_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_timedjoin_np(threads[i], NULL, &until) != ETIMEDOUT)
			i++;
		show(p);
	}
	if (p->failed)
		*e = p->err;
	return p->failed ? -e->code : 0;
}

/* ---- documents ---- */

static int read_blob(struct push *p, const char *digest, char **ret, size_t *ret_n, struct err *e)
{
	autoclose int fd = -1;
	int r = blob_open(p->ask->store, digest, &fd, e);

	return r ? r : io_read_fd(fd, REGISTRY_DOCUMENT_MAX, ret, ret_n, e);
}

/* Around the same config, with the annotations of the manifest that it stands for. */
static void make_manifest(struct push *p, const char *old, size_t old_len, size_t config_len, struct str *m)
{
	struct err ignored = {};
	struct doc *root = NULL;
	const struct doc *notes;

	str_addf(m, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
		    "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		 p->ask->image->id, config_len);
	for (size_t i = 0; i < p->n; i++) {
		const struct push_layer *l = &p->v[p->v[i].same];

		str_add(m, i ? ",{\"mediaType\":" : "{\"mediaType\":");
		str_add_json(m, l->type);
		str_addf(m, ",\"digest\":\"%s\",\"size\":%llu}", l->digest, (unsigned long long)l->size);
	}
	str_add_char(m, ']');
	if (old && !doc_parse_json(p->a, "manifest", old, old_len, &root, &ignored) && (notes = doc_get(root, "annotations")) &&
	    notes->kind == DOC_MAP && notes->n) {
		str_add(m, ",\"annotations\":");
		doc_write_json(m, notes, false);
	}
	str_add_char(m, '}');
}

static int put_documents(struct push *p, struct push_done *done, struct err *e)
{
	const struct image *img = p->ask->image;
	autofree char *config = NULL, *old = NULL;
	size_t config_len = 0, old_len = 0;
	char digest[DIGEST_TEXT_MAX];
	autostr manifest = {};
	struct err ignored = {};
	int r = read_blob(p, img->id, &config, &config_len, e);

	if (!r)
		r = registry_put_blob(p->ask->repo, img->id, config, config_len, e);
	if (r)
		return r;
	if (read_blob(p, img->manifest_digest, &old, &old_len, &ignored))
		old_len = 0;
	done->media_type = arena_strdup(p->a, OCI_TYPE_MANIFEST);
	if (p->exact) {
		str_add_bytes(&manifest, old, old_len);
		done->media_type = arena_strdup(p->a, img->manifest_type ? img->manifest_type : OCI_TYPE_MANIFEST);
	} else {
		make_manifest(p, old_len ? old : NULL, old_len, config_len, &manifest);
	}
	digest_text(manifest.text, manifest.len, digest);
	done->digest = arena_strdup(p->a, digest);
	done->exact = !strcmp(digest, img->manifest_digest);
	return registry_put_manifest(p->ask->repo, p->ask->ref->tag ? p->ask->ref->tag : digest, done->media_type, manifest.text,
				     manifest.len, e);
}

static void count(const struct push *p, struct push_done *done)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct push_layer *l = &p->v[i];

		if (l->same != i)
			continue;
		done->bytes += l->sent;
		done->sent += l->sent > 0;
		done->mounted += l->was_mounted;
		done->there += l->is_there && !l->was_mounted;
	}
}

int push_image(struct arena *a, const struct push_request *request, struct push_done *ret, struct err *e)
{
	struct push p = {.a = a, .ask = request, .n = request->image->layers.n, .mutex = PTHREAD_MUTEX_INITIALIZER};
	struct push_done done = {};
	int r;

	if (request->image->format == IMAGE_ACI) {
		err_new(e, ERR_USAGE, "an ACI can't be pushed to a registry");
		err_because(e, "registries of the OCI take manifests with layers, and an ACI is one archive");
		return err_try(e, "rocket image export NAME FILE.aci   (and put that on a web server)");
	}
	p.v = arena_alloc(a, (p.n + 1) * sizeof(*p.v));
	p.source = source_of(&p);
	find_same(&p);
	r = look(&p, e);
	if (!r)
		r = send_layers(&p, e);
	if (!r)
		r = put_documents(&p, &done, e);
	if (r)
		return r;
	count(&p, &done);
	*ret = done;
	return 0;
}
