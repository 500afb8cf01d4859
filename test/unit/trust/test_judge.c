/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "image/digest.h"
#include "trust/claim.h"
#include "trust/judge.h"
#include "trust/pubkey.h"
#include "vectors.h"

#define OTHER_DIGEST "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A case, and what came of it. */
struct world {
	struct arena a;
	struct judge_case c;
	struct rules rules;
	struct policy policy;
	struct trust_verdict v;
};

static int no_gpgv(void *ctx, const struct judge_key *key, const struct judge_item *item, struct openpgp_result *ret,
		   struct err *e)
{
	fail();
	return -1;
}

/* What gpgv would say of a message: by the vector's key when it is asked with that. */
static int fake_gpgv(void *ctx, const struct judge_key *key, const struct judge_item *item, struct openpgp_result *ret,
		     struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	ret->good = !strcmp(key->bytes, vector_gpg_pub);
	memcpy(ret->fingerprint, vector_gpg_fingerprint, sizeof(vector_gpg_fingerprint));
	memcpy(ret->payload, item->bytes, item->n);
	ret->payload_n = item->n;
	return 0;
}

static void begin(struct world *w, const char *name, const char *digest)
{
	*w = (struct world){.policy = {.path = (char *)"policy.json"}};
	w->c = (struct judge_case){.name = name, .transport = "docker", .digest = digest, .openpgp = {no_gpgv, NULL}};
}

static void add_item(struct world *w, enum artifact_kind kind, const char *bytes, const char *signature)
{
	*list_add(&w->a, &w->c.items) = (struct judge_item){
		.artifact = {.kind = kind, .blob = (char *)"sha256:blob", .signature = (char *)signature},
		.bytes = bytes,
		.n = strlen(bytes),
	};
}

static void add_rule(struct world *w, struct rule rule)
{
	rule.id = arena_printf(&w->a, "%012zu", w->rules.list.n);
	*list_add(&w->a, &w->rules.list) = rule;
	*list_add(&w->a, &w->c.rule_keys) =
		(struct judge_key){.source = "rule", .bytes = rule.key, .n = rule.key ? strlen(rule.key) : 0};
}

static void add_key_rule(struct world *w, const char *prefix, const char *pem)
{
	add_rule(w, (struct rule){.kind = RULE_KEY, .prefix = (char *)prefix, .key = (char *)pem, .fingerprint = (char *)"F"});
}

static void set_policy(struct world *w, const char *text, const char *key)
{
	struct err e = {};

	assert_int_equal(policy_parse(&w->a, "policy.json", text, strlen(text), &w->policy, &e), 0);
	const struct policy_scope *s = w->c.name ? policy_find(&w->policy, "docker", w->c.name) : &w->policy.fallback;

	for (size_t i = 0; i < s->all.n; i++)
		for (size_t k = 0; k < s->all.v[i].keys.n; k++)
			*list_add(&w->a, &w->c.policy_keys) = (struct judge_key){"/k", key, key ? strlen(key) : 0};
}

static void decide(struct world *w)
{
	struct err e = {};

	w->c.rules = &w->rules;
	w->c.policy = &w->policy;
	assert_int_equal(judge(&w->c, &w->a, &w->v, &e), 0);
}

static void accepted(struct world *w, const char *how)
{
	decide(w);
	assert_true(w->v.accepted);
	assert_string_equal(w->v.how, how);
	assert_null(w->v.because);
	arena_free(&w->a);
}

static void refused(struct world *w, const char *because)
{
	decide(w);
	assert_false(w->v.accepted);
	assert_non_null(w->v.because);
	if (!strstr(w->v.because, because))
		fail_msg("'%s' is not in '%s'", because, w->v.because);
	struct err e = {};

	assert_int_equal(verdict_refuse(&w->v, "typed", &e), -ERR_POLICY);
	assert_true(e.what[0] && e.because[0] && e.hint[0]);
	arena_free(&w->a);
}

/* ---- rules ---- */

