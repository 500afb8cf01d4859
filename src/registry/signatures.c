/* SPDX-License-Identifier: Apache-2.0 */
/* From a repository's tags and referrers to artifacts in the store (registry/signatures.h). */
#include "registry/signatures.h"

#include <string.h>

#include "base/str.h"
#include "image/oci_artifact.h"
#include "store/artifact.h"

struct fetching {
	struct registry_repo *repo;
	const struct store *store;
	struct arena *a;
	const char *digest; /* of the image */
	unsigned kept;
};

/* A server that can't be reached stops it; one that answers nonsense only loses its say. */
static int pass_over(int r, struct err *e)
{
	if (r == 0 || r == -ERR_NETWORK)
		return r;
	*e = (struct err){};
	return 0;
}

static int keep(struct fetching *f, enum artifact_kind kind, const struct registry_document *doc, const char *media_type,
		const char *signature, struct err *e)
{
	struct artifact artifact = {
		.kind = kind,
		.blob = doc->digest,
		.size = doc->len,
		.media_type = (char *)media_type,
		.signature = (char *)signature,
	};

	if (f->kept >= ARTIFACTS_MAX)
		return 0;
	f->kept++;
	return artifact_put(f->store, f->digest, &artifact, doc->text, e);
}

static int fetch_part(struct fetching *f, const struct oci_artifact_part *part, struct err *e)
{
	struct registry_document doc;
	enum artifact_kind kind;

	if (!artifact_kind_of(part->media_type, &kind) || part->size > ARTIFACT_SIZE_MAX || f->kept >= ARTIFACTS_MAX ||
	    (kind == ARTIFACT_COSIGN && !part->signature))
		return 0;
	int r = registry_get_blob(f->repo, f->a, part->digest, ARTIFACT_SIZE_MAX, &doc, e);

	return r < 0 ? pass_over(r, e) : keep(f, kind, &doc, part->media_type, part->signature, e);
}

/* which: a tag or digest. A repository without it has nothing to say there. */
static int fetch_manifest(struct fetching *f, const char *which, struct err *e)
{
	struct registry_document doc;
	struct oci_artifact artifact;
	int r = registry_get_manifest(f->repo, f->a, which, &doc, e);

	if (r == 0)
		r = oci_parse_artifact(f->a, which, doc.text, doc.len, &artifact, e);
	if (r < 0)
		return pass_over(r, e);
	for (size_t i = 0; r == 0 && i < artifact.parts.n; i++)
		r = fetch_part(f, &artifact.parts.v[i], e);
	return r;
}

static int fetch_referrers(struct fetching *f, const char *digest, struct err *e)
{
	struct registry_referrers referrers = {};
	int r = registry_list_referrers(f->repo, f->a, digest, NULL, &referrers, e);

	if (r < 0)
		return pass_over(r, e);
	for (size_t i = 0; r == 0 && i < referrers.list.n && f->kept < ARTIFACTS_MAX; i++) {
		enum artifact_kind kind;

		if (artifact_kind_of(referrers.list.v[i].artifact_type, &kind))
			r = fetch_manifest(f, referrers.list.v[i].digest, e);
	}
	return r;
}

/* Signatures before what is only informative, so that a flood of the latter can't push them out. */
static int fetch_about(struct fetching *f, const char *digest, struct err *e)
{
	int r = fetch_manifest(f, oci_artifact_tag(f->a, digest, "sig"), e);

	if (r == 0)
		r = fetch_referrers(f, digest, e);
	if (r == 0)
		r = fetch_manifest(f, oci_artifact_tag(f->a, digest, "att"), e);
	if (r == 0)
		r = fetch_manifest(f, oci_artifact_tag(f->a, digest, "sbom"), e);
	return r;
}

int signatures_fetch(struct registry_repo *repo, const struct store *s, struct arena *a, const struct signatures_of *of,
		     struct err *e)
{
	struct fetching f = {.repo = repo, .store = s, .a = a, .digest = of->manifest_digest};
	char **attestations = NULL;
	struct err damaged = {};
	int r = 0;

	if (of->index)
		r = keep(&f, ARTIFACT_INDEX, of->index, of->index->media_type, NULL, e);
	if (r == 0)
		r = fetch_about(&f, of->manifest_digest, e);
	if (r == 0 && of->index)
		r = fetch_about(&f, of->index->digest, e);
	if (of->index && oci_find_attestations(a, "the index", of->index->text, of->index->len, of->manifest_digest,
					       &attestations, &damaged) < 0)
		return r;
	for (; r == 0 && attestations && *attestations; attestations++)
		r = fetch_manifest(&f, *attestations, e);
	return r;
}
