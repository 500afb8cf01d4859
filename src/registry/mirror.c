/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See mirror.h. Blobs before the manifest that names them, children before their index, what refers to a manifest after it: at
 * any moment the target shows nothing half.
 */
#include "registry/mirror.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "registry/client.h"
#include "store/blob.h"

enum { DEPTH_MAX = 4, MANIFESTS_MAX = 1000 };

struct mirror {
	struct arena *a;
	const struct mirror_request *ask;
	struct mirror_done done;
	LIST(const char *) seen; /* digests that are over there */
	LIST(const char *) manifests; /* of them, the manifests: each may be signed by itself */
};

static bool was_seen(struct mirror *m, const char *digest)
{
	for (size_t i = 0; i < m->seen.n; i++)
		if (!strcmp(m->seen.v[i], digest))
			return true;
	*list_add(m->a, &m->seen) = digest;
	return false;
}

/* ---- blobs ---- */

struct scratch {
	struct blob_writer file; /* never gets a name */
	struct digest *digest;
};

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	struct scratch *s = ctx;

	digest_add(s->digest, bytes, n);
	return io_write_all(s->file.fd, bytes, n);
}

static int bring_blob(struct mirror *m, struct scratch *s, const char *digest, uint64_t size, struct err *e)
{
	struct blob_stream stream = {.digest = digest, .size = size, .sink = on_bytes, .ctx = s};
	char hex[DIGEST_HEX_MAX];
	int r = blob_writer_open(m->ask->store, BLOB_SHA256, &s->file, e);

	if (!r)
		r = blob_stream(m->ask->from, &stream, e);
	if (r == -ERR_BUSY)
		return err_new(e, ERR_FAILED, "can't keep %.80s on its way: the disk is full, perhaps", digest);
	if (r)
		return r;
	digest_hex(s->digest, hex);
	if (!strcmp(hex, digest + strlen("sha256:")))
		return 0;
	err_new(e, ERR_FAILED, "%.80s is not what its digest says", digest);
	return err_because(e, "the bytes that came have sha256:%.64s", hex);
}

static int copy_blob(struct mirror *m, const char *digest, uint64_t size, struct err *e)
{
	autodigest *d = digest_new(DIGEST_SHA256);
	struct scratch s = {.file = BLOB_WRITER_NONE, .digest = d};
	struct upload u = {.digest = digest, .fd = -1, .size = size, .mount_from = m->ask->mount_from};
	bool there = was_seen(m, digest);
	int r = there ? 0 : registry_has_blob(m->ask->to, digest, &there, e);

	if (!r && !there && m->ask->mount_from) {
		r = upload_mount(m->ask->to, &u, e);
		there = u.was_mounted;
	}
	if (r || there)
		return r;
	r = bring_blob(m, &s, digest, size, e);
	u.fd = s.file.fd;
	u.mount_from = NULL;
	if (!r)
		r = upload_blob(m->ask->to, &u, e);
	blob_writer_close(&s.file);
	if (r)
		return r;
	m->done.blobs++;
	m->done.bytes += size;
	return 0;
}

static int copy_descriptor(struct mirror *m, const struct doc *d, struct err *e)
{
	const char *digest = doc_get_str(d, "digest");
	const struct doc *size = doc_get(d, "size");
	uint64_t bytes = 0;

	if (!oci_is_digest(digest) || !size || size->kind != DOC_INT || unit_parse_u64(size->text, 0, INT64_MAX, &bytes))
		return doc_err(d, e, "a reference has no digest or no size"), err_recode(e, ERR_FAILED);
	return copy_blob(m, digest, bytes, e);
}

/* ---- manifests ---- */

static int copy_manifest(struct mirror *m, const char *which, const char *as, unsigned depth, struct registry_document *ret,
			 struct err *e);

static int copy_children(struct mirror *m, const struct doc *list, unsigned depth, struct err *e)
{
	int r = 0;

	for (const struct doc *c = list->child; c && !r; c = c->next) {
		const char *digest = doc_get_str(c, "digest");
		struct registry_document d;

		if (!oci_is_digest(digest))
			return doc_err(c, e, "an entry of the index has no digest"), err_recode(e, ERR_FAILED);
		r = copy_manifest(m, digest, digest, depth + 1, &d, e);
	}
	return r;
}

