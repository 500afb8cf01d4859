/* SPDX-License-Identifier: Apache-2.0 */
/* See evidence_fetch.h. Every document is hostile; each is bounded, and so is what they are together. */
#include "registry/evidence_fetch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "image/digest.h"
#include "store/artifact.h"

enum { TOTAL_MAX = 64 << 20, STACK_SIZE = 512 << 10 };

#define SIGNATURE_NOTE "dev.cosignproject.cosign/signature"

struct piece {
	struct artifact artifact;
	const char *bytes;
};

struct evidence_fetch {
	struct arena arena;
	struct registry_repo *repo;
	const struct chosen *chosen;
	pthread_t thread;
	bool is_running;
	LIST(struct piece) pieces;
	size_t total;
	struct err missing; /* the first thing that could not be had */
};

static bool is_full(const struct evidence_fetch *f)
{
	return f->pieces.n >= ARTIFACTS_MAX || f->total > TOTAL_MAX;
}

static void note_missing(struct evidence_fetch *f, const struct err *e)
{
	if (!f->missing.code)
		f->missing = *e;
}

static void add_piece(struct evidence_fetch *f, enum artifact_kind kind, const struct registry_document *d, const char *type,
		      const char *signature)
{
	struct piece *p;

	if (is_full(f)) {
		struct err e = {};

		err_new(&e, ERR_POLICY, "it has more than %d signatures and attestations", ARTIFACTS_MAX);
		note_missing(f, &e);
		return;
	}
	p = list_add(&f->arena, &f->pieces);
	p->artifact = (struct artifact){
		.kind = kind,
		.blob = d->digest,
		.size = d->len,
		.media_type = arena_strdup(&f->arena, type),
		.signature = arena_strdup(&f->arena, signature),
	};
	p->bytes = d->text;
	f->total += d->len;
}

static const char *note_of(const struct doc *descriptor, const char *key)
{
	return doc_get_str(doc_get(descriptor, "annotations"), key);
}

/* What kind a layer of a signature's manifest is; `base` is what its tag or referrer's type says. */
static bool kind_of(const struct doc *layer, enum artifact_kind base, enum artifact_kind *ret)
{
	const char *type = doc_get_str(layer, "mediaType");

	if (!type)
		return false;
	*ret = base;
	if (note_of(layer, SIGNATURE_NOTE) && !strcmp(type, "application/vnd.dev.cosign.simplesigning.v1+json"))
		*ret = ARTIFACT_COSIGN;
	else if (str_has_prefix(type, "application/vnd.dev.sigstore.bundle"))
		*ret = ARTIFACT_BUNDLE;
	else if (!strcmp(type, "application/vnd.dsse.envelope.v1+json"))
		*ret = ARTIFACT_DSSE;
	else if (!strcmp(type, "application/vnd.in-toto+json"))
		*ret = ARTIFACT_STATEMENT;
	else if (base == ARTIFACT_COSIGN) /* in a signature's place, and none */
		return false;
	return true;
}

static void take_layers(struct evidence_fetch *f, const struct registry_document *manifest, enum artifact_kind base)
{
	struct err e = {};
	struct doc *root;
	const struct doc *list;

	if (doc_parse_json(&f->arena, manifest->digest, manifest->text, manifest->len, &root, &e)) {
		note_missing(f, &e);
		return;
	}
	list = doc_get(root, "layers");
	for (const struct doc *l = list && list->kind == DOC_LIST ? list->child : NULL; l && !is_full(f); l = l->next) {
		struct registry_document d;
		enum artifact_kind kind;
		const char *digest = doc_get_str(l, "digest");

		e = (struct err){};
		if (!digest || !kind_of(l, base, &kind))
			continue;
		if (registry_get_blob(f->repo, &f->arena, digest, ARTIFACT_SIZE_MAX, &d, &e))
			note_missing(f, &e);
		else
			add_piece(f, kind, &d, doc_get_str(l, "mediaType"), kind == ARTIFACT_COSIGN ? note_of(l, SIGNATURE_NOTE) : NULL);
	}
}

static void take_manifest(struct evidence_fetch *f, const char *which, enum artifact_kind base)
{
	struct registry_document d;
	struct err e = {};
	int r = registry_get_manifest(f->repo, &f->arena, which, &d, &e);

	if (!r) {
		f->total += d.len;
		take_layers(f, &d, base);
	} else if (r != -ERR_NOT_FOUND) {
		note_missing(f, &e);
	}
}

