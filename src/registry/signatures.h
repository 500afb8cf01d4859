/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and attestations of the store (store/artifact.h) to a registry, as cosign lays them out; how they come is
 * evidence_fetch.h. Nothing is judged here.
 *
 *   cosign's tags   sha256-HEX.sig, .att    one manifest each, its layers are the parts: those that others put there stay
 *   referrers       sigstore bundles, SBOMs a manifest each, its first layer is the part, its subject the image
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "registry/registry.h"
#include "store/store.h"

/* The image's manifest, which lies in the repository already. */
struct signatures_of {
	const char *digest, *type;
	uint64_t size;
};

/* Sends all that the store has about the image. *ret_n: how many went. */
[[nodiscard]] int signatures_push(struct registry_repo *repo, const struct store *s, struct arena *a,
				  const struct signatures_of *of, unsigned *ret_n, struct err *e);
/* The same for what the repository has under this digest: its type and size are asked for. */
[[nodiscard]] int signatures_push_for(struct registry_repo *repo, const struct store *s, struct arena *a,
				      const char *digest, unsigned *ret_n, struct err *e);
