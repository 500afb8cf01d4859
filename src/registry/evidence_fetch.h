/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What speaks about an image at its registry: signatures and attestations, by cosign's tags and by referrers, of the manifest
 * and of the index that led to it. Gathered by a thread of its own while the layers come in, and put beside the image
 * (store/artifact.h). Nothing is judged here.
 */
#pragma once

#include "registry/choose.h"
#include "store/store.h"

struct evidence_fetch;

/* Begins. The chosen image must live as long. */
[[nodiscard]] int evidence_begin(struct registry_repo *repo, const struct chosen *chosen, struct evidence_fetch **ret,
				 struct err *e);
/* Waits for the end; what it found. NULL is fine. */
void evidence_wait(struct evidence_fetch *f);
/*
 * Puts all of it beside the image, which is in the store; *ret_n says how many. What could not be had is no error of the image:
 * *ret_missing is then the reason, for people, in the arena.
 */
[[nodiscard]] int evidence_keep(struct evidence_fetch *f, const struct store *s, struct arena *a, size_t *ret_n,
				char **ret_missing, struct err *e);
void evidence_free(struct evidence_fetch *f);
