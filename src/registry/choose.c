/* SPDX-License-Identifier: Apache-2.0 */
/* See choose.h. The rules are those of image/oci_layout.c, for documents that come one by one. */
#include "registry/choose.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"

enum { DEPTH_MAX = 4 };

int choose_platform(struct arena *a, const char *text, struct oci_platform *ret, struct err *e)
{
	char *word[4] = {}, *rest = arena_strdup(a, text);
	size_t n = 0;

	*ret = oci_host_platform();
	if (!text)
		return 0;
	for (; rest && n < 4; n++) {
		char *slash = strchr(rest, '/');

		word[n] = rest;
		if (slash)
			*slash++ = 0;
		rest = slash;
	}
	if (rest || n > 3 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789/._-") != strlen(text) || !word[0] || !*word[0] ||
	    (n > 1 && word[1] && !*word[1])) {
		err_new(e, ERR_USAGE, "'%.60s' is no platform", text);
		err_because(e, "a platform is OS/ARCH or OS/ARCH/VARIANT in Go's words");
		return err_try(e, "--platform linux/arm64");
	}
	if (n == 1)
		*ret = (struct oci_platform){"linux", word[0], NULL};
	else
		*ret = (struct oci_platform){word[0], word[1], n > 2 ? word[2] : NULL};
	if (str_equal(ret->arch, "aarch64"))
		ret->arch = "arm64";
	if (str_equal(ret->arch, "x86_64"))
		ret->arch = "amd64";
	if (str_equal(ret->arch, "arm64") && !ret->variant)
		ret->variant = "v8";
	return 0;
}

static int err_schema1(const char *digest, struct err *e)
{
	err_new(e, ERR_FAILED, "the image %.80s is of docker's schema 1", digest);
	err_because(e, "that format has been obsolete since 2017, and its digests cover no layer as it is: it is not read");
	return err_try(e, "push it again with a docker of this decade, or ask whoever made it");
}

int choose_is_index(struct arena *a, const struct registry_document *d, bool *ret, struct err *e)
{
	enum oci_kind kind = oci_kind_of(d->media_type);
	struct doc *root;

	if (d->media_type && str_has_prefix(d->media_type, "application/vnd.docker.distribution.manifest.v1"))
		return err_schema1(d->digest, e);
	if (kind == OCI_INDEX || kind == OCI_MANIFEST) {
		*ret = kind == OCI_INDEX;
		return 0;
	}
	if (doc_parse_json(a, d->digest, d->text, d->len, &root, e))
		return err_recode(e, ERR_FAILED);
	const struct doc *version = doc_get(root, "schemaVersion");

	if (version && !strcmp(version->text ? version->text : "", "1"))
		return err_schema1(d->digest, e);
	*ret = doc_get(root, "manifests") != NULL;
	return 0;
}

/* What the server said, when it is a type of ours; else the document speaks for itself. */
static const char *known_type(const struct registry_document *d)
{
	return oci_kind_of(d->media_type) == OCI_OTHER ? NULL : d->media_type;
}

static bool is_runnable(const struct oci_descriptor *d)
{
	enum oci_kind kind = oci_kind_of(d->media_type);

	return !d->is_attestation && (kind == OCI_INDEX || kind == OCI_MANIFEST);
}

static const struct oci_descriptor *best_of(const struct oci_index *index, const struct oci_platform *want)
{
	const struct oci_descriptor *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < index->manifests.n; i++) {
		const struct oci_descriptor *d = &index->manifests.v[i];
		int fit = d->os || d->arch ? oci_platform_fit(want, d->os, d->arch, d->variant) : 1;

		if (is_runnable(d) && fit > best_fit) {
			best = d;
			best_fit = fit;
		}
	}
	return best;
}

static void add_platform(struct str *s, const char *os, const char *arch, const char *variant)
{
	str_addf(s, "%s%s/%s%s%s", s->len ? ", " : "", os ? os : "?", arch ? arch : "?", variant ? "/" : "",
		 variant ? variant : "");
}

static int err_no_platform(const struct oci_index *index, const struct oci_platform *want, const char *name, struct err *e)
{
	autostr have = {}, first = {};

	for (size_t i = 0; i < index->manifests.n && have.len < 200; i++) {
		const struct oci_descriptor *d = &index->manifests.v[i];

		if (!d->os || !is_runnable(d))
			continue;
		add_platform(&have, d->os, d->arch, d->variant);
		if (!first.len)
			add_platform(&first, d->os, d->arch, d->variant);
	}
	err_new(e, ERR_NOT_FOUND, "the image is not there for %.20s/%.20s", want->os, want->arch);
	err_because(e, "it is there for: %.250s", have.len ? have.text : "nothing that runs");
	return err_try(e, "rocket fetch --platform %.40s %.150s", first.len ? first.text : "OS/ARCH", name);
}

