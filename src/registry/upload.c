/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to a registry (distribution spec, "Pushing"): a blob that is there is not sent, one that another repository of
 * the host has is mounted; else POST gives a place, and PUT brings it whole. A manifest with a subject is entered into the
 * tag that stands for the referrers API where a registry lacks that.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "registry/client.h"
#include "registry/url.h"

enum { TRIES = 3 };

/* ---- blobs ---- */

/* Where the bytes go; *ret_url NULL: it was mounted. */
static int begin_upload(struct endpoint *ep, struct arena *a, const struct upload *u, const char *from, char **ret_url,
			struct err *e)
{
	const char *path = "blobs/uploads/";
	struct http_response r = {};
	struct url url;

	if (from)
		path = url_add_query(a, url_add_query(a, path, "mount", u->digest), "from", from);
	struct endpoint_request q = {
		.path = path,
		.push = true,
		.from = from,
		.http = {.method = "POST", .body = "", .content_type = "application/octet-stream"},
	};
	int rc = endpoint_send(ep, a, &q, TRIES, &r, e);

	if (!rc && r.status == 201) {
		*ret_url = NULL;
	} else if (!rc && r.status == 202 && r.location) {
		rc = url_parse(a, r.url, r.location, &url, e);
		*ret_url = rc ? NULL : url.text;
	} else if (!rc) {
		rc = endpoint_err(ep, &r, "to take a blob", e);
	}
	str_free(&r.body);
	return rc;
}

static int put_bytes(struct endpoint *ep, struct arena *a, struct upload *u, const char *url, struct err *e)
{
	struct http_response r = {};
	struct endpoint_request q = {
		.path = url_add_query(a, url, "digest", u->digest),
		.push = true,
		.http = {.method = "PUT", .content_type = "application/octet-stream", .body = u->bytes ? u->bytes : u->size ? NULL : "",
			 .body_fd = u->fd, .body_size = u->size, .moved = u->moved, .bulk = true},
	};
	int rc = endpoint_send(ep, a, &q, 1, &r, e);

	if (!rc && r.status != 201 && r.status != 204) {
		rc = endpoint_err(ep, &r, u->digest, e);
		if (r.status >= 500)
			e->errnum = EAGAIN; /* as http_is_passing() has it */
	}
	str_free(&r.body);
	return rc;
}

static int send_blob(struct endpoint *ep, struct arena *a, struct upload *u, struct err *e)
{
	uint64_t before = u->moved ? atomic_load(u->moved) : 0;
	const char *from = u->mount_from;

	for (unsigned i = 0;; i++) {
		struct err why = {};
		char *url = NULL;
		int r = begin_upload(ep, a, u, from, &url, &why);

		/* Who may not read the other repository may still write here. */
		if (r && from && r == -ERR_NETWORK && !http_is_passing(&why)) {
			from = NULL;
			continue;
		}
		u->was_mounted = !r && !url;
		if (!r && url)
			r = put_bytes(ep, a, u, url, &why);
		if (!r || !http_is_passing(&why) || i + 1 >= TRIES) {
			*e = why;
			return r;
		}
		if (u->moved)
			atomic_store(u->moved, before);
	}
}

int upload_blob(struct registry_repo *repo, struct upload *u, struct err *e)
{
	autoarena a = {};
	struct endpoint *ep = repo_own(repo);
	int r = registry_has_blob(repo, u->digest, &u->was_there, e);

	if (r || u->was_there)
		return r;
	return send_blob(ep, &a, u, e);
}

int upload_mount(struct registry_repo *repo, struct upload *u, struct err *e)
{
	autoarena a = {};
	struct endpoint *ep = repo_own(repo);
	struct http_response r = {};
	struct err why = {};
	char *url = NULL;
	int rc = begin_upload(ep, &a, u, u->mount_from, &url, &why);

	if (rc && !http_is_passing(&why)) /* we may not read there: no mount, and no failure */
		return 0;
	*e = why;
	if (rc)
		return rc;
	u->was_mounted = !url;
	if (url) { /* the place that was given instead is not used */
		struct endpoint_request q = {.path = url, .push = true, .http = {.method = "DELETE"}};

		if (!endpoint_send(ep, &a, &q, 1, &r, &why))
			str_free(&r.body);
	}
	return 0;
}

