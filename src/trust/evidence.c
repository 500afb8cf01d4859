/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each signature of an image beside a key (trust/evidence.h). The order is always: is it by this key, over these very
 * bytes; then, what do the bytes say: this digest, this name, and that they are a signature and not something else
 * that the key signed.
 */
#include "trust/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "trust/base64.h"
#include "trust/claim.h"
#include "trust/pubkey.h"

void evidence_fault(struct evidence *v, enum evidence_fault fault, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	if (fault <= v->fault && v->because)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->fault = fault;
	v->because = arena_strdup(v->a, text);
}

/* An index counts as far as its bytes really name the manifest. */
static void add_index(struct evidence *v, const struct judge_item *item)
{
	struct oci_index index;
	struct err ignored = {};
	char digest[DIGEST_TEXT_MAX];

	if (oci_parse_index(v->a, "index", NULL, item->bytes, item->n, &index, &ignored) < 0)
		return;
	for (size_t i = 0; i < index.manifests.n; i++) {
		if (!str_equal(index.manifests.v[i].digest, v->c->digest))
			continue;
		digest_text(item->bytes, item->n, digest);
		*list_add(v->a, &v->digests) = arena_strdup(v->a, digest);
		return;
	}
}

void evidence_begin(struct evidence *v)
{
	*list_add(v->a, &v->digests) = arena_strdup(v->a, v->c->digest);
	for (size_t i = 0; i < v->c->items.n; i++)
		if (v->c->items.v[i].artifact.kind == ARTIFACT_INDEX)
			add_index(v, &v->c->items.v[i]);
	evidence_fault(v, FAULT_NONE, "it has no signature");
}

static bool is_ours(const struct evidence *v, const char *digest)
{
	for (size_t i = 0; i < v->digests.n; i++)
		if (str_equal(v->digests.v[i], digest))
			return true;
	return false;
}

/* A payload that the key signed: of this image, under this name? */
static bool simple_holds(struct evidence *v, const char *payload, size_t n, const struct policy_identity *id)
{
	struct claim_simple claim;
	struct err why = {};

	if (claim_parse_simple(v->a, payload, n, &claim, &why) < 0) {
		evidence_fault(v, FAULT_DAMAGED, "%.100s: %.150s", why.what, why.because);
		return false;
	}
	if (!is_ours(v, claim.digest)) {
		evidence_fault(v, FAULT_OTHER_IMAGE, "the signature is for another image, %.80s", claim.digest);
		return false;
	}
	if (!identity_matches(v->a, id, v->c->name, claim.reference)) {
		evidence_fault(v, FAULT_OTHER_IMAGE, "the signature is for %.150s, not for this name", claim.reference);
		return false;
	}
	return true;
}

static bool try_cosign(struct evidence *v, const struct judge_item *item, const struct pubkey *key,
		       const struct policy_identity *id, const char *fingerprint)
{
	const char *text = item->artifact.signature;
	uint8_t *signature;
	size_t n;

	v->signatures++;
	if (!text || !base64_decode(v->a, text, strlen(text), BASE64_STRICT, &signature, &n)) {
		evidence_fault(v, FAULT_DAMAGED, "a signature of it is damaged");
		return false;
	}
	if (!pubkey_verify(key, item->bytes, item->n, signature, n)) {
		evidence_fault(v, FAULT_OTHER_KEY, "none of its signatures is by the key %.80s", fingerprint);
		return false;
	}
	return simple_holds(v, item->bytes, item->n, id);
}

/* One signature of an envelope by the key is enough. */
static bool envelope_is_by(struct evidence *v, const struct claim_envelope *env, const struct pubkey *key)
{
	size_t n;
	const char *bytes = claim_signed_bytes(v->a, env, &n);

	for (size_t i = 0; i < env->signatures.n; i++)
		if (pubkey_verify(key, bytes, n, env->signatures.v[i].bytes, env->signatures.v[i].n))
			return true;
	return false;
}

static bool subject_holds(struct evidence *v, const struct claim_statement *s, const struct policy_identity *id,
			  enum evidence_names names)
{
	for (size_t i = 0; i < s->subjects.n; i++) {
		const struct claim_subject *subject = &s->subjects.v[i];

		if (!is_ours(v, subject->digest))
			continue;
		if (subject->name ? identity_matches(v->a, id, v->c->name, subject->name) : names == EVIDENCE_UNNAMED_TOO)
			return true;
		if (subject->name)
			evidence_fault(v, FAULT_OTHER_IMAGE, "the signature is for %.150s, not for this name", subject->name);
		else
			evidence_fault(v, FAULT_OTHER_IMAGE, "the signature names no repository, and the policy asks for one");
	}
	evidence_fault(v, FAULT_OTHER_IMAGE, "the signature is for another image");
	return false;
}

