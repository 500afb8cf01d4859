/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout (image-spec, image-layout.md): oci-layout, index.json, blobs/sha256/…. From the index
 * to the manifests that this machine can run, through nested indexes; each document's size and digest
 * checked against its reference before it is parsed.
 */
#include "image/found.h"

#include <string.h>

#include "base/doc.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"

enum { INDEX_DEPTH_MAX = 4, INDEX_ENTRIES_MAX = 1000, IMAGES_MAX = 64 };

struct reader {
	struct archive *from;
	struct arena *a;
	const struct found_want *want;
	struct oci_platform host;
	struct found *found;
	size_t seen;       /* entries of indexes looked at */
	const char *names; /* of the images passed over, for messages */
};

static char *blob_path(struct arena *a, const char *digest)
{
	return arena_printf(a, "blobs/sha256/%s", digest + strlen("sha256:"));
}

/* The document that d refers to, if it is what d says. */
static int read_document(struct reader *r, const struct oci_descriptor *d, char **ret_text, size_t *ret_len,
			 struct err *e)
{
	char actual[DIGEST_TEXT_MAX];
	int err = archive_read(r->from, r->a, blob_path(r->a, d->digest), OCI_DOCUMENT_MAX, ret_text, ret_len, e);

	if (err)
		return err;
	if (*ret_len != d->size) {
		err_new(e, ERR_FAILED, "%.100s is not what the image says", d->digest);
		return err_because(e, "it has %zu bytes instead of %llu", *ret_len, (unsigned long long)d->size);
	}
	digest_text(*ret_text, *ret_len, actual);
	if (!strcmp(actual, d->digest))
		return 0;
	err_new(e, ERR_FAILED, "%.100s is not what the image says", d->digest);
	return err_because(e, "the bytes have the digest %s", actual);
}

static int err_layer_count(const struct oci_descriptor *d, size_t layers, size_t ids, struct err *e)
{
	err_new(e, ERR_FAILED, "image %.100s contradicts itself", d->digest);
	return err_because(e, "its manifest has %zu layers and its config has %zu", layers, ids);
}

static void add_layers(struct reader *r, struct found_image *image, const struct oci_manifest *m,
		       const struct oci_config *config)
{
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct oci_descriptor *d = &m->layers.v[i];
		struct found_layer *layer = list_add(r->a, &image->layers);

		layer->member = blob_path(r->a, d->digest);
		layer->digest = d->digest;
		layer->size = d->size;
		layer->diff_id = config->diff_ids.v[i];
		layer->media_type = d->media_type;
	}
}

/* "latest" alone is a tag, which the caller puts behind a name of its own; it is kept as ":latest". */
static char *name_of(struct reader *r, const struct oci_descriptor *d)
{
	if (d->full_name)
		return d->full_name;
	if (!d->ref_name)
		return NULL;
	bool is_name = strpbrk(d->ref_name, ":/@") != NULL;

	return is_name ? d->ref_name : arena_printf(r->a, ":%s", d->ref_name);
}

/* A document whose digest alone is known. */
static int read_by_digest(struct reader *r, const char *digest, char **ret_text, size_t *ret_len, struct err *e)
{
	char actual[DIGEST_TEXT_MAX];
	int err = archive_read(r->from, r->a, blob_path(r->a, digest), OCI_DOCUMENT_MAX, ret_text, ret_len, e);

	if (err)
		return err;
	digest_text(*ret_text, *ret_len, actual);
	if (!strcmp(actual, digest))
		return 0;
	err_new(e, ERR_FAILED, "%.100s is not what the image says", digest);
	return err_because(e, "the bytes have the digest %s", actual);
}

/*
 * Rocket's exports carry the tars under a manifest made for that, and the manifest that the image came with beside it. That
 * one is the image's own when it has the same config, whose diff_ids the tars are checked against: the chain from a signature
 * over it is whole.
 */
