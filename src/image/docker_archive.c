/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `docker save` and `podman save` write (docker's image/spec, v1.2): a tar with manifest.json, a
 * config per image, and a tar per layer. Its paths are hostile text: they are looked up in the archive's
 * list and nowhere else. Older archives, without manifest.json, are refused.
 */
#include "image/found.h"

#include <string.h>

#include "base/doc.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"

enum { IMAGES_MAX = 256 };

static int err_bad(const struct doc *node, const char *because, struct err *e)
{
	doc_err(node, e, "%s", because);
	return err_recode(e, ERR_FAILED);
}

static int add_layers(struct arena *a, const struct doc *entry, const struct oci_config *config,
		      struct found_image *image, struct err *e)
{
	const struct doc *list = doc_get(entry, "Layers");
	size_t n = list && list->kind == DOC_LIST ? list->n : 0;

	if (list && list->kind != DOC_LIST && list->kind != DOC_NULL)
		return err_bad(list, "Layers is no list", e);
	if (n > OCI_LAYERS_MAX || n != config->diff_ids.n)
		return err_bad(entry, "the layers that it lists are not those of its config", e);
	size_t i = 0;

	for (const struct doc *c = n ? list->child : NULL; c; c = c->next, i++) {
		if (c->kind != DOC_STR || !*c->text)
			return err_bad(c, "a layer is no path", e);
		struct found_layer *layer = list_add(a, &image->layers);

		layer->member = arena_strdup(a, c->text);
		layer->diff_id = config->diff_ids.v[i];
	}
	return 0;
}

/* The config's name is its digest ("HEX.json", "blobs/sha256/HEX"): where it is, it must be true. */
static int check_config_name(const struct doc *entry, const char *path, const char *digest, struct err *e)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t n = strspn(base, "0123456789abcdef");

	if (n != 64 || (base[n] && strcmp(base + n, ".json")))
		return 0;
	if (!strncmp(base, digest + strlen("sha256:"), 64))
		return 0;
	return err_bad(entry, "the config is not the one that its name says", e);
}

static int read_image(struct archive *from, struct arena *a, const struct doc *entry, const char *name,
		      struct found *ret, struct err *e)
{
	struct found_image image = {.format = IMAGE_DOCKER, .name = arena_strdup(a, name)};
	const char *path = doc_get_str(entry, "Config");
	struct oci_config config;
	char digest[DIGEST_TEXT_MAX];

	if (!path || !*path)
		return err_bad(entry, "an image has no Config", e);
	int r = archive_read(from, a, path, OCI_DOCUMENT_MAX, &image.config_text, &image.config_len, e);

	if (!r)
		r = oci_parse_config(a, path, image.config_text, image.config_len, &config, e);
	if (r)
		return r;
	digest_text(image.config_text, image.config_len, digest);
	image.config_digest = arena_strdup(a, digest);
	image.config = config.config;
	r = check_config_name(entry, path, digest, e);
	if (!r)
		r = add_layers(a, entry, &config, &image, e);
	if (!r)
		*list_add(a, &ret->images) = image;
	return r;
}

/* The tag that is wanted, the first one, or NULL; *ret_fits is false when another image is wanted. */
static int choose_tag(const struct doc *entry, const char *ref, const char **ret, bool *ret_fits, struct err *e)
{
	const struct doc *tags = doc_get(entry, "RepoTags");

	*ret = NULL;
	*ret_fits = !ref;
	if (!tags || tags->kind == DOC_NULL)
		return 0;
	if (tags->kind != DOC_LIST)
		return err_bad(tags, "RepoTags is no list", e);
	for (const struct doc *c = tags->child; c; c = c->next) {
		if (c->kind != DOC_STR)
			return err_bad(c, "a tag is no text", e);
		if (!*ret || str_equal(ref, c->text))
			*ret = c->text;
		*ret_fits |= str_equal(ref, c->text);
	}
	return 0;
}

static int read_images(struct archive *from, struct arena *a, const struct doc *list, const char *ref, struct found *ret,
		       struct err *e)
{
	if (list->kind != DOC_LIST || !list->n || list->n > IMAGES_MAX)
		return err_bad(list, "it is no list of images", e);
	for (const struct doc *entry = list->child; entry; entry = entry->next) {
		const char *name = NULL;
		bool fits = false;
		int r = entry->kind == DOC_MAP ? choose_tag(entry, ref, &name, &fits, e) :
						 err_bad(entry, "an image is no object", e);

		if (!r && fits)
			r = read_image(from, a, entry, name, ret, e);
		if (r)
			return r;
	}
	if (ret->images.n)
		return 0;
	return err_new(e, ERR_NOT_FOUND, "the archive has no image called %.150s", ref);
}

static int err_too_old(struct err *e)
{
	err_new(e, ERR_FAILED, "the archive is in docker's format of before 1.10");
	err_because(e, "it has repositories, but no manifest.json");
	return err_try(e, "load it into docker and save it again, or: skopeo copy docker-archive:FILE oci-archive:NEW");
}

int docker_archive_read(struct archive *from, struct arena *a, const struct found_want *want, struct found *ret,
			struct err *e)
{
	struct found found = {};
	struct doc *list;
	char *text;
	size_t len;

	if (!archive_has(from, "manifest.json") && archive_has(from, "repositories"))
		return err_too_old(e);
	int r = archive_read(from, a, "manifest.json", OCI_DOCUMENT_MAX, &text, &len, e);

	if (!r)
		r = doc_parse_json(a, "manifest.json", text, len, &list, e) ? err_recode(e, ERR_FAILED) : 0;
	if (!r)
		r = read_images(from, a, list, want->ref, &found, e);
	if (!r)
		*ret = found;
	return r;
}
