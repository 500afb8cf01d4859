/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of an App Container Image (appc spec 0.8, aci.md): from bytes to what Rocket's record of an
 * image holds, with the dependencies and the whitelist that its root is rendered from. Strict where the
 * specification is, unknown keys tolerated as it wants. Pure: no file is touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"

enum { ACI_MANIFEST_MAX = 4 << 20, ACI_DEPENDENCIES_MAX = 100 };

struct aci_dependency {
	char *name;     /* AC Identifier */
	char *image_id; /* "sha512-" and 128 hex digits, or NULL */
	char **labels;  /* "K=V" */
	uint64_t size;  /* 0: not given */
};

struct aci_manifest {
	char *name;
	char *version; /* its label, or NULL */
	bool has_app;
	char *user, *group; /* as written: name, number, or the path of a file whose owner is meant */
	struct image_config config; /* without user */
	LIST(struct aci_dependency) dependencies;
	char **whitelist; /* NULL: everything is kept */
	char **unused; /* names of isolators and event handlers, which a record has no place for */
};

[[nodiscard]] int aci_parse_manifest(struct arena *a, const char *text, size_t len, struct aci_manifest *ret,
				     struct err *e);