int registry_put_blob(struct registry_repo *repo, const char *digest, const void *bytes, size_t n, struct err *e)
{
	struct upload u = {.digest = digest, .fd = -1, .bytes = n ? bytes : "", .size = n};

	return upload_blob(repo, &u, e);
}

/* ---- manifests ---- */

static int put_manifest(struct endpoint *ep, struct arena *a, const char *which, const char *type, const void *bytes,
			size_t n, bool *ret_subject, struct err *e)
{
	struct http_response r = {};
	struct endpoint_request q = {
		.path = arena_printf(a, "manifests/%s", which),
		.push = true,
		.http = {.method = "PUT", .content_type = type, .body = bytes, .body_size = n},
	};
	int rc = endpoint_send(ep, a, &q, TRIES, &r, e);

	if (!rc && r.status != 201 && r.status != 200)
		rc = endpoint_err(ep, &r, "to take the manifest", e);
	if (!rc)
		*ret_subject = r.subject != NULL;
	str_free(&r.body);
	return rc;
}

/* The descriptor of the manifest as an index has it, with artifact type and annotations (image-spec, referrers). */
static void describe(struct str *out, const struct doc *manifest, const char *type, const char *digest, size_t n)
{
	const struct doc *notes = doc_get(manifest, "annotations"), *config = doc_get(manifest, "config");
	const char *artifact = doc_get_str(manifest, "artifactType");

	if (!artifact || !*artifact)
		artifact = doc_get_str(config, "mediaType");
	str_add(out, "{\"mediaType\":");
	str_add_json(out, type);
	str_addf(out, ",\"digest\":\"%s\",\"size\":%zu", digest, n);
	if (artifact) {
		str_add(out, ",\"artifactType\":");
		str_add_json(out, artifact);
	}
	if (notes && notes->kind == DOC_MAP && notes->n) {
		str_add(out, ",\"annotations\":");
		doc_write_json(out, notes, false);
	}
	str_add_char(out, '}');
}

/* The index under the subject's tag with one entry more; *ret_there: it had it. */
static int extend_index(struct arena *a, const struct registry_document *old, const char *digest, const char *entry,
			struct str *out, bool *ret_there, struct err *e)
{
	struct doc *root = NULL;
	const struct doc *list = NULL;
	bool first = true;

	if (old->text && doc_parse_json(a, "referrers", old->text, old->len, &root, e))
		return err_recode(e, ERR_NETWORK);
	list = doc_get(root, "manifests");
	str_add(out, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (const struct doc *c = list && list->kind == DOC_LIST ? list->child : NULL; c; c = c->next) {
		*ret_there = *ret_there || str_equal(doc_get_str(c, "digest"), digest);
		str_add(out, first ? "" : ",");
		doc_write_json(out, c, false);
		first = false;
	}
	str_addf(out, "%s%s]}", first ? "" : ",", entry);
	return 0;
}

static int put_referrer_tag(struct registry_repo *repo, struct arena *a, const char *subject, const char *digest,
			    const char *entry, struct err *e)
{
	char *tag = registry_tag_for(a, subject, "");
	struct registry_document old = {};
	struct err why = {};
	bool there = false, ignored;
	autostr index = {};
	int r = registry_get_manifest(repo, a, tag, &old, &why);

	if (r && r != -ERR_NOT_FOUND) {
		*e = why;
		return r;
	}
	r = extend_index(a, &old, digest, entry, &index, &there, e);
	if (r || there)
		return r;
	return put_manifest(repo_own(repo), a, tag, OCI_TYPE_INDEX, index.text, index.len, &ignored, e);
}

int registry_put_manifest(struct registry_repo *repo, const char *which, const char *media_type, const void *bytes, size_t n,
			  struct err *e)
{
	autoarena a = {};
	autostr entry = {};
	char digest[DIGEST_TEXT_MAX];
	bool took_note = false;
	struct doc *root;
	int r = put_manifest(repo_own(repo), &a, which, media_type, bytes, n, &took_note, e);

	if (r || took_note || doc_parse_json(&a, "manifest", bytes, n, &root, e))
		return r;
	const char *subject = doc_get_str(doc_get(root, "subject"), "digest");

	if (!oci_is_digest(subject))
		return 0;
	digest_text(bytes, n, digest);
	describe(&entry, root, media_type, digest, n);
	return put_referrer_tag(repo, &a, subject, digest, entry.text, e);
}
