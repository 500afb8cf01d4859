/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two OCI documents of an image that was built: config and manifest (image-spec 1.1), as canonical
 * JSON: one line, no spaces, keys in a fixed order, no key without a value.
 */
#pragma once

#include "base/str.h"
#include "build/recipe.h"
#include "image/image.h"

#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"

/* One layer as the manifest names it. */
struct oci_layer {
	const char *diff_id;    /* of the tar */
	const char *digest;     /* of the bytes that the manifest names: for ours the diff_id */
	const char *media_type;
	uint64_t size;          /* of those bytes */
};

struct oci_image {
	const struct image_config *config;
	const struct oci_layer *layers; /* lowest first */
	size_t n_layers;
};

/*
 * What the image says about running it: the recipe's words over those of the base (NULL without one). Lists
 * whose order means nothing are sorted. arch and variant are left to the caller. time_s: when it was made. In the arena.
 */
void oci_make_config(struct arena *a, const struct recipe *r, const struct image_config *base, int64_t time_s,
		     struct image_config *ret);

void oci_write_config(struct str *out, const struct oci_image *img);
void oci_write_manifest(struct str *out, const struct oci_image *img, const char *config_digest, uint64_t config_size);
