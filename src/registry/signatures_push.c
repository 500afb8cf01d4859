/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of the store to a repository, as cosign lays them out (registry/signatures.h): simple signing payloads
 * are layers of one manifest under the .sig tag, so those that others put there are read first and kept; a bundle is a
 * manifest of its own whose subject is the image.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_artifact.h"
#include "image/oci_doc.h"
#include "registry/signatures.h"
#include "store/artifact.h"

struct pushing {
	struct registry_repo *repo;
	const struct store *store;
	struct arena *a;
	const struct signatures_of *of;
	struct artifacts all;
	unsigned sent;
};

static int put_part(struct pushing *p, const struct artifact *artifact, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = artifact_read(p->store, artifact, &text, &n, e);

	return r < 0 ? r : registry_put_blob(p->repo, artifact->blob, text, n, e);
}

/* The digest and size of a small document that lies in the repository from here on. */
static int put_small(struct pushing *p, const char *text, char digest[DIGEST_TEXT_MAX], struct err *e)
{
	digest_text(text, strlen(text), digest);
	return registry_put_blob(p->repo, digest, text, strlen(text), e);
}

static void add_part(struct str *m, const char *type, const char *digest, uint64_t size, const char *signature)
{
	str_add(m, "{\"mediaType\":");
	str_add_json(m, type);
	str_addf(m, ",\"digest\":\"%s\",\"size\":%llu", digest, (unsigned long long)size);
	if (signature) {
		str_add(m, ",\"annotations\":{\"" OCI_NOTE_COSIGN_SIGNATURE "\":");
		str_add_json(m, signature);
		str_add_char(m, '}');
	}
	str_add_char(m, '}');
}

/* ---- cosign's tags ---- */

static bool has_part(const struct oci_artifact *there, const struct artifact *artifact)
{
	for (size_t i = 0; i < there->parts.n; i++)
		if (str_equal(there->parts.v[i].digest, artifact->blob) &&
		    str_equal(there->parts.v[i].signature, artifact->signature))
			return true;
	return false;
}

/* What the tag holds now; nothing when it is not there. A tag that can't be read is not overwritten. */
static int read_tag(struct pushing *p, const char *tag, struct oci_artifact *ret, struct err *e)
{
	struct registry_document doc;
	int r = registry_get_manifest(p->repo, p->a, tag, &doc, e);

	*ret = (struct oci_artifact){};
	if (r == -ERR_NOT_FOUND) {
		*e = (struct err){};
		return 0;
	}
	return r < 0 ? r : oci_parse_artifact(p->a, tag, doc.text, doc.len, ret, e);
}

/* As cosign's own: an image config whose diff_ids are the parts. */
static int put_config(struct pushing *p, const struct str *diff_ids, char digest[DIGEST_TEXT_MAX], size_t *ret_n,
		      struct err *e)
{
	const char *config = arena_printf(p->a,
					  "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\"history\":[],\"os\":\"\","
					  "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]},\"config\":{}}",
					  str_text(diff_ids));

	*ret_n = strlen(config);
	return put_small(p, config, digest, e);
}

/* The lists of a tag's manifest and config, growing side by side. */
struct tag_lists {
	struct str layers, ids;
};

static void list_part(struct tag_lists *l, const char *type, const char *digest, uint64_t size, const char *signature)
{
	str_addf(&l->ids, "%s\"%s\"", l->ids.len ? "," : "", digest);
	str_add(&l->layers, l->layers.len ? "," : "");
	add_part(&l->layers, type ? type : "", digest, size, signature);
}

static int add_new_parts(struct pushing *p, enum artifact_kind kind, const struct oci_artifact *there, struct tag_lists *l,
			 size_t *ret_added, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->all.list.n; i++) {
		const struct artifact *artifact = &p->all.list.v[i];

		if (artifact->kind != kind || has_part(there, artifact))
			continue;
		r = put_part(p, artifact, e);
		list_part(l, artifact->media_type, artifact->blob, artifact->size,
			  artifact->signature ? artifact->signature : "");
		++*ret_added;
	}
	return r;
}

