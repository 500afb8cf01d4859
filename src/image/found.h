/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as found in transport: its documents read and checked, its layers located but not yet read.
 * Every format's reader gives this; the import reads the layers and puts all into the store.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/archive.h"
#include "image/image.h"

struct found_layer {
	char *member;     /* its file in the archive */
	char *digest;     /* of those bytes, when a document vouches for it: checked while reading */
	uint64_t size;    /* of those bytes, when digest is given */
	char *diff_id;    /* of the tar inside, when a document vouches for it: checked while reading */
	char *media_type; /* or NULL */
	char *came_digest, *came_type; /* what the original manifest calls it, when that lies beside; else NULL */
	uint64_t came_size;
	char **whitelist; /* ACI: the paths that are kept of it, or NULL for all */
};

struct found_image {
	enum image_format format;
	char *name;        /* the best name that the archive has for it, or NULL */
	char *manifest;    /* bytes, as they came or, for docker-archive, made for it */
	size_t manifest_len;
	char *manifest_digest, *manifest_type;
	char *config_text; /* bytes, as they came */
	size_t config_len;
	char *config_digest;
	char *artifacts;   /* digest of the list of what speaks about it, in the same archive; NULL */
	struct image_config config;
	LIST(struct found_layer) layers;
};

struct found {
	LIST(struct found_image) images;
};

/* Which of several images: the one that this name or tag means; NULL takes all. */
struct found_want {
	const char *ref;
};

/* oci_layout.c: index.json to the manifests for this machine. ERR_FAILED, ERR_NOT_FOUND. */
[[nodiscard]] int oci_layout_read(struct archive *from, struct arena *a, const struct found_want *want,
				  struct found *ret, struct err *e);
/* docker_archive.c: manifest.json of `docker save` and `podman save`. */
[[nodiscard]] int docker_archive_read(struct archive *from, struct arena *a, const struct found_want *want,
				      struct found *ret, struct err *e);

/*
 * Documents for an image that came without: a config that says nothing but the platform (rootfs), and a manifest
 * whose layers are the uncompressed tars. Equal layers give equal bytes. Of the image, the layers (diff_id,
 * size of the tar) and, for found_make_manifest(), the config's bytes must be known.
 */
void found_make_config(struct arena *a, struct found_image *image);
void found_make_manifest(struct arena *a, struct found_image *image, const uint64_t *tar_sizes);
