/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three documents of an OCI image (image-spec: image-index.md, manifest.md, config.md), and docker's of the
 * same shape, from bytes to structs. Strict about what readers could understand differently: a document
 * that is two things at once, a media type that contradicts its reference, a digest that is no digest.
 * Unknown keys are skipped, as the specification wants. Pure: no file is touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"

enum { OCI_DOCUMENT_MAX = 4 << 20, OCI_LAYERS_MAX = 500 };

/* Annotations of an index's entry, by Rocket's exports. */
#define OCI_NOTE_ORIGINAL  "rocket.manifest.original"
#define OCI_NOTE_ARTIFACTS "rocket.artifacts"

#define OCI_TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_CONFIG   "application/vnd.oci.image.config.v1+json"
#define OCI_TYPE_LAYER    "application/vnd.oci.image.layer.v1.tar"

enum oci_kind { OCI_OTHER, OCI_INDEX, OCI_MANIFEST, OCI_CONFIG, OCI_LAYER };

/* What a media type says; OCI_OTHER for everything that is none of an image's parts. NULL is OCI_OTHER. */
enum oci_kind oci_kind_of(const char *media_type);

struct oci_descriptor {
	char *media_type;
	char *digest;    /* "sha256:" and 64 hex digits, checked */
	uint64_t size;
	char *os, *arch, *variant; /* of its platform, or NULL */
	char *ref_name;  /* org.opencontainers.image.ref.name, or NULL */
	char *full_name; /* io.containerd.image.name, or NULL */
	char *original, *artifacts; /* of Rocket's own exports: digests of the manifest as it first came, and of what speaks about it */
	bool is_attestation; /* BuildKit's, marked by its annotation: never an image to run */
};

struct oci_index {
	LIST(struct oci_descriptor) manifests;
};

struct oci_manifest {
	char *media_type; /* as it says, else as its reference said */
	struct oci_descriptor config;
	LIST(struct oci_descriptor) layers;
};

struct oci_config {
	struct image_config config;
	LIST(char *) diff_ids; /* "sha256:HEX", checked */
};

/* Names are for messages. media_type: what the reference to the document said, or NULL. ERR_FAILED or ERR_USAGE. */
[[nodiscard]] int oci_parse_index(struct arena *a, const char *name, const char *media_type, const char *text,
				  size_t len, struct oci_index *ret, struct err *e);
[[nodiscard]] int oci_parse_manifest(struct arena *a, const char *name, const char *media_type, const char *text,
				     size_t len, struct oci_manifest *ret, struct err *e);
[[nodiscard]] int oci_parse_config(struct arena *a, const char *name, const char *text, size_t len,
				   struct oci_config *ret, struct err *e);

/* "sha256:" and 64 lower-case hex digits. */
bool oci_is_digest(const char *text);

struct oci_platform {
	const char *os, *arch, *variant; /* variant may be NULL */
};
/* This machine's, in the words of Go (amd64, arm64, …). */
struct oci_platform oci_host_platform(void);
/* How well an image for os/arch/variant serves the platform: 0 not, more is better. */
int oci_platform_fit(const struct oci_platform *want, const char *os, const char *arch, const char *variant);
