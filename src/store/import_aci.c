/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACIs (appc spec, aci.md and "Dependency matching"). The name of the tar in the store is the image ID; its
 * manifest may stand at its end, so it is read once the tar is stored. Rendering is depth first: each
 * dependency, which has been rendered already, then the image itself. The whitelist of an image holds for
 * all below it and replaces theirs.
 */
#include "store/import_aci.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/tree_parts.h"
#include "store/blob.h"

struct own {
	const struct store *store;
	struct arena *a;
	struct import_layer *layer;
	struct aci_manifest manifest;
};

/* The path inside the archive without "./" and doubled slashes equals this one? */
static bool is_path(const char *path, const char *wanted)
{
	struct tree_part a, b;

	for (;;) {
		bool more_a = tree_next_part(&path, &a), more_b = tree_next_part(&wanted, &b);

		if (!more_a || !more_b)
			return more_a == more_b;
		if (a.len != b.len || memcmp(a.text, b.text, a.len))
			return false;
	}
}

/* The entry; NULL when there is none, or more than one. */
static const struct tar_entry *find_entry(const struct import_entries *x, const char *path)
{
	const struct tar_entry *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		if (!is_path(x->v[i].path, path))
			continue;
		found = &x->v[i];
		n++;
	}
	return n == 1 ? found : NULL;
}

static int read_manifest(struct own *o, struct err *e)
{
	const struct tar_entry *entry = find_entry(&o->layer->entries, "manifest");

	if (!entry || entry->type != TAR_FILE || entry->sparse) {
		err_new(e, ERR_FAILED, "the archive is no image");
		err_because(e, "it has a rootfs, but not one file called manifest beside it, as an ACI would");
		return err_try(e, "tar -C rootfs -c . | rocket image import - NAME   (when it is a root file system)");
	}
	if (entry->size > ACI_MANIFEST_MAX)
		return err_new(e, ERR_FAILED, "the ACI's manifest is larger than %d bytes", ACI_MANIFEST_MAX);
	char *text = arena_alloc(o->a, entry->size + 1);

	if (pread(o->layer->out.fd, text, entry->size, (off_t)entry->offset) != (ssize_t)entry->size)
		return err_errno(e, "can't read the ACI's manifest");
	return aci_parse_manifest(o->a, text, entry->size, &o->manifest, e);
}

static int check_rootfs(const struct own *o, struct err *e)
{
	const struct import_entries *x = &o->layer->entries;

	for (size_t i = 0; i < x->n; i++) {
		const char *path = x->v[i].path;
		struct tree_part top;

		if (tree_next_part(&path, &top) && tree_part_is(&top, "rootfs"))
			return 0;
	}
	err_new(e, ERR_FAILED, "the ACI is incomplete");
	return err_because(e, "it has no rootfs");
}

static char *versioned(struct arena *a, const char *name, const char *version)
{
	return version ? arena_printf(a, "%s:%s", name, version) : arena_strdup(a, name);
}

static const char *label_of(char *const *labels, const char *name)
{
	size_t n = strlen(name);

	for (; labels && *labels; labels++)
		if (!strncmp(*labels, name, n) && (*labels)[n] == '=')
			return *labels + n + 1;
	return NULL;
}

static bool has_labels(const struct image *img, char *const *labels)
{
	for (; labels && *labels; labels++) {
		bool found = false;

		for (char **l = img->config.labels; l && *l && !found; l++)
			found = !strcmp(*l, *labels);
		if (!found)
			return false;
	}
	return true;
}

static int err_dependency(const struct aci_dependency *d, const char *because, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "the ACI needs %.150s", d->name);
	err_because(e, "%s", because);
	return err_try(e, "rocket image import FILE   (the ACI of %.100s), then this one again", d->name);
}

static int check_dependency(const struct aci_dependency *d, const struct image *img, struct err *e)
{
	const struct image_layer *top = img->layers.n ? &img->layers.v[img->layers.n - 1] : NULL;

	if (img->format != IMAGE_ACI)
		return err_dependency(d, "the image of that name in the store is no ACI", e);
	if (d->image_id && !str_equal(d->image_id, img->id))
		return err_dependency(d, "the image of that name in the store is another one than the manifest says", e);
	if (!has_labels(img, d->labels))
		return err_dependency(d, "the image of that name in the store has other labels", e);
	if (d->size && top && d->size != top->size && d->size != top->tar_size)
		return err_dependency(d, "the image of that name in the store has another size", e);
	return 0;
}

