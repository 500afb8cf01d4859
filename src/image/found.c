/* SPDX-License-Identifier: Apache-2.0 */
/* Documents made for images that came without them. Keys in one fixed order, no spaces. */
#include "image/found.h"

#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"

static char *digest_in(struct arena *a, const char *bytes, size_t n)
{
	char text[DIGEST_TEXT_MAX];

	digest_text(bytes, n, text);
	return arena_strdup(a, text);
}

void found_make_config(struct arena *a, struct found_image *image)
{
	struct oci_platform host = oci_host_platform();
	autostr s = {};

	str_addf(&s, "{\"architecture\":\"%s\",\"os\":\"%s\"", host.arch, host.os);
	if (host.variant)
		str_addf(&s, ",\"variant\":\"%s\"", host.variant);
	str_add(&s, ",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < image->layers.n; i++)
		str_addf(&s, "%s\"%s\"", i ? "," : "", image->layers.v[i].diff_id);
	str_add(&s, "]}}");
	image->config_text = arena_strdup(a, s.text);
	image->config_len = s.len;
	image->config_digest = digest_in(a, s.text, s.len);
	image->config.os = arena_strdup(a, host.os);
	image->config.arch = arena_strdup(a, host.arch);
	image->config.variant = arena_strdup(a, host.variant);
}

void found_make_manifest(struct arena *a, struct found_image *image, const uint64_t *tar_sizes)
{
	autostr s = {};

	str_add(&s, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
		    "\"");
	str_addf(&s, ",\"digest\":\"%s\",\"size\":%zu},\"layers\":[", image->config_digest, image->config_len);
	for (size_t i = 0; i < image->layers.n; i++)
		str_addf(&s, "%s{\"mediaType\":\"" OCI_TYPE_LAYER "\",\"digest\":\"%s\",\"size\":%llu}", i ? "," : "",
			 image->layers.v[i].diff_id, (unsigned long long)tar_sizes[i]);
	str_add(&s, "]}");
	image->manifest = arena_strdup(a, s.text);
	image->manifest_len = s.len;
	image->manifest_digest = digest_in(a, s.text, s.len);
	image->manifest_type = arena_strdup(a, OCI_TYPE_MANIFEST);
}
