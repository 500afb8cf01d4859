/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify attestations --sbom|--provenance IMAGE: what came with an image about what is in it and how it
 * was made, and whether a key that is trusted for the image's name vouches for it. One JSON object each:
 *
 *   {"type": predicate or media type, "signed_by": fingerprint or null, "rule": … or null, "document": the statement}
 *
 * The documents are hostile: they are parsed, and put out again, by a process that has given up everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/digest.h"
#include "libexec/verify_tool.h"
#include "trust/claim.h"
#include "trust/pubkey.h"
#include "trust/scope.h"

enum what { SBOM = 1, PROVENANCE = 2 };

/* What predicate and media types begin with. */
static const struct {
	const char *prefix;
	enum what what;
} types[] = {
	{"https://spdx.dev/", SBOM},
	{"https://cyclonedx.org/", SBOM},
	{"https://syft.dev/", SBOM},
	{"application/spdx", SBOM},
	{"text/spdx", SBOM},
	{"application/vnd.cyclonedx", SBOM},
	{"https://slsa.dev/provenance", PROVENANCE},
	{"https://in-toto.io/attestation/link", PROVENANCE},
};

static enum what what_of(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
		if (str_has_prefix(type, types[i].prefix))
			return types[i].what;
	return 0;
}

struct listing {
	struct arena *a;
	const struct judge_case *c;
	enum what what;
	struct str out;
	unsigned n;
};

/* An attestation laid open. */
struct attestation {
	const char *type;
	const char *document; /* JSON text */
	size_t n;
	const struct claim_envelope *envelope; /* NULL: nobody signed it */
};

static bool signed_by(const struct listing *l, const struct claim_envelope *env, const struct pubkey *key)
{
	size_t n;
	const char *bytes = claim_signed_bytes(l->a, env, &n);

	for (size_t i = 0; i < env->signatures.n; i++)
		if (pubkey_verify(key, bytes, n, env->signatures.v[i].bytes, env->signatures.v[i].n))
			return true;
	return false;
}

/* The first rule with a key for the image's name that signed the envelope. */
static const struct rule *find_signer(const struct listing *l, const struct claim_envelope *env)
{
	for (size_t i = 0; env && l->c->name && i < l->c->rules->list.n; i++) {
		const struct rule *rule = &l->c->rules->list.v[i];
		autopubkey *key = NULL;
		struct err ignored = {};

		if (rule->kind != RULE_KEY || rule->key_kind != RULE_SIGSTORE || !scope_covers(rule->prefix, l->c->name) ||
		    pubkey_parse(rule->key, strlen(rule->key), &key, &ignored) < 0)
			continue;
		if (signed_by(l, env, key))
			return rule;
	}
	return NULL;
}

static void add(struct listing *l, const struct attestation *at)
{
	const struct rule *rule = find_signer(l, at->envelope);

	str_add(&l->out, l->n++ ? ",\n{\"type\":" : "{\"type\":");
	str_add_json(&l->out, at->type);
	str_add(&l->out, ",\"signed\":");
	str_add(&l->out, at->envelope ? "true" : "false");
	str_add(&l->out, ",\"signed_by\":");
	if (rule)
		str_add_json(&l->out, rule->fingerprint);
	str_addf(&l->out, rule ? ",\"rule\":\"%s\",\"document\":" : "null,\"rule\":null,\"document\":%s", rule ? rule->id : "");
	str_add_bytes(&l->out, at->document, at->n);
	str_add_char(&l->out, '}');
}

static bool is_about(const struct listing *l, const struct claim_statement *s)
{
	for (size_t i = 0; i < s->subjects.n; i++) {
		char digest[DIGEST_TEXT_MAX];

		if (str_equal(s->subjects.v[i].digest, l->c->digest))
			return true;
		for (size_t k = 0; k < l->c->items.n; k++) {
			const struct judge_item *item = &l->c->items.v[k];

			if (item->artifact.kind != ARTIFACT_INDEX)
				continue;
			digest_text(item->bytes, item->n, digest);
			/* An index counts when its bytes name the manifest. */
			if (str_equal(s->subjects.v[i].digest, digest) &&
			    memmem(item->bytes, item->n, l->c->digest, strlen(l->c->digest)))
				return true;
		}
	}
	return false;
}

