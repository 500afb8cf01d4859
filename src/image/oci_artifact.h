/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests that are no images but belong to one: cosign's tags (sha256-HEX.sig, .att, .sbom), referrers with a subject
 * (image-spec, manifest.md), BuildKit's attestations. Only what points to their parts is read; the parts themselves are
 * other modules'. Strict, bounded, pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define OCI_NOTE_COSIGN_SIGNATURE "dev.cosignproject.cosign/signature"
#define OCI_TYPE_EMPTY "application/vnd.oci.empty.v1+json"

enum { OCI_ARTIFACT_PARTS_MAX = 256 };

struct oci_artifact_part {
	char *media_type;
	char *digest;    /* checked */
	uint64_t size;
	char *signature; /* the annotation dev.cosignproject.cosign/signature, or NULL */
};

struct oci_artifact {
	char *type;      /* artifactType, else the config's media type, or NULL */
	char *subject;   /* digest of the image that it belongs to, or NULL */
	LIST(struct oci_artifact_part) parts; /* layers */
};

[[nodiscard]] int oci_parse_artifact(struct arena *a, const char *name, const char *text, size_t len,
				     struct oci_artifact *ret, struct err *e);

/*
 * The entries of an index by which BuildKit says what it knows about the image `digest` (annotations
 * vnd.docker.reference.type and .digest): digests of manifests. NULL-terminated, arena; NULL: none.
 */
[[nodiscard]] int oci_find_attestations(struct arena *a, const char *name, const char *text, size_t len,
					const char *digest, char ***ret, struct err *e);

/* "sha256-HEX.sig" of cosign's tags. In the arena. */
char *oci_artifact_tag(struct arena *a, const char *digest, const char *suffix);