static void take_tags(struct evidence_fetch *f, const char *digest)
{
	static const struct {
		const char *suffix;
		enum artifact_kind kind;
	} tags[] = {{".sig", ARTIFACT_COSIGN}, {".att", ARTIFACT_DSSE}, {".sbom", ARTIFACT_DOCUMENT}};

	for (size_t i = 0; i < ARRAY_SIZE(tags) && !is_full(f); i++)
		take_manifest(f, registry_tag_for(&f->arena, digest, tags[i].suffix), tags[i].kind);
}

static void take_referrers(struct evidence_fetch *f, const char *digest)
{
	static const struct {
		const char *type;
		enum artifact_kind kind;
	} types[] = {
		{"application/vnd.dev.sigstore.bundle", ARTIFACT_BUNDLE},
		{"application/vnd.dev.cosign.", ARTIFACT_COSIGN},
		{"application/vnd.in-toto", ARTIFACT_STATEMENT},
		{"application/spdx", ARTIFACT_DOCUMENT},
		{"text/spdx", ARTIFACT_DOCUMENT},
		{"application/vnd.cyclonedx", ARTIFACT_DOCUMENT},
	};
	struct registry_referrers found = {};
	struct err e = {};

	if (registry_list_referrers(f->repo, &f->arena, digest, NULL, &found, &e)) {
		note_missing(f, &e);
		return;
	}
	for (size_t i = 0; i < found.list.n && !is_full(f); i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++)
			if (str_has_prefix(found.list.v[i].artifact_type ? found.list.v[i].artifact_type : "", types[k].type))
				take_manifest(f, found.list.v[i].digest, types[k].kind);
}

/* BuildKit's: manifests in the index itself that name the one that they are about. */
static void take_attestations(struct evidence_fetch *f, const struct registry_document *index, const char *digest)
{
	struct err ignored = {};
	struct doc *root;
	const struct doc *list;

	if (doc_parse_json(&f->arena, index->digest, index->text, index->len, &root, &ignored))
		return;
	list = doc_get(root, "manifests");
	for (const struct doc *m = list && list->kind == DOC_LIST ? list->child : NULL; m && !is_full(f); m = m->next)
		if (str_equal(note_of(m, "vnd.docker.reference.type"), "attestation-manifest") &&
		    str_equal(note_of(m, "vnd.docker.reference.digest"), digest) && doc_get_str(m, "digest"))
			take_manifest(f, doc_get_str(m, "digest"), ARTIFACT_STATEMENT);
}

static void *gather(void *arg)
{
	struct evidence_fetch *f = arg;
	const char *digest = f->chosen->image.manifest_digest;

	for (size_t i = 0; i < f->chosen->indexes.n; i++) {
		const struct registry_document *index = &f->chosen->indexes.v[i];

		add_piece(f, ARTIFACT_INDEX, index, index->media_type, NULL);
		take_tags(f, index->digest);
		take_referrers(f, index->digest);
		take_attestations(f, index, digest);
	}
	take_tags(f, digest);
	take_referrers(f, digest);
	return NULL;
}

int evidence_begin(struct registry_repo *repo, const struct chosen *chosen, struct evidence_fetch **ret, struct err *e)
{
	struct evidence_fetch *f = calloc(1, sizeof(*f));
	pthread_attr_t attr;

	if (!f)
		abort();
	f->repo = repo;
	f->chosen = chosen;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	errno = pthread_create(&f->thread, &attr, gather, f);
	pthread_attr_destroy(&attr);
	if (errno) {
		free(f);
		return err_errno(e, "can't start a thread");
	}
	f->is_running = true;
	*ret = f;
	return 0;
}

void evidence_wait(struct evidence_fetch *f)
{
	if (f && f->is_running)
		pthread_join(f->thread, NULL);
	if (f)
		f->is_running = false;
}

int evidence_keep(struct evidence_fetch *f, const struct store *s, struct arena *a, size_t *ret_n, char **ret_missing,
		  struct err *e)
{
	int r = 0;

	evidence_wait(f);
	for (size_t i = 0; i < f->pieces.n && !r; i++)
		r = artifact_put(s, f->chosen->image.manifest_digest, &f->pieces.v[i].artifact, f->pieces.v[i].bytes, e);
	*ret_n = f->pieces.n;
	*ret_missing = f->missing.code ? arena_printf(a, "%s: %s", f->missing.what, f->missing.because) : NULL;
	return r;
}

void evidence_free(struct evidence_fetch *f)
{
	if (!f)
		return;
	evidence_wait(f);
	arena_free(&f->arena);
	free(f);
}
