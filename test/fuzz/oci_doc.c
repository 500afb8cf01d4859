/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each of the documents of an image: what is accepted keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/aci.h"
#include "image/oci_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_env(char *const *env)
{
	for (; env && *env; env++)
		check(strchr(*env, '=') && **env != '=');
}

static void try_index(struct arena *a, const char *text, size_t n)
{
	struct oci_index index;
	struct err e = {};

	if (oci_parse_index(a, "fuzz", NULL, text, n, &index, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	for (size_t i = 0; i < index.manifests.n; i++)
		check(oci_is_digest(index.manifests.v[i].digest));
}

static void try_manifest(struct arena *a, const char *text, size_t n)
{
	struct oci_manifest m;
	struct err e = {};

	if (oci_parse_manifest(a, "fuzz", NULL, text, n, &m, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	check(oci_is_digest(m.config.digest) && oci_kind_of(m.media_type) == OCI_MANIFEST);
	for (size_t i = 0; i < m.layers.n; i++)
		check(oci_is_digest(m.layers.v[i].digest) && oci_kind_of(m.layers.v[i].media_type) == OCI_LAYER);
}

static void try_config(struct arena *a, const char *text, size_t n)
{
	struct oci_config c;
	struct err e = {};

	if (oci_parse_config(a, "fuzz", text, n, &c, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	check_env(c.config.env);
	for (size_t i = 0; i < c.diff_ids.n; i++)
		check(oci_is_digest(c.diff_ids.v[i]));
}

static void try_aci(struct arena *a, const char *text, size_t n)
{
	struct aci_manifest m;
	struct err e = {};

	if (aci_parse_manifest(a, text, n, &m, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	check(m.name && *m.name && (!m.has_app || (m.user && m.group)));
	for (char **w = m.whitelist; w && *w; w++)
		check(**w == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};

	try_index(&a, (const char *)bytes, n);
	try_manifest(&a, (const char *)bytes, n);
	try_config(&a, (const char *)bytes, n);
	try_aci(&a, (const char *)bytes, n);
	return 0;
}
