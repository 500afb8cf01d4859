/* SPDX-License-Identifier: Apache-2.0 */
/* Private to registry/: from a name to the one manifest that a machine runs, and its config. */
#pragma once

#include "image/found.h"
#include "image/oci_doc.h"
#include "registry/registry.h"

struct chosen {
	struct found_image image;        /* complete but for the layers' bytes */
	struct registry_document top;    /* what the name meant: an index, or the manifest itself */
	LIST(struct registry_document) indexes; /* from the top to the manifest */
};

/* "linux/arm64/v8", "arm64". NULL is this machine's. ERR_USAGE. */
[[nodiscard]] int choose_platform(struct arena *a, const char *text, struct oci_platform *ret, struct err *e);
/* Reads at most a few documents of 4 MiB. `which` is a tag or a digest. is_asked: the platform was asked for by name. */
[[nodiscard]] int choose_image(struct registry_repo *repo, struct arena *a, const char *which,
			       const struct oci_platform *platform, bool is_asked, struct chosen *ret, struct err *e);
/* Is the document an index? By its media type, else by its content. ERR_FAILED for schema 1, and for what is neither. */
[[nodiscard]] int choose_is_index(struct arena *a, const struct registry_document *d, bool *ret, struct err *e);
