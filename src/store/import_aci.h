/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: an ACI, which is one tar with its manifest inside, and the ACIs that it rests on. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "image/aci.h"
#include "image/found.h"
#include "store/import_input.h"
#include "store/store.h"

/*
 * Stores the tar and describes the image: its layers are those of its dependencies, which must be in the
 * store, in the order of rendering, and its own on top, all stored. Strings lie in the arena.
 */
[[nodiscard]] int import_aci_read(const struct store *s, struct arena *a, const struct import_input *in,
				  struct found_image *ret, struct aci_manifest *ret_manifest, struct err *e);