static bool try_bundle(struct evidence *v, const struct judge_item *item, const struct pubkey *key,
		       const struct policy_identity *id, enum evidence_names names, const char *fingerprint)
{
	struct claim_bundle bundle;
	struct claim_statement statement;
	struct err why = {};

	if (claim_parse_bundle(v->a, item->bytes, item->n, &bundle, &why) < 0) {
		evidence_fault(v, FAULT_DAMAGED, "%.100s: %.150s", why.what, why.because);
		return false;
	}
	if (bundle.is_keyless) {
		v->signatures++;
		evidence_fault(v, FAULT_KEYLESS, "it is signed with a keyless certificate, which Rocket can't check yet");
		return false;
	}
	if (!str_equal(bundle.envelope.type, CLAIM_TYPE_STATEMENT) ||
	    claim_parse_statement(v->a, bundle.envelope.payload, bundle.envelope.payload_n, &statement, &why) < 0) {
		evidence_fault(v, FAULT_DAMAGED, "a bundle of it holds no in-toto statement");
		return false;
	}
	/* An attestation says something about an image; only a signature says that it may run. */
	if (!str_equal(statement.predicate_type, CLAIM_PREDICATE_SIGN))
		return false;
	v->signatures++;
	if (!envelope_is_by(v, &bundle.envelope, key)) {
		evidence_fault(v, FAULT_OTHER_KEY, "none of its signatures is by the key %.80s", fingerprint);
		return false;
	}
	return subject_holds(v, &statement, id, names);
}

int evidence_sigstore(struct evidence *v, const struct judge_key *key, const struct policy_identity *id,
		      enum evidence_names names, struct evidence_found *ret, struct err *e)
{
	char fingerprint[PUBKEY_FINGERPRINT_MAX];
	autopubkey *pub = NULL;
	struct err why = {};

	if (!key->bytes || pubkey_parse(key->bytes, key->n, &pub, &why) < 0) {
		evidence_fault(v, FAULT_NO_KEY, "the key %.120s can't be used: %.100s", key->source,
			       key->bytes ? why.because : "it can't be read");
		return 0;
	}
	pubkey_fingerprint(pub, fingerprint);
	for (size_t i = 0; i < v->c->items.n; i++) {
		const struct judge_item *item = &v->c->items.v[i];
		bool cosign = item->artifact.kind == ARTIFACT_COSIGN;
		bool good = false;

		if (cosign)
			good = try_cosign(v, item, pub, id, fingerprint);
		else if (item->artifact.kind == ARTIFACT_BUNDLE)
			good = try_bundle(v, item, pub, id, names, fingerprint);
		if (!good)
			continue;
		*ret = (struct evidence_found){arena_strdup(v->a, fingerprint), arena_strdup(v->a, cosign ? "cosign" : "bundle"),
					       item->artifact.blob};
		return 1;
	}
	return 0;
}

/* ---- OpenPGP ---- */

/* Of an ACI only the signature's check at its import is known: the shipped bytes are not kept. */
static bool try_aci(struct evidence *v, const struct judge_item *item, const struct openpgp_keyring *ring)
{
	const char *fingerprint = item->artifact.key;

	v->signatures++;
	if (fingerprint && strlen(fingerprint) >= 40 && strstr(ring->fingerprints, fingerprint))
		return true;
	evidence_fault(v, FAULT_OTHER_KEY, "none of its signatures is by the key %.90s", ring->fingerprints);
	return false;
}

static int try_message(struct evidence *v, const struct judge_key *key, const struct judge_item *item,
		       const struct policy_identity *id, const struct openpgp_keyring *ring, char **ret_fingerprint,
		       struct err *e)
{
	struct openpgp_result *result = arena_new(v->a, struct openpgp_result);
	int r = v->c->openpgp.check(v->c->openpgp.ctx, key, item, result, e);

	v->signatures++;
	if (r < 0)
		return r;
	if (!result->good) {
		evidence_fault(v, FAULT_OTHER_KEY, "%.127s (key %.90s)", result->because, ring->fingerprints);
		return 0;
	}
	if (!simple_holds(v, result->payload, result->payload_n, id))
		return 0;
	*ret_fingerprint = arena_strdup(v->a, result->fingerprint);
	return 1;
}

int evidence_openpgp(struct evidence *v, const struct judge_key *key, const struct policy_identity *id,
		     struct evidence_found *ret, struct err *e)
{
	struct openpgp_keyring ring;
	struct err why = {};

	if (!key->bytes || openpgp_parse_keys(v->a, key->bytes, key->n, &ring, &why) < 0) {
		evidence_fault(v, FAULT_NO_KEY, "the key %.120s can't be used: %.100s", key->source,
			       key->bytes ? why.because : "it can't be read");
		return 0;
	}
	for (size_t i = 0; i < v->c->items.n; i++) {
		const struct judge_item *item = &v->c->items.v[i];
		char *fingerprint = item->artifact.key;
		int r = 0;

		if (item->artifact.kind == ARTIFACT_ACI)
			r = try_aci(v, item, &ring);
		else if (item->artifact.kind == ARTIFACT_OPENPGP)
			r = try_message(v, key, item, id, &ring, &fingerprint, e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*ret = (struct evidence_found){fingerprint, (char *)artifact_kind_names[item->artifact.kind], item->artifact.blob};
		return 1;
	}
	return 0;
}
