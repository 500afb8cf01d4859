/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to an image, from its manifest to its parts (image/oci_artifact.h). */
#include "image/oci_artifact.h"

#include <string.h>

#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"
#include "image/oci_doc.h"

static int refuse(struct err *e, const char *name, const char *because)
{
	err_new(e, ERR_FAILED, "%.150s is no good", name);
	return err_because(e, "%s", because);
}

static int parse(struct arena *a, const char *name, const char *text, size_t len, struct doc **ret, struct err *e)
{
	struct err inner = {};

	if (len > OCI_DOCUMENT_MAX)
		return refuse(e, name, "it is too large");
	if (doc_parse_json(a, name, text, len, ret, &inner) < 0)
		return refuse(e, name, inner.what);
	return (*ret)->kind == DOC_MAP ? 0 : refuse(e, name, "it is no object");
}

static int parse_part(struct arena *a, const char *name, const struct doc *node, struct oci_artifact_part *ret,
		      struct err *e)
{
	const char *digest = doc_get_str(node, "digest"), *type = doc_get_str(node, "mediaType");
	const char *signature = doc_get_str(doc_get(node, "annotations"), OCI_NOTE_COSIGN_SIGNATURE);
	const struct doc *size = doc_get(node, "size");

	if (!digest || !oci_is_digest(digest) || !size || size->kind != DOC_INT ||
	    unit_parse_u64(size->text, 0, UINT64_MAX, &ret->size) < 0)
		return refuse(e, name, "a part of it has no digest or no size");
	ret->digest = arena_strdup(a, digest);
	ret->media_type = arena_strdup(a, type);
	ret->signature = arena_strdup(a, signature);
	return 0;
}

int oci_parse_artifact(struct arena *a, const char *name, const char *text, size_t len, struct oci_artifact *ret,
		       struct err *e)
{
	struct oci_artifact artifact = {};
	struct doc *root = NULL;
	int r = parse(a, name, text, len, &root, e);

	if (r < 0)
		return r;
	const struct doc *layers = doc_get(root, "layers");
	const char *subject = doc_get_str(doc_get(root, "subject"), "digest"), *type = doc_get_str(root, "artifactType");

	if (doc_get(root, "manifests"))
		return refuse(e, name, "it is an index");
	if (subject && !oci_is_digest(subject))
		return refuse(e, name, "its subject has no digest");
	if (layers && (layers->kind != DOC_LIST || layers->n > OCI_ARTIFACT_PARTS_MAX))
		return refuse(e, name, "its layers are no list, or too many");
	artifact.type = arena_strdup(a, type && *type ? type : doc_get_str(doc_get(root, "config"), "mediaType"));
	artifact.subject = arena_strdup(a, subject);
	for (const struct doc *d = layers ? layers->child : NULL; r == 0 && d; d = d->next)
		r = parse_part(a, name, d, list_add(a, &artifact.parts), e);
	if (r == 0)
		*ret = artifact;
	return r;
}

int oci_find_attestations(struct arena *a, const char *name, const char *text, size_t len, const char *digest,
			  char ***ret, struct err *e)
{
	struct doc *root = NULL;
	char **found = NULL;
	int r = parse(a, name, text, len, &root, e);

	if (r < 0)
		return r;
	const struct doc *manifests = doc_get(root, "manifests");

	for (const struct doc *d = manifests && manifests->kind == DOC_LIST ? manifests->child : NULL; d; d = d->next) {
		const struct doc *notes = doc_get(d, "annotations");
		const char *own = doc_get_str(d, "digest");

		if (str_equal(doc_get_str(notes, "vnd.docker.reference.type"), "attestation-manifest") &&
		    str_equal(doc_get_str(notes, "vnd.docker.reference.digest"), digest) && own && oci_is_digest(own))
			arena_strv_add(a, &found, own);
	}
	*ret = found;
	return 0;
}

char *oci_artifact_tag(struct arena *a, const char *digest, const char *suffix)
{
	return arena_printf(a, "sha256-%s.%s", digest + strcspn(digest, ":") + 1, suffix);
}
