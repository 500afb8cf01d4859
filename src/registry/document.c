/* SPDX-License-Identifier: Apache-2.0 */
/* What is small and read whole: manifests, configs, lists of referrers. Every digest is checked here. */
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "registry/client.h"
#include "registry/url.h"

enum { TRIES = 3, REFERRERS_MAX = 1000, PAGES_MAX = 10 };

#define ACCEPT_MANIFESTS                                                                                              \
	"application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "                       \
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

struct asked {
	struct arena *a;
	const char *which;
	size_t limit;
	struct registry_document document;
};

static char *media_type_of(struct arena *a, const char *header)
{
	return header ? arena_strndup(a, header, strcspn(header, "; \t")) : NULL;
}

static int err_digest(const char *name, const char *want, const char *got, struct err *e)
{
	err_new(e, ERR_FAILED, "%.120s sends something else than was asked for", name);
	err_because(e, "instead of %.80s came %.80s", want, got);
	return err_try(e, "rocket fetch once more; if it stays so, ask whoever runs the registry");
}

static int take_document(struct endpoint *ep, struct asked *q, const struct http_response *r, struct err *e)
{
	struct registry_document *d = &q->document;
	char digest[DIGEST_TEXT_MAX];

	digest_text(str_text(&r->body), r->body.len, digest);
	if (oci_is_digest(q->which) && strcmp(q->which, digest))
		return err_digest(ep->name, q->which, digest, e);
	/* A registry that says of its own answer what it is not is no place to trust a tag to. */
	if (!oci_is_digest(q->which) && oci_is_digest(r->digest) && strcmp(r->digest, digest))
		return err_digest(ep->name, r->digest, digest, e);
	d->text = arena_strndup(q->a, str_text(&r->body), r->body.len);
	d->len = r->body.len;
	d->digest = arena_strdup(q->a, digest);
	d->media_type = media_type_of(q->a, r->content_type);
	return 0;
}

static int get_document(struct endpoint *ep, struct asked *q, const char *kind, const char *accept, struct err *e)
{
	struct http_response r = {};
	struct endpoint_request request = {
		.path = arena_printf(q->a, "%s/%s", kind, q->which),
		.http = {.accept = accept, .limit = q->limit},
	};
	int rc = endpoint_send(ep, q->a, &request, TRIES, &r, e);

	if (rc)
		return rc;
	if (r.status == 200)
		rc = take_document(ep, q, &r, e);
	else
		rc = endpoint_err(ep, &r, q->which, e);
	str_free(&r.body);
	return rc;
}

static int ask_manifest(struct endpoint *ep, void *ctx, struct err *e)
{
	return get_document(ep, ctx, "manifests", ACCEPT_MANIFESTS, e);
}

int registry_get_manifest(struct registry_repo *repo, struct arena *a, const char *which, struct registry_document *ret,
			  struct err *e)
{
	struct asked q = {.a = a, .which = which, .limit = REGISTRY_DOCUMENT_MAX};
	int r = repo_each(repo, oci_is_digest(which), ask_manifest, &q, e);

	if (!r)
		*ret = q.document;
	return r;
}

static int ask_blob(struct endpoint *ep, void *ctx, struct err *e)
{
	return get_document(ep, ctx, "blobs", NULL, e);
}

int registry_get_blob(struct registry_repo *repo, struct arena *a, const char *digest, size_t limit,
		      struct registry_document *ret, struct err *e)
{
	struct asked q = {.a = a, .which = digest, .limit = limit};
	int r = oci_is_digest(digest) ? repo_each(repo, true, ask_blob, &q, e)
				      : err_new(e, ERR_FAILED, "'%.100s' is no digest", digest);

	if (!r)
		*ret = q.document;
	return r;
}

int registry_has_blob(struct registry_repo *repo, const char *digest, bool *ret, struct err *e)
{
	autoarena a = {};
	struct http_response r = {};
	struct endpoint *ep = repo_own(repo);
	struct endpoint_request q = {
		.path = arena_printf(&a, "blobs/%s", digest),
		.push = true,
		.http = {.method = "HEAD"},
	};
	int rc = endpoint_send(ep, &a, &q, TRIES, &r, e);

	str_free(&r.body);
	if (rc)
		return rc;
	if (r.status != 200 && r.status != 404)
		return endpoint_err(ep, &r, "to be asked for a blob", e);
	*ret = r.status == 200;
	return 0;
}

/* ---- referrers ---- */

char *registry_tag_for(struct arena *a, const char *digest, const char *suffix)
{
	return arena_printf(a, "sha256-%s%s", digest + strcspn(digest, ":") + 1, suffix);
}

static void add_annotations(struct arena *a, const struct doc *node, struct registry_referrer *r)
{
	const struct doc *map = doc_get(node, "annotations");

	for (const struct doc *c = map && map->kind == DOC_MAP ? map->child : NULL; c; c = c->next)
		if (c->kind == DOC_STR && !strchr(c->key, '='))
			arena_strv_add(a, &r->annotations, arena_printf(a, "%s=%s", c->key, c->text));
}

