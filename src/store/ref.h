/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to store/: refs/, the names. A reference is one small record: the full name, the digest of the
 * manifest, and when it was tagged.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

struct ref {
	char *name;
	char *digest; /* of the manifest; images/HEX is the image */
	int64_t tagged_ns;
};

[[nodiscard]] int ref_put(const struct store *s, const struct ref *ref, struct err *e);
/* The reference with exactly this (normalised) name. ERR_NOT_FOUND without a message worth printing. */
[[nodiscard]] int ref_get(const struct store *s, struct arena *a, const char *name, struct ref *ret, struct err *e);
[[nodiscard]] int ref_remove(const struct store *s, const char *name, struct err *e);
/* All of them, sorted by name. What to do with one that can't be read is the caller's choice. */
enum ref_care { REF_SKIP_DAMAGED, REF_STOP_AT_DAMAGED };
[[nodiscard]] int ref_list(const struct store *s, struct arena *a, enum ref_care care, struct ref **ret, size_t *ret_n,
			   struct err *e);