static int put_tag(struct pushing *p, const char *tag, const struct tag_lists *l, struct err *e)
{
	char config[DIGEST_TEXT_MAX];
	autostr manifest = {};
	size_t config_n;
	int r = put_config(p, &l->ids, config, &config_n, e);

	if (r < 0)
		return r;
	str_addf(&manifest, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
			    "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[%s]}", config_n, config, str_text(&l->layers));
	return registry_put_manifest(p->repo, tag, OCI_TYPE_MANIFEST, manifest.text, manifest.len, e);
}

static int push_tag(struct pushing *p, enum artifact_kind kind, const char *suffix, struct err *e)
{
	const char *tag = oci_artifact_tag(p->a, p->of->digest, suffix);
	struct tag_lists l = {};
	struct oci_artifact there;
	size_t added = 0;
	int r = read_tag(p, tag, &there, e);

	for (size_t i = 0; r == 0 && i < there.parts.n; i++)
		list_part(&l, there.parts.v[i].media_type, there.parts.v[i].digest, there.parts.v[i].size,
			  there.parts.v[i].signature);
	if (r == 0)
		r = add_new_parts(p, kind, &there, &l, &added, e);
	if (r == 0 && added)
		r = put_tag(p, tag, &l, e);
	p->sent += (unsigned)added;
	str_free(&l.layers);
	str_free(&l.ids);
	return r;
}

/* ---- referrers ---- */

static int push_referrer(struct pushing *p, const struct artifact *artifact, struct err *e)
{
	autostr manifest = {};
	char config[DIGEST_TEXT_MAX], own[DIGEST_TEXT_MAX];
	int r = put_part(p, artifact, e);

	if (r == 0)
		r = put_small(p, "{}", config, e);
	if (r < 0)
		return r;
	str_add(&manifest, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"artifactType\":");
	str_add_json(&manifest, artifact->media_type);
	str_addf(&manifest, ",\"config\":{\"mediaType\":\"" OCI_TYPE_EMPTY "\",\"size\":2,\"digest\":\"%s\"},\"layers\":[", config);
	add_part(&manifest, artifact->media_type, artifact->blob, artifact->size, NULL);
	str_add(&manifest, "],\"subject\":");
	add_part(&manifest, p->of->type, p->of->digest, p->of->size, NULL);
	if (artifact->kind == ARTIFACT_BUNDLE)
		str_add(&manifest, ",\"annotations\":{\"dev.sigstore.bundle.content\":\"dsse-envelope\"}");
	str_add_char(&manifest, '}');
	digest_text(manifest.text, manifest.len, own);
	p->sent++;
	return registry_put_manifest(p->repo, own, OCI_TYPE_MANIFEST, manifest.text, manifest.len, e);
}

static bool is_referrer(const struct artifact *a)
{
	return a->media_type && (a->kind == ARTIFACT_BUNDLE || a->kind == ARTIFACT_DOCUMENT);
}

int signatures_push(struct registry_repo *repo, const struct store *s, struct arena *a, const struct signatures_of *of,
		    unsigned *ret_n, struct err *e)
{
	struct pushing p = {.repo = repo, .store = s, .a = a, .of = of};
	int r = artifact_list(s, a, of->digest, &p.all, e);

	if (r == 0)
		r = push_tag(&p, ARTIFACT_COSIGN, "sig", e);
	if (r == 0)
		r = push_tag(&p, ARTIFACT_DSSE, "att", e);
	for (size_t i = 0; r == 0 && i < p.all.list.n; i++)
		if (is_referrer(&p.all.list.v[i]))
			r = push_referrer(&p, &p.all.list.v[i], e);
	if (r == 0)
		*ret_n = p.sent;
	return r;
}

int signatures_push_for(struct registry_repo *repo, const struct store *s, struct arena *a, const char *digest,
			unsigned *ret_n, struct err *e)
{
	struct registry_document doc;
	int r = registry_get_manifest(repo, a, digest, &doc, e);
	const struct signatures_of of = {digest, doc.media_type, doc.len};

	return r < 0 ? r : signatures_push(repo, s, a, &of, ret_n, e);
}