static int find_dependency(struct own *o, const struct aci_dependency *d, struct store_image *ret, struct err *e)
{
	const char *name = d->image_id ? d->image_id : versioned(o->a, d->name, label_of(d->labels, "version"));
	struct err why = {};

	if (store_find_image(o->store, o->a, name, ret, &why))
		return err_dependency(d, "it is not in the store", e);
	return check_dependency(d, &ret->image, e);
}

/* The layers of the dependency's own view, its dependencies' included. */
static int add_dependency(struct own *o, const struct aci_dependency *d, struct found_image *image, struct err *e)
{
	struct blob_view_recipe recipe = {};
	struct store_image found = {};
	int r = find_dependency(o, d, &found, e);

	if (!r)
		r = blob_get_view_recipe(o->store, o->a, found.image.view, &recipe, e);
	for (size_t i = 0; i < recipe.tars.n && !r; i++) {
		struct found_layer *layer = list_add(o->a, &image->layers);

		layer->diff_id = recipe.tars.v[i].blob;
		layer->whitelist = recipe.tars.v[i].whitelist;
		if (image->layers.n >= TREE_LAYERS_MAX)
			return err_new(e, ERR_FAILED, "the ACI rests on more than %d others", TREE_LAYERS_MAX);
	}
	return r;
}

static int add_layers(struct own *o, struct found_image *image, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < o->manifest.dependencies.n && !r; i++)
		r = add_dependency(o, &o->manifest.dependencies.v[i], image, e);
	if (r)
		return r;
	struct found_layer *own = list_add(o->a, &image->layers);

	own->diff_id = arena_strdup(o->a, o->layer->diff_id);
	own->digest = arena_strdup(o->a, o->layer->digest);
	own->size = o->layer->size;
	own->media_type = arena_strdup(o->a, "application/aci");
	for (size_t i = 0; o->manifest.whitelist && i < image->layers.n; i++)
		image->layers.v[i].whitelist = o->manifest.whitelist;
	return 0;
}

/* A user or group that is a path means the owner of that file. */
static int owner_of(struct own *o, const char *word, bool group, const char **ret, struct err *e)
{
	*ret = word;
	if (*word != '/')
		return 0;
	const struct tar_entry *entry = find_entry(&o->layer->entries, arena_printf(o->a, "rootfs%s", word));

	if (!entry) {
		err_new(e, ERR_FAILED, "the ACI's app should run as the owner of %.150s", word);
		return err_because(e, "the image itself has no such file");
	}
	*ret = arena_printf(o->a, "%u", group ? entry->gid : entry->uid);
	return 0;
}

static int set_user(struct own *o, struct found_image *image, struct err *e)
{
	const char *user, *group;
	int r;

	if (!o->manifest.has_app)
		return 0;
	if ((r = owner_of(o, o->manifest.user, false, &user, e)) || (r = owner_of(o, o->manifest.group, true, &group, e)))
		return r;
	image->config.user = arena_printf(o->a, "%s:%s", user, group);
	return 0;
}

static int describe(struct own *o, struct found_image *image, struct err *e)
{
	char *id = arena_strdup(o->a, o->layer->diff_id);
	int r;

	*image = (struct found_image){
		.format = IMAGE_ACI,
		.name = versioned(o->a, o->manifest.name, o->manifest.version),
		.manifest_digest = id,
		.manifest_type = arena_strdup(o->a, "application/aci"),
		.config_digest = id,
		.config = o->manifest.config,
	};
	r = set_user(o, image, e);
	return r ? r : add_layers(o, image, e);
}

int import_aci_read(const struct store *s, struct arena *a, const struct import_input *in,
		    struct import_layer *ret_layer, struct found_image *ret, struct aci_manifest *ret_manifest,
		    struct err *e)
{
	return import_aci_read_with(s, a, in, NULL, ret_layer, ret, ret_manifest, e);
}

int import_aci_read_with(const struct store *s, struct arena *a, const struct import_input *in,
			 const struct aci_dependencies *first, struct import_layer *ret_layer, struct found_image *ret,
			 struct aci_manifest *ret_manifest, struct err *e)
{
	struct own o = {.store = s, .a = a, .layer = ret_layer};
	struct found_image image = {};

	*ret_layer = IMPORT_LAYER_NONE;
	ret_layer->in = *in;
	ret_layer->kind = DIGEST_SHA512;
	int r = import_layer(s, ret_layer, e);

	if (!r)
		r = read_manifest(&o, e);
	if (!r)
		r = check_rootfs(&o, e);
	if (!r && first)
		r = first->bring(first->ctx, &o.manifest, e);
	if (!r)
		r = describe(&o, &image, e);
	if (r)
		return r;
	*ret = image;
	*ret_manifest = o.manifest;
	return 0;
}