static void nothing_said(void **state)
{
	struct world w;

	begin(&w, "docker.io/library/nginx:1.27", vector_digest);
	refused(&w, "no rule covers docker.io/library");
	begin(&w, "docker.io/library/nginx:1.27", vector_digest);
	set_policy(&w, "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}", NULL);
	refused(&w, "no rule covers docker.io/library (policy: policy.json, default)");
	begin(&w, NULL, vector_digest);
	refused(&w, "no name");
}

static void signed_by_cosign(void **state)
{
	struct world w;

	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000/team", vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	accepted(&w, "signed");
	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000/team", vector_cosign_pub);
	add_item(&w, ARTIFACT_BUNDLE, vector_cosign_bundle, NULL);
	accepted(&w, "signed");
	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000", vector_rsa_pub);
	add_key_rule(&w, "localhost:5000", vector_ed25519_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_ed25519_signature);
	accepted(&w, "signed");
}

static void not_signed(void **state)
{
	struct world w;

	/* No signature; another key's; another image's; another repository's. */
	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	refused(&w, "it has no signature");
	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000", vector_ed25519_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	refused(&w, "none of its signatures is by the key");
	begin(&w, vector_name, OTHER_DIGEST);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	add_item(&w, ARTIFACT_BUNDLE, vector_cosign_bundle, NULL);
	refused(&w, "for another image");
	begin(&w, "localhost:5000/other/app:1.0", vector_digest);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	refused(&w, "the signature is for localhost:5000/team/app");
	begin(&w, "localhost:5000/other/app:1.0", vector_digest);
	add_key_rule(&w, "localhost:5000/team", vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	refused(&w, "no rule covers localhost:5000/other");
}

/* The key of another prefix, and the narrower of two prefixes. */
static void prefixes(void **state)
{
	struct world w;

	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	add_key_rule(&w, "localhost:5000/team", vector_ed25519_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	refused(&w, "none of its signatures");
	begin(&w, vector_name, vector_digest);
	add_rule(&w, (struct rule){.kind = RULE_ANY, .prefix = (char *)"localhost:5000"});
	accepted(&w, "accepted");
	begin(&w, vector_name, vector_digest);
	add_rule(&w, (struct rule){.kind = RULE_ANY, .prefix = (char *)"localhost:5000"});
	add_key_rule(&w, "localhost:5000/team", vector_cosign_pub);
	refused(&w, "it has no signature");
}

static void pins(void **state)
{
	struct world w;

	begin(&w, vector_name, vector_digest);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)"localhost:5000/team/app:latest", .digest = (char *)vector_digest});
	accepted(&w, "pinned");
	begin(&w, vector_name, OTHER_DIGEST);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = (char *)vector_digest});
	refused(&w, "no rule covers");
	begin(&w, "localhost:5000/x/app:1.0", vector_digest);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = (char *)vector_digest});
	refused(&w, "no rule covers");
	begin(&w, NULL, vector_digest);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = (char *)vector_digest});
	accepted(&w, "pinned");
}

/* What is signed may be the index, as far as it names the manifest. */
static void index_signed(void **state)
{
	static const char *const named[] = {OTHER_DIGEST, vector_digest};

	for (int i = 0; i < 2; i++) {
		struct world w;
		char digest[DIGEST_TEXT_MAX];

		begin(&w, vector_name, OTHER_DIGEST);
		char *index = arena_printf(&w.a, "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
						 "\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
						 "\"digest\":\"%s\",\"size\":1}]}", named[i]);

		digest_text(index, strlen(index), digest);
		add_item(&w, ARTIFACT_INDEX, index, NULL);
		add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = digest});
		if (i == 0)
			accepted(&w, "pinned");
		else
			refused(&w, "no rule covers");
	}
}

/* ---- what a key signed that is no signature of an image ---- */

static int give(void *ctx, char **ret, struct err *e)
{
	*ret = strdup(ctx);
	return 0;
}