static int copy_parts(struct mirror *m, const struct registry_document *d, unsigned depth, struct err *e)
{
	const struct doc *manifests, *layers, *config;
	struct doc *root;
	int r = doc_parse_json(m->a, d->digest, d->text, d->len, &root, e);

	if (r)
		return err_recode(e, ERR_FAILED);
	manifests = doc_get(root, "manifests");
	layers = doc_get(root, "layers");
	config = doc_get(root, "config");
	if (manifests && (layers || config))
		return err_new(e, ERR_FAILED, "%.80s is ambiguous: an index and a manifest at once", d->digest);
	if (manifests)
		return manifests->kind == DOC_LIST ? copy_children(m, manifests, depth, e)
						   : err_new(e, ERR_FAILED, "%.80s is no index", d->digest);
	if (config && config->kind == DOC_MAP)
		r = copy_descriptor(m, config, e);
	for (const struct doc *l = layers && layers->kind == DOC_LIST ? layers->child : NULL; l && !r; l = l->next)
		r = copy_descriptor(m, l, e);
	return r;
}

static int copy_manifest(struct mirror *m, const char *which, const char *as, unsigned depth, struct registry_document *ret,
			 struct err *e)
{
	int r = registry_get_manifest(m->ask->from, m->a, which, ret, e);

	if (r)
		return r;
	if (depth >= DEPTH_MAX || m->done.manifests >= MANIFESTS_MAX)
		return err_new(e, ERR_FAILED, "%.100s holds too much: %d manifests, %d in each other are the limits", which,
			       MANIFESTS_MAX, DEPTH_MAX);
	if (oci_is_digest(as) && was_seen(m, ret->digest))
		return 0;
	r = copy_parts(m, ret, depth, e);
	if (!r)
		r = registry_put_manifest(m->ask->to, as ? as : ret->digest, ret->media_type ? ret->media_type : OCI_TYPE_MANIFEST,
					  ret->text, ret->len, e);
	if (!r) {
		m->done.manifests++;
		*list_add(m->a, &m->manifests) = ret->digest;
	}
	if (!r && m->ask->say)
		m->ask->say(m->ask->ctx, arena_printf(m->a, "%s%s%.19s", as && !oci_is_digest(as) ? as : "", as && !oci_is_digest(as) ? " " : "", ret->digest));
	return r;
}

/* What refers to the digest: cosign's tags, and referrers by the API or its tag. */
static int copy_referrers(struct mirror *m, const char *digest, struct err *e)
{
	static const char *const suffixes[] = {".sig", ".att", ".sbom"};
	struct registry_referrers list = {};
	struct registry_document d;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes) && !r; i++) {
		char *tag = registry_tag_for(m->a, digest, suffixes[i]);
		struct err why = {};

		r = copy_manifest(m, tag, tag, 0, &d, &why);
		m->done.signatures += !r;
		if (r == -ERR_NOT_FOUND)
			r = 0;
		else if (r)
			*e = why;
	}
	if (!r)
		r = registry_list_referrers(m->ask->from, m->a, digest, NULL, &list, e);
	for (size_t i = 0; i < list.list.n && !r; i++) {
		r = copy_manifest(m, list.list.v[i].digest, list.list.v[i].digest, 0, &d, e);
		m->done.signatures += !r;
	}
	return r;
}

int mirror_name(struct arena *a, const struct mirror_request *request, struct mirror_done *ret, struct err *e)
{
	struct mirror m = {.a = a, .ask = request};
	struct registry_document top = {};
	int r = copy_manifest(&m, request->which, request->tag, 0, &top, e);

	if (r)
		return r;
	size_t n = m.manifests.n; /* what comes on now are signatures themselves */

	for (size_t i = 0; i < n && !r; i++)
		r = copy_referrers(&m, m.manifests.v[i], e);
	if (r)
		return r;
	m.done.digest = top.digest;
	*ret = m.done;
	return 0;
}
