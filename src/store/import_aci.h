/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: an ACI, which is one tar with its manifest inside, and the ACIs that it rests on. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "image/aci.h"
#include "image/found.h"
#include "store/import_input.h"
#include "store/import_layer.h"
#include "store/store.h"

/*
 * Reads the tar into *ret_layer, still without a name, and describes the image: its layers are those of its
 * dependencies, which must be in the store, in the order of rendering, and its own on top. Strings lie in the
 * arena. Free the layer in any case.
 */
[[nodiscard]] int import_aci_read(const struct store *s, struct arena *a, const struct import_input *in,
				  struct import_layer *ret_layer, struct found_image *ret, struct aci_manifest *ret_manifest,
				  struct err *e);

/* Called once the manifest is known, before the dependencies are looked for in the store: who can, brings them there. */
struct aci_dependencies {
	int (*bring)(void *ctx, const struct aci_manifest *manifest, struct err *e);
	void *ctx;
};
/* The same with that; first NULL: what is not there is an error. */
[[nodiscard]] int import_aci_read_with(const struct store *s, struct arena *a, const struct import_input *in,
				       const struct aci_dependencies *first, struct import_layer *ret_layer,
				       struct found_image *ret, struct aci_manifest *ret_manifest, struct err *e);
