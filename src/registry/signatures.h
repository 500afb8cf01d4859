/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and attestations between a registry and the store (store/artifact.h). Nothing is judged here: what
 * came is kept as it came, and rocket-verify looks at it later.
 *
 *   cosign's tags        sha256-HEX.sig, .att, .sbom          a manifest each, its layers are the parts
 *   referrers            sigstore bundles, SBOMs              a manifest each, its first layer is the part
 *   the index            BuildKit's attestation manifests     in-toto statements
 *
 * Both for the manifest and for the index that led to it, since cosign signs what a tag means.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "registry/registry.h"
#include "store/store.h"

struct signatures_of {
	const char *manifest_digest;  /* of the image, which is in the store */
	const struct registry_document *index; /* that led to it; NULL: none did */
};

/*
 * Everything that the repository has about the image, up to ARTIFACTS_MAX. What is missing, damaged or of a kind that nobody
 * reads is passed over: it vouches for nothing. Only a failing network or store is an error.
 */
[[nodiscard]] int signatures_fetch(struct registry_repo *repo, const struct store *s, struct arena *a,
				   const struct signatures_of *of, struct err *e);

/*
 * Sends what the store has about the image, which the repository has under that digest already: simple signing payloads into the
 * .sig tag, beside those that are there; envelopes into .att; bundles as referrers. *ret_n: how many went.
 */
[[nodiscard]] int signatures_push(struct registry_repo *repo, const struct store *s, struct arena *a,
				  const char *manifest_digest, const char *manifest_type, uint64_t manifest_size,
				  unsigned *ret_n, struct err *e);