static char *bundle_of(struct world *w, const char *statement, const char *type, const char *material)
{
	struct claim_envelope env = {.type = (char *)type, .payload = (char *)statement, .payload_n = strlen(statement)};
	struct err e = {};
	autopubkey *key = NULL;
	uint8_t *signature;
	size_t n, signature_n;
	const char *bytes = claim_signed_bytes(&w->a, &env, &n);
	char secret[] = "secret";

	assert_int_equal(pubkey_parse_private(vector_cosign_key, strlen(vector_cosign_key), give, secret, &key, &e), 0);
	assert_int_equal(pubkey_sign(key, &w->a, bytes, n, &signature, &signature_n, &e), 0);
	struct claim_signature sig = {signature, signature_n};
	char *bundle = claim_make_bundle(&w->a, statement, &sig, "hint");

	if (!material)
		return bundle;
	char *at = strstr(bundle, "\"publicKey\":{\"hint\":\"hint\"}");

	return arena_printf(&w->a, "%.*s%s%s", (int)(at - bundle), bundle, material, at + strlen("\"publicKey\":{\"hint\":\"hint\"}"));
}

static void try_bundle(const char *statement, const char *material, const char *because)
{
	struct world w;

	begin(&w, vector_name, vector_digest);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	add_item(&w, ARTIFACT_BUNDLE, bundle_of(&w, statement, CLAIM_TYPE_STATEMENT, material), NULL);
	if (because)
		refused(&w, because);
	else
		accepted(&w, "signed");
}

#define STATEMENT(name, digest, predicate)                                                                            \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{" name "\"digest\":{\"sha256\":\"" digest "\"}}]," \
	"\"predicateType\":\"" predicate "\",\"predicate\":{}}"
#define HEX "681d99dc9f51b6e2cd761fff06766da4c773f574c0dab93e96b3de3f4e9e61bf"

