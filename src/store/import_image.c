/* SPDX-License-Identifier: Apache-2.0 */
/* One image, its documents known: layers, documents, view, record, name, in the order that store/blob.h sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/oci_doc.h"
#include "image/tree.h"
#include "store/blob.h"
#include "store/find.h"
#include "store/import.h"
#include "store/import_layers.h"
#include "store/import_view.h"

/* Documents that the archive did not have are made now that the layers are known. */
static void complete_documents(struct arena *a, struct found_image *found, const struct import_layers *layers)
{
	if (found->format == IMAGE_ACI)
		return; /* its one document is in the tar */
	if (!found->config_text)
		found_make_config(a, found);
	if (found->manifest)
		return;
	uint64_t *sizes = arena_alloc(a, (layers->n + 1) * sizeof(*sizes));

	for (size_t i = 0; i < layers->n; i++)
		sizes[i] = layers->v[layers->same[i]].entries.tar_size;
	found_make_manifest(a, found, sizes);
}

static int put_documents(const struct store *s, const struct found_image *found, struct err *e)
{
	if (found->format == IMAGE_ACI)
		return 0;
	int r = blob_put(s, BLOB_SHA256, found->config_digest + 7, found->config_text, found->config_len, e);

	return r ? r : blob_put(s, BLOB_SHA256, found->manifest_digest + 7, found->manifest, found->manifest_len, e);
}

/* What compressed bytes became, so that they need not be read again. */
static int put_origins(const struct import_layers *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < l->n && !r; i++) {
		const struct import_layer *layer = &l->v[i];
		struct blob_from from = {
			.digest = (char *)layer->digest,
			.diff_id = (char *)layer->diff_id,
			.size = layer->size,
			.tar_size = layer->entries.tar_size,
			.media_type = l->image->found->layers.v[i].media_type,
		};

		if (l->same[i] == i && !l->stored[i] && layer->was_compressed && layer->kind == DIGEST_SHA256)
			r = blob_put_from(l->store, &from, e);
	}
	return r;
}

static void describe(struct arena *a, const struct import_image *in, const struct import_layers *l, struct image *img)
{
	const struct found_image *found = in->found;

	*img = (struct image){
		.format = found->format,
		.id = found->config_digest,
		.manifest_digest = found->manifest_digest,
		.manifest_type = found->manifest_type,
		.config = found->config,
		.vouch = in->vouch,
	};
	if (!img->vouch.when_ns)
		img->vouch.when_ns = io_now_ns();
	for (size_t i = 0; i < l->n; i++) {
		const struct found_layer *f = &found->layers.v[i];
		struct image_layer *layer = list_add(a, &img->layers);

		*layer = (struct image_layer){
			.diff_id = f->diff_id,
			.digest = f->digest ? f->digest : f->diff_id,
			.size = f->size,
			.tar_size = l->v[l->same[i]].entries.tar_size,
			.media_type = f->media_type,
		};
		if (!f->digest)
			layer->size = layer->tar_size;
		if (f->came_digest) {
			layer->digest = f->came_digest;
			layer->size = f->came_size;
			layer->media_type = f->came_type;
		}
		img->size += l->same[i] == i ? layer->tar_size : 0;
	}
}

static void fill_recipe(struct arena *a, const struct found_image *found, struct blob_view_recipe *recipe)
{
	enum tree_rules rules = found->format == IMAGE_ACI ? TREE_ACI : TREE_OCI;

	for (size_t i = 0; i < found->layers.n; i++) {
		struct blob_view_tar *tar = list_add(a, &recipe->tars);

		tar->blob = found->layers.v[i].diff_id;
		tar->rules = arena_strdup(a, tree_rules_names[rules]);
		tar->whitelist = found->layers.v[i].whitelist;
	}
}

static int make_view(struct arena *a, const struct import_layers *l, struct blob_view_recipe *recipe,
		     struct import_view *v, struct err *e)
{
	struct import_layer **layers = arena_alloc(a, (l->n + 1) * sizeof(*layers));

	for (size_t i = 0; i < l->n; i++)
		layers[i] = &l->v[l->same[i]];
	fill_recipe(a, l->image->found, recipe);
	*v = (struct import_view){.store = l->store, .recipe = recipe, .layers = layers};
	return import_view_make(a, v, e);
}

static int commit_layers(struct import_layers *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < l->n && !r; i++)
		r = import_layer_commit(&l->v[i], e);
	return r;
}

/*
 * Who vouched for these very bytes before vouches for them still: an image that was built here stays built when an
 * export of it comes back, and one that was imported stays so when it is fetched as well.
 */
static void keep_vouch(const struct store *s, struct arena *a, struct image *img)
{
	static const char *const ranks[] = {"imported", "built", NULL};
	int before = -1, now = -1;
	struct err ignored = {};
	struct image old;

	if (find_read_image(s, a, img->manifest_digest, &old, &ignored) < 0 || !old.vouch.how)
		return;
	for (int i = 0; ranks[i]; i++) {
		before = str_equal(old.vouch.how, ranks[i]) ? i : before;
		now = str_equal(img->vouch.how, ranks[i]) ? i : now;
	}
	if (before > now)
		img->vouch = old.vouch;
}

/* From here on things get names. */
static int put_all(struct arena *a, struct import_layers *l, struct image *img, const struct import_view *v, struct err *e)
{
	const struct store *s = l->store;
	int r;

	img->view = v->id;
	img->max_id = v->max_id;
	img->size += v->size;
	keep_vouch(s, a, img);
	if ((r = commit_layers(l, e)) || (r = put_origins(l, e)) || (r = put_documents(s, l->image->found, e)) ||
	    (r = import_view_put(v, e)) ||
	    (r = blob_put_image(s, img, v->passwd, v->passwd_len, v->group, v->group_len, e)) || (r = blob_sync(s, e)))
		return r;
	return store_tag_image(s, l->image->name ? l->image->name : img->manifest_digest, img->manifest_digest, e);
}

int import_image(const struct store *s, struct arena *a, struct import_image *in, struct image *ret, struct err *e)
{
	struct import_layers layers = {.store = s, .image = in};
	struct blob_view_recipe recipe = {};
	struct import_view view = {};
	struct image img = {};
	int r = import_layers(a, &layers, e);

	if (!r) {
		complete_documents(a, in->found, &layers);
		describe(a, in, &layers, &img);
		r = make_view(a, &layers, &recipe, &view, e);
	}
	if (!r)
		r = put_all(a, &layers, &img, &view, e);
	import_view_free(&view);
	import_layers_free(&layers);
	if (!r)
		*ret = img;
	return r;
}
