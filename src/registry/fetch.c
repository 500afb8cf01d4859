/* SPDX-License-Identifier: Apache-2.0 */
/* See fetch.h. */
#include "registry/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/digest.h"
#include "registry/choose.h"
#include "registry/evidence_fetch.h"
#include "registry/layers.h"
#include "store/blob.h"
#include "store/import.h"

enum { WORKERS = 4, CHECK_PIECE = 1 << 20 };

struct fetch {
	struct arena *a;
	const struct fetch_request *ask;
	struct chosen chosen;
	struct fetch_done done;
};

/* Where it came from: the name with the digest that it meant there. */
static char *origin_of(const struct fetch *f)
{
	const struct reference *ref = f->ask->ref;
	char *repository = reference_repository(f->a, ref);

	return arena_printf(f->a, "docker://%s%s%s@%s", repository, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
			    f->chosen.top.digest);
}

static char *name_of(const struct fetch *f)
{
	const struct reference *ref = f->ask->ref;

	if (f->ask->name)
		return arena_strdup(f->a, f->ask->name);
	return ref->tag ? reference_name(f->a, ref) : f->chosen.top.digest; /* of the index, when it was asked for by that */
}

/* Does the stored tar still have its digest? One that has not goes, and comes again. */
static bool check_stored(const struct store *s, const char *diff_id)
{
	autoclose int fd = -1;
	autodigest *d = digest_new(DIGEST_SHA256);
	autofree char *buf = malloc(CHECK_PIECE);
	char hex[DIGEST_HEX_MAX];
	struct err ignored = {};
	ssize_t n = -1;

	if (!buf)
		abort();
	if (blob_open(s, diff_id, &fd, &ignored))
		return false;
	while ((n = read(fd, buf, CHECK_PIECE)) > 0 || (n < 0 && errno == EINTR))
		digest_add(d, buf, n > 0 ? (size_t)n : 0);
	digest_hex(d, hex);
	if (!n && !strcmp(hex, diff_id + strlen("sha256:")))
		return true;
	(void)!blob_remove(s, diff_id, &ignored);
	return false;
}

/* The very image is there with all that belongs to it: only its name may be new. */
static bool is_there(struct fetch *f)
{
	const struct store *s = f->ask->store;
	struct store_image found = {};
	struct err ignored = {};
	bool good = true;

	if (store_find_image(s, f->a, f->chosen.image.manifest_digest, &found, &ignored) ||
	    !str_equal(found.image.manifest_digest, f->chosen.image.manifest_digest) ||
	    !blob_view_exists(s, found.image.view) || !blob_exists(s, found.image.manifest_digest, NULL) ||
	    !blob_exists(s, found.image.id, NULL))
		return false;
	for (size_t i = 0; i < found.image.layers.n; i++)
		good = check_stored(s, found.image.layers.v[i].diff_id) && good;
	f->done.image = found.image;
	return good;
}

static void show(void *ctx, unsigned done, unsigned layers, uint64_t bytes, uint64_t total)
{
	layers_show(ctx);
}

static int import(struct fetch *f, bool *ret_used_parts, struct err *e)
{
	struct layers layers = {.store = f->ask->store, .repo = f->ask->repo, .progress = f->ask->progress};
	struct import_progress progress = {show, &layers};
	struct err network = {};
	struct import_image in = {
		.found = &f->chosen.image,
		.open_layer = layers_open,
		.ctx = &layers,
		.name = f->done.name,
		.vouch = {.how = (char *)"fetched", .who = (char *)f->ask->who, .source = origin_of(f)}, /* nobody vouches */
		.progress = f->ask->progress ? &progress : NULL,
		.workers = WORKERS,
		.keep_layers = true,
	};

	layers_init(f->a, &layers, &f->chosen.image);
	int r = import_image(f->ask->store, f->a, &in, &f->done.image, e);

	layers_finish(&layers);
	if (r && layers_failed(&layers, &network)) {
		*e = network;
		r = -e->code;
	}
	for (size_t i = 0; i < layers.n; i++)
		f->done.bytes += atomic_load(&layers.v[i].moved) - layers.v[i].had;
	*ret_used_parts = layers_used_parts(&layers);
	layers_show(&layers);
	return r;
}

static int import_again(struct fetch *f, struct err *e)
{
	bool used_parts = false;
	int r = import(f, &used_parts, e);

	/* What lay there from an earlier run may be what is wrong; it is gone now. */
	if (r != -ERR_FAILED || !used_parts)
		return r;
	*e = (struct err){};
	return import(f, &used_parts, e);
}

static int check_asked_digest(const struct fetch *f, struct err *e)
{
	const char *want = f->ask->ref->digest;

	if (!want || !strcmp(want, f->chosen.top.digest))
		return 0;
	err_new(e, ERR_FAILED, "%.120s is not the image that was asked for", f->ask->ref->repository);
	return err_because(e, "it is %.80s instead of %.80s", f->chosen.top.digest, want);
}

/* The image, and meanwhile what speaks about it. */
static int bring(struct fetch *f, struct err *e)
{
	struct evidence_fetch *evidence = NULL;
	int r = evidence_begin(f->ask->repo, &f->chosen, &evidence, e);

	if (r)
		return r;
	f->done.was_there = is_there(f);
	if (f->done.was_there)
		r = store_tag_image(f->ask->store, f->done.name, f->chosen.image.manifest_digest, e);
	else
		r = import_again(f, e);
	if (!r)
		r = evidence_keep(evidence, f->ask->store, f->a, &f->done.signatures, &f->done.missing, e);
	evidence_free(evidence);
	return r;
}

int fetch_image(struct arena *a, const struct fetch_request *request, struct fetch_done *ret, struct err *e)
{
	struct fetch f = {.a = a, .ask = request};
	struct oci_platform platform;
	const char *which = request->ref->digest ? request->ref->digest : request->ref->tag;
	int r = choose_platform(a, request->platform, &platform, e);

	if (!r)
		r = choose_image(request->repo, a, which, &platform, request->platform != NULL, &f.chosen, e);
	if (!r)
		r = check_asked_digest(&f, e);
	if (r)
		return r;
	f.done.digest = f.chosen.top.digest;
	f.done.name = name_of(&f);
	r = bring(&f, e);
	if (!r)
		*ret = f.done;
	return r;
}