static void bundles(void **state)
{
	try_bundle(STATEMENT("", HEX, CLAIM_PREDICATE_SIGN), NULL, NULL);
	try_bundle(STATEMENT("\"name\":\"localhost:5000/team/app\",", HEX, CLAIM_PREDICATE_SIGN), NULL, NULL);
	/* Copied from another repository; an SBOM; for another image; by certificate; something else altogether. */
	try_bundle(STATEMENT("\"name\":\"localhost:5000/team/other\",", HEX, CLAIM_PREDICATE_SIGN), NULL, "not for this name");
	try_bundle(STATEMENT("", HEX, "https://spdx.dev/Document"), NULL, "it has no signature");
	try_bundle(STATEMENT("", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", CLAIM_PREDICATE_SIGN), NULL,
		   "another image");
	try_bundle(STATEMENT("", HEX, CLAIM_PREDICATE_SIGN), "\"certificate\":{\"rawBytes\":\"AAAA\"}", "keyless certificate");
	try_bundle(STATEMENT("", HEX, CLAIM_PREDICATE_SIGN), "\"publicKey\":{},\"certificate\":{}", "either a key or a certificate");
	try_bundle("{}", NULL, "no in-toto statement");
	try_bundle(vector_cosign_payload, NULL, "no in-toto statement");
}

/* ---- the policy ---- */

static void policy_sigstore(void **state)
{
	static const char repository[] = "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"localhost:5000\":[{\"type\":"
					 "\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"matchRepository\"}}]}}}";
	static const char plain[] = "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"localhost:5000\":[{\"type\":"
				    "\"sigstoreSigned\",\"keyPath\":\"/k\"}]}}}";
	struct world w;

	begin(&w, vector_name, vector_digest);
	set_policy(&w, repository, vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	accepted(&w, "signed");
	/* cosign's payload has no tag, so the default identity does not match. */
	begin(&w, vector_name, vector_digest);
	set_policy(&w, plain, vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	refused(&w, "not for this name");
	begin(&w, "localhost:5000/team/app@" OTHER_DIGEST, vector_digest);
	set_policy(&w, plain, vector_cosign_pub);
	add_item(&w, ARTIFACT_COSIGN, vector_cosign_payload, vector_cosign_signature);
	accepted(&w, "signed");
	/* A bundle without a name in it satisfies nobody's rule but that of the key's own prefix. */
	begin(&w, vector_name, vector_digest);
	set_policy(&w, repository, vector_cosign_pub);
	add_item(&w, ARTIFACT_BUNDLE, vector_cosign_bundle, NULL);
	refused(&w, "names no repository");
	begin(&w, vector_name, vector_digest);
	set_policy(&w, repository, NULL);
	refused(&w, "can't be used: it can't be read");
}

static void policy_openpgp(void **state)
{
	static const char text[] = "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"localhost:5000\":[{\"type\":"
				   "\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]}}}";
	struct world w;

	begin(&w, vector_name, vector_digest);
	w.c.openpgp.check = fake_gpgv;
	set_policy(&w, text, vector_gpg_pub);
	add_item(&w, ARTIFACT_OPENPGP, vector_gpg_payload, NULL);
	accepted(&w, "signed");
	begin(&w, "localhost:5000/team/app:2.0", vector_digest);
	w.c.openpgp.check = fake_gpgv;
	set_policy(&w, text, vector_gpg_pub);
	add_item(&w, ARTIFACT_OPENPGP, vector_gpg_payload, NULL);
	refused(&w, "not for this name");
	begin(&w, vector_name, vector_digest);
	w.c.openpgp.check = fake_gpgv;
	set_policy(&w, text, vector_gpg_other_pub);
	add_item(&w, ARTIFACT_OPENPGP, vector_gpg_payload, NULL);
	refused(&w, "(key ");
}

static void policy_words(void **state)
{
	static const char reject[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}],\"transports\":{\"docker\":{"
				     "\"localhost:5000/team\":[{\"type\":\"reject\"}],\"localhost:5000/any\":[{\"type\":"
				     "\"insecureAcceptAnything\"}],\"localhost:5000/new\":[{\"type\":\"ofTheFuture\"}],"
				     "\"localhost:5000/both\":[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}]}}}";
	struct world w;

	/* Rejected by name: neither a pin nor a rule undoes it. */
	begin(&w, vector_name, vector_digest);
	set_policy(&w, reject, NULL);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = (char *)vector_digest});
	add_rule(&w, (struct rule){.kind = RULE_ANY, .prefix = (char *)"localhost:5000/team/app"});
	refused(&w, "the policy rejects it");
	begin(&w, "localhost:5000/any/app:1", vector_digest);
	set_policy(&w, reject, NULL);
	accepted(&w, "accepted");
	/* … but not where a rule of ours wants a signature. */
	begin(&w, "localhost:5000/any/app:1", vector_digest);
	set_policy(&w, reject, NULL);
	add_key_rule(&w, "localhost:5000", vector_cosign_pub);
	refused(&w, "it has no signature");
	begin(&w, "localhost:5000/new/app:1", vector_digest);
	set_policy(&w, reject, NULL);
	refused(&w, "'ofTheFuture', an unknown type");
	begin(&w, "localhost:5000/both/app:1", vector_digest);
	set_policy(&w, reject, NULL);
	refused(&w, "rejects");
	begin(&w, vector_name, vector_digest);
	set_policy(&w, "{\"default\":[{\"type\":\"reject\"}]}", NULL);
	refused(&w, "the policy rejects it (policy: policy.json, default)");
	begin(&w, vector_name, vector_digest);
	set_policy(&w, "{\"default\":[{\"type\":\"reject\"}]}", NULL);
	add_rule(&w, (struct rule){.kind = RULE_PIN, .name = (char *)vector_name, .digest = (char *)vector_digest});
	accepted(&w, "pinned");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said),	   cmocka_unit_test(signed_by_cosign), cmocka_unit_test(not_signed),
		cmocka_unit_test(prefixes),	   cmocka_unit_test(pins),	       cmocka_unit_test(index_signed),
		cmocka_unit_test(bundles),	   cmocka_unit_test(policy_sigstore),  cmocka_unit_test(policy_openpgp),
		cmocka_unit_test(policy_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