static int take_original(struct reader *r, const struct oci_descriptor *top, struct found_image *image, struct err *e)
{
	struct oci_manifest m;
	char *text;
	size_t len;
	int err = top->original ? read_by_digest(r, top->original, &text, &len, e) : 0;

	image->artifacts = top->artifacts;
	if (err || !top->original)
		return err;
	err = oci_parse_manifest(r->a, top->original, NULL, text, len, &m, e);
	if (err)
		return err;
	if (strcmp(m.config.digest, image->config_digest) || m.layers.n != image->layers.n) {
		err_new(e, ERR_FAILED, "image %.100s contradicts itself", image->manifest_digest);
		return err_because(e, "the manifest that it is said to have come with is of another image");
	}
	image->manifest = text;
	image->manifest_len = len;
	image->manifest_digest = top->original;
	image->manifest_type = m.media_type;
	for (size_t i = 0; i < m.layers.n; i++) {
		image->layers.v[i].came_digest = m.layers.v[i].digest;
		image->layers.v[i].came_size = m.layers.v[i].size;
		image->layers.v[i].came_type = m.layers.v[i].media_type;
	}
	return 0;
}

static int read_manifest(struct reader *r, const struct oci_descriptor *d, const struct oci_descriptor *top,
			 struct err *e)
{
	struct found_image image = {.format = IMAGE_OCI, .name = name_of(r, top), .manifest_digest = d->digest};
	struct oci_manifest m;
	struct oci_config config;
	int err;

	if ((err = read_document(r, d, &image.manifest, &image.manifest_len, e)) ||
	    (err = oci_parse_manifest(r->a, d->digest, d->media_type, image.manifest, image.manifest_len, &m, e)) ||
	    (err = read_document(r, &m.config, &image.config_text, &image.config_len, e)) ||
	    (err = oci_parse_config(r->a, m.config.digest, image.config_text, image.config_len, &config, e)))
		return err;
	if (m.layers.n != config.diff_ids.n)
		return err_layer_count(d, m.layers.n, config.diff_ids.n, e);
	image.manifest_type = m.media_type;
	image.config_digest = m.config.digest;
	image.config = config.config;
	add_layers(r, &image, &m, &config);
	err = take_original(r, top, &image, e);
	if (err)
		return err;
	*list_add(r->a, &r->found->images) = image;
	return 0;
}

static int read_entry(struct reader *r, const struct oci_descriptor *d, const struct oci_descriptor *top, unsigned depth,
		      struct err *e);

static bool is_runnable(const struct oci_descriptor *d)
{
	enum oci_kind kind = oci_kind_of(d->media_type);

	return !d->is_attestation && (kind == OCI_INDEX || kind == OCI_MANIFEST);
}

static int err_no_platform(const struct reader *r, const struct oci_index *index, struct err *e)
{
	autostr have = {};

	for (size_t i = 0; i < index->manifests.n && have.len < 200; i++) {
		const struct oci_descriptor *d = &index->manifests.v[i];

		if (d->os && is_runnable(d))
			str_addf(&have, "%s%s/%s", have.len ? ", " : "", d->os, d->arch ? d->arch : "?");
	}
	err_new(e, ERR_NOT_FOUND, "the image is not for this machine");
	return err_because(e, "this is %s/%s, and it has: %.250s", r->host.os, r->host.arch,
			   have.len ? have.text : "nothing to run");
}

static bool has_same_name(const struct oci_descriptor *a, const struct oci_descriptor *b)
{
	return str_equal(a->ref_name, b->ref_name) && str_equal(a->full_name, b->full_name);
}

/*
 * Of the variants of one image (those called like `like`, or all), the one that fits this machine best; one
 * without a platform fits every machine.
 */
static const struct oci_descriptor *choose_variant(const struct reader *r, const struct oci_index *index,
						   const struct oci_descriptor *like)
{
	const struct oci_descriptor *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < index->manifests.n; i++) {
		const struct oci_descriptor *d = &index->manifests.v[i];
		int fit = d->os || d->arch ? oci_platform_fit(&r->host, d->os, d->arch, d->variant) : 1;

		if (is_runnable(d) && fit > best_fit && (!like || has_same_name(d, like))) {
			best = d;
			best_fit = fit;
		}
	}
	return best;
}

static int read_nested(struct reader *r, const struct oci_descriptor *d, const struct oci_descriptor *top, unsigned depth,
		       struct err *e)
{
	struct oci_index index;
	char *text;
	size_t len;
	int err;