static int add_referrers(struct arena *a, const char *name, const char *text, size_t len, const char *type,
			 struct registry_referrers *ret, struct err *e)
{
	struct doc *root;
	int r = doc_parse_json(a, name, text, len, &root, e);
	const struct doc *list = r ? NULL : doc_get(root, "manifests");

	if (r || (list && list->kind != DOC_LIST)) {
		err_new(e, ERR_NETWORK, "%.150s answers something that is no list of referrers", name);
		return err_try(e, "ask whoever runs the registry");
	}
	for (const struct doc *c = list ? list->child : NULL; c; c = c->next) {
		const char *digest = doc_get_str(c, "digest"), *own = doc_get_str(c, "artifactType");
		const struct doc *size = doc_get(c, "size");
		uint64_t bytes = 0;

		if (!oci_is_digest(digest) || !size || unit_parse_u64(size->text, 0, INT64_MAX, &bytes) ||
		    (type && !str_equal(type, own)))
			continue;
		if (ret->list.n >= REFERRERS_MAX)
			return err_new(e, ERR_NETWORK, "%.150s has more than %d referrers", name, REFERRERS_MAX);
		struct registry_referrer *r1 = list_add(a, &ret->list);

		*r1 = (struct registry_referrer){
			.digest = arena_strdup(a, digest),
			.media_type = arena_strdup(a, doc_get_str(c, "mediaType")),
			.artifact_type = arena_strdup(a, own),
			.size = bytes,
		};
		add_annotations(a, c, r1);
	}
	return 0;
}

/* The URL of the next page from a Link header, `<URL>; rel="next"`; NULL at the end. */
static const char *next_page(struct arena *a, const struct http_response *r, struct err *e)
{
	const char *from = r->link ? strchr(r->link, '<') : NULL, *to = from ? strchr(from, '>') : NULL;
	struct url url;

	if (!to || !strstr(to, "next") || url_parse(a, r->url, arena_strndup(a, from + 1, (size_t)(to - from - 1)), &url, e))
		return NULL;
	return url.text;
}

struct listing {
	struct arena *a;
	const char *digest, *type;
	struct registry_referrers referrers;
	bool is_missing; /* no such API */
};

static int ask_referrers(struct endpoint *ep, void *ctx, struct err *e)
{
	struct listing *l = ctx;
	const char *path = arena_printf(l->a, "referrers/%s", l->digest);
	int rc = 0;

	for (unsigned i = 0; path && !rc && i < PAGES_MAX; i++) {
		struct http_response r = {};
		struct endpoint_request q = {.path = path, .http = {.accept = OCI_TYPE_INDEX, .limit = REGISTRY_DOCUMENT_MAX}};

		rc = endpoint_send(ep, l->a, &q, TRIES, &r, e);
		if (rc)
			break;
		l->is_missing = r.status == 404 || r.status == 405 || r.status == 400 ||
				(r.status == 200 && !str_equal(media_type_of(l->a, r.content_type), OCI_TYPE_INDEX));
		if (l->is_missing)
			path = NULL;
		else if (r.status != 200)
			rc = endpoint_err(ep, &r, "to say who refers to the image", e);
		else
			rc = add_referrers(l->a, ep->name, str_text(&r.body), r.body.len, l->type, &l->referrers, e);
		if (path && !rc)
			path = next_page(l->a, &r, e);
		str_free(&r.body);
	}
	return rc;
}

/* Before the API there was a convention: an index under a tag made of the digest. */
static int list_by_tag(struct registry_repo *repo, struct arena *a, const char *digest, const char *type,
		       struct registry_referrers *ret, struct err *e)
{
	struct registry_document index;
	struct err why = {};
	int r = registry_get_manifest(repo, a, registry_tag_for(a, digest, ""), &index, &why);

	if (r == -ERR_NOT_FOUND)
		return 0;
	if (r) {
		*e = why;
		return r;
	}
	return add_referrers(a, repo->name, index.text, index.len, type, ret, e);
}

int registry_list_referrers(struct registry_repo *repo, struct arena *a, const char *digest, const char *artifact_type,
			    struct registry_referrers *ret, struct err *e)
{
	struct listing l = {.a = a, .digest = digest, .type = artifact_type};
	int r = oci_is_digest(digest) ? repo_each(repo, true, ask_referrers, &l, e)
				      : err_new(e, ERR_FAILED, "'%.100s' is no digest", digest);

	if (!r && l.is_missing) {
		l.referrers = (struct registry_referrers){};
		r = list_by_tag(repo, a, digest, artifact_type, &l.referrers, e);
	}
	if (!r)
		*ret = l.referrers;
	return r;
}