static void add_statement(struct listing *l, const char *text, size_t n, const struct claim_envelope *env)
{
	struct claim_statement s;
	struct err ignored = {};

	if (claim_parse_statement(l->a, text, n, &s, &ignored) < 0 || what_of(s.predicate_type) != l->what || !is_about(l, &s))
		return;
	add(l, &(struct attestation){s.predicate_type, text, n, env});
}

static void add_document(struct listing *l, const struct judge_item *item)
{
	struct err ignored = {};
	struct doc *doc = NULL;
	autostr text = {};

	if (what_of(item->artifact.media_type) != l->what)
		return;
	/* What is no JSON (SPDX's tag-value form) goes out as a text. */
	if (doc_parse_json(l->a, NULL, item->bytes, item->n, &doc, &ignored) < 0)
		str_add_json_span(&text, item->bytes, item->n, STR_FOREIGN_REPLACE);
	else
		str_add_bytes(&text, item->bytes, item->n);
	add(l, &(struct attestation){item->artifact.media_type, text.text, text.len, NULL});
}

static void add_item(struct listing *l, const struct judge_item *item)
{
	struct claim_bundle bundle;
	struct claim_envelope env;
	struct err ignored = {};

	switch (item->artifact.kind) {
	case ARTIFACT_BUNDLE:
		if (claim_parse_bundle(l->a, item->bytes, item->n, &bundle, &ignored) == 0)
			add_statement(l, bundle.envelope.payload, bundle.envelope.payload_n, &bundle.envelope);
		break;
	case ARTIFACT_DSSE:
		if (claim_parse_envelope(l->a, item->bytes, item->n, &env, &ignored) == 0)
			add_statement(l, env.payload, env.payload_n, &env);
		break;
	case ARTIFACT_STATEMENT:
		add_statement(l, item->bytes, item->n, NULL);
		break;
	case ARTIFACT_DOCUMENT:
		add_document(l, item);
		break;
	default:
		break;
	}
}

enum { OUT_FD = 3 };

[[gnu::noreturn, gnu::nonnull]] static void worker_main(struct verify_tool *t, const struct judge_case *c, enum what what, int fd)
{
	struct listing l = {.a = &t->arena, .c = c, .what = what};
	struct err e = {};

	if (verify_confine(fd, &e) < 0) {
		err_print(stderr, &e);
		_exit(1);
	}
	str_add(&l.out, "[");
	for (size_t i = 0; i < c->items.n; i++)
		add_item(&l, &c->items.v[i]);
	str_add(&l.out, "]\n");
	_exit(io_write_all(OUT_FD, l.out.text, l.out.len) < 0);
}

static int list(struct verify_tool *t, const struct judge_case *c, enum what what, struct err *e)
{
	int status = 0;
	autoclose int out = dup(STDOUT_FILENO);
	pid_t pid = fork();

	if (pid == 0)
		worker_main(t, c, what, out);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_new(e, ERR_FAILED, "the attestations can't be shown");
	err_because(e, "the process that reads them ended before it was done");
	return err_try(e, "rocket image inspect NAME");
}

int verify_attestations(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	static const struct opt opts[] = {
		{"sbom", .id = SBOM, .help = "…"},
		{"provenance", .id = PROVENANCE, .help = "…"},
		{},
	};
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	struct verify_cases cases = {};
	struct store_image found = {};
	enum what what = 0;
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		what = (enum what)o->id;
	if (r == 0 && (!what || argc - w.at != 1))
		r = err_new(e, ERR_USAGE, "attestations takes --sbom or --provenance, and one image");
	if (r == 0)
		r = store_find_image(&t->store, &t->arena, argv[w.at], &found, e);
	if (r == 0)
		r = verify_load(t, &found, NULL, &cases, e);
	if (r < 0)
		return r;
	if (!cases.list.v)
		return err_new(e, ERR_NOT_FOUND, "the image %.150s has nothing that could be shown", argv[w.at]);
	return list(t, &cases.list.v[0], what, e);
}
