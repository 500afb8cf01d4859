/* SPDX-License-Identifier: Apache-2.0 */
/* The native pod manifest (design, section 4; docs/manifest.md): YAML or JSON text into struct pod.
 */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "pod/pod.h"

struct native_input {
	struct arena *arena;
	const char *file;     /* for messages and for relative paths; NULL: none */
	const char *base_dir; /* absolute folder that relative paths start from; NULL: they are
				 refused */
	void (*warn)(const struct err *warning); /* --ignore-unknown; NULL refuses unknown keys */
};

/*
 * Is this document a native manifest? True for a mapping without `kind`, `acKind` and `ociVersion`,
 * which mark those of Kubernetes, appc and OCI.
 */
bool native_is_native(const struct doc *doc);
/* ERR_USAGE with file:line:column, what was expected, and the nearest key. */
[[nodiscard]] int native_decode(const struct native_input *in, const struct doc *doc,
				struct pod *ret, struct err *e);
[[nodiscard]] int native_parse(const struct native_input *in, const char *text, size_t len,
			       struct pod *ret, struct err *e);