	if (depth >= INDEX_DEPTH_MAX)
		return err_new(e, ERR_FAILED, "the image has more than %d indexes in each other", INDEX_DEPTH_MAX);
	if ((err = read_document(r, d, &text, &len, e)) ||
	    (err = oci_parse_index(r->a, d->digest, d->media_type, text, len, &index, e)))
		return err;
	const struct oci_descriptor *best = choose_variant(r, &index, NULL);

	return best ? read_entry(r, best, top, depth + 1, e) : err_no_platform(r, &index, e);
}

static int read_entry(struct reader *r, const struct oci_descriptor *d, const struct oci_descriptor *top, unsigned depth,
		      struct err *e)
{
	if (++r->seen > INDEX_ENTRIES_MAX)
		return err_new(e, ERR_FAILED, "the image's index is too large");
	if (oci_kind_of(d->media_type) == OCI_INDEX)
		return read_nested(r, d, top, depth, e);
	return read_manifest(r, d, top, e);
}

static bool is_wanted(const struct reader *r, const struct oci_descriptor *d)
{
	const char *ref = r->want->ref;

	return !ref || str_equal(ref, d->ref_name) || str_equal(ref, d->full_name) || str_equal(ref, d->digest);
}

/* Entries of one name that differ in platform alone are one image: an index that was laid out flat. */
static bool is_flat_variant(const struct oci_index *index, const struct oci_descriptor *d)
{
	size_t same = 0;

	for (size_t i = 0; i < index->manifests.n; i++) {
		const struct oci_descriptor *o = &index->manifests.v[i];

		same += is_runnable(o) && (o->os || o->arch) && has_same_name(o, d);
	}
	return same > 1 && (d->os || d->arch);
}

static int read_top(struct reader *r, const struct oci_index *index, struct err *e)
{
	int err = 0;
	bool passed_over = false;

	for (size_t i = 0; i < index->manifests.n && !err; i++) {
		const struct oci_descriptor *d = &index->manifests.v[i];

		if (!is_runnable(d) || !is_wanted(r, d))
			continue;
		if (r->found->images.n >= IMAGES_MAX)
			return err_new(e, ERR_FAILED, "the layout has more than %d images", IMAGES_MAX);
		if (is_flat_variant(index, d) && choose_variant(r, index, d) != d) {
			passed_over = true;
			continue;
		}
		err = read_entry(r, d, d, 0, e);
	}
	if (err || r->found->images.n)
		return err;
	if (passed_over)
		return err_no_platform(r, index, e);
	err_new(e, ERR_NOT_FOUND, "the layout has no image%s%.150s", r->want->ref ? " called " : "",
		r->want->ref ? r->want->ref : "");
	return err_because(e, "index.json names %zu things, none of which fits", index->manifests.n);
}

static int check_version(struct reader *r, struct err *e)
{
	struct doc *node;
	char *text;
	size_t len;
	int err = archive_read(r->from, r->a, "oci-layout", 64 << 10, &text, &len, e);

	if (!err)
		err = doc_parse_json(r->a, "oci-layout", text, len, &node, e) ? err_recode(e, ERR_FAILED) : 0;
	if (err)
		return err;
	const char *version = doc_get_str(node, "imageLayoutVersion");

	if (str_equal(version, "1.0.0"))
		return 0;
	err_new(e, ERR_FAILED, "the OCI layout is of an unknown version");
	return err_because(e, "it says '%.50s', and 1.0.0 is known", version ? version : "");
}

int oci_layout_read(struct archive *from, struct arena *a, const struct found_want *want, struct found *ret,
		    struct err *e)
{
	struct found found = {};
	struct reader r = {.from = from, .a = a, .want = want, .host = oci_host_platform(), .found = &found};
	struct oci_index index;
	char *text;
	size_t len;
	int err;

	if ((err = check_version(&r, e)) || (err = archive_read(from, a, "index.json", OCI_DOCUMENT_MAX, &text, &len, e)) ||
	    (err = oci_parse_index(a, "index.json", NULL, text, len, &index, e)) || (err = read_top(&r, &index, e)))
		return err;
	*ret = found;
	return 0;
}