/* Down from an index to a manifest. */
static int follow_indexes(struct registry_repo *repo, struct arena *a, const struct oci_platform *want,
			  struct registry_document *inout, struct chosen *c, struct err *e)
{
	bool is_index = false;
	int r = 0;

	for (unsigned depth = 0; !(r = choose_is_index(a, inout, &is_index, e)) && is_index; depth++) {
		struct oci_index index;

		if (depth >= DEPTH_MAX)
			return err_new(e, ERR_FAILED, "the image has more than %d indexes in each other", DEPTH_MAX);
		*list_add(a, &c->indexes) = *inout;
		r = oci_parse_index(a, inout->digest, known_type(inout), inout->text, inout->len, &index, e);
		if (r)
			return r;
		const struct oci_descriptor *best = best_of(&index, want);

		if (!best)
			return err_no_platform(&index, want, registry_repo_name(repo), e);
		r = registry_get_manifest(repo, a, best->digest, inout, e);
		if (r)
			return r;
		if (inout->len != best->size) {
			err_new(e, ERR_FAILED, "%.100s is not what the index says", best->digest);
			return err_because(e, "it has %zu bytes instead of %llu", inout->len, (unsigned long long)best->size);
		}
		if (oci_kind_of(inout->media_type) == OCI_OTHER)
			inout->media_type = best->media_type;
		else if (strcmp(inout->media_type, best->media_type)) {
			err_new(e, ERR_FAILED, "%.100s is not what the index says", best->digest);
			return err_because(e, "it is sent as %.80s instead of %.80s", inout->media_type, best->media_type);
		}
	}
	return r;
}

static int check_config(const struct oci_platform *want, const struct oci_config *config, bool is_asked, bool had_index,
			const char *name, struct err *e)
{
	const struct image_config *c = &config->config;

	/* An index has said for which machine it is. Without, an image that says nothing runs wherever it can. */
	if (had_index || !c->os || !c->arch || oci_platform_fit(want, c->os, c->arch, c->variant))
		return 0;
	err_new(e, ERR_NOT_FOUND, "the image is not for %s%.20s/%.20s", is_asked ? "" : "this machine: ", want->os, want->arch);
	err_because(e, "its config says %.40s/%.40s", c->os, c->arch);
	return err_try(e, "rocket fetch --platform %.40s/%.40s %.120s", c->os, c->arch, name);
}

static void add_layers(struct arena *a, struct found_image *image, const struct oci_manifest *m,
		       const struct oci_config *config)
{
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct oci_descriptor *d = &m->layers.v[i];
		struct found_layer *layer = list_add(a, &image->layers);

		layer->digest = d->digest;
		layer->size = d->size;
		layer->diff_id = config->diff_ids.v[i];
		layer->media_type = d->media_type;
	}
}

static int read_manifest(struct registry_repo *repo, struct arena *a, const struct registry_document *d,
			 const struct oci_platform *want, bool is_asked, struct chosen *c, struct err *e)
{
	struct found_image *image = &c->image;
	struct registry_document text;
	struct oci_manifest m;
	struct oci_config config;
	int r;

	if ((r = oci_parse_manifest(a, d->digest, known_type(d), d->text, d->len, &m, e)) ||
	    (r = registry_get_blob(repo, a, m.config.digest, OCI_DOCUMENT_MAX, &text, e)) ||
	    (r = oci_parse_config(a, m.config.digest, text.text, text.len, &config, e)) ||
	    (r = check_config(want, &config, is_asked, c->indexes.n > 0, registry_repo_name(repo), e)))
		return r;
	if (m.layers.n != config.diff_ids.n || text.len != m.config.size) {
		err_new(e, ERR_FAILED, "image %.100s contradicts itself", d->digest);
		return err_because(e, "its manifest has %zu layers and a config of %llu bytes, its config %zu and %zu", m.layers.n,
				   (unsigned long long)m.config.size, config.diff_ids.n, text.len);
	}
	*image = (struct found_image){
		.format = IMAGE_OCI,
		.manifest = d->text,
		.manifest_len = d->len,
		.manifest_digest = d->digest,
		.manifest_type = m.media_type,
		.config_text = text.text,
		.config_len = text.len,
		.config_digest = m.config.digest,
		.config = config.config,
	};
	add_layers(a, image, &m, &config);
	return 0;
}

int choose_image(struct registry_repo *repo, struct arena *a, const char *which, const struct oci_platform *platform,
		 bool is_asked, struct chosen *ret, struct err *e)
{
	struct chosen c = {};
	struct registry_document d = {};
	int r = registry_get_manifest(repo, a, which, &d, e);

	if (!r) {
		c.top = d;
		r = follow_indexes(repo, a, platform, &d, &c, e);
	}
	if (!r)
		r = read_manifest(repo, a, &d, platform, is_asked, &c, e);
	if (!r)
		*ret = c;
	return r;
}
