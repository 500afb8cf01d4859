/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trust/policy.h"

static int parse(struct arena *a, const char *text, struct policy *p, struct err *e)
{
	return policy_parse(a, "policy.json", text, strlen(text), p, e);
}

static const char whole[] =
	"{\"default\": [{\"type\": \"reject\"}], \"transports\": {"
	" \"docker\": {"
	"  \"\": [{\"type\": \"insecureAcceptAnything\"}],"
	"  \"a.io\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPaths\": [\"/k1\", \"/k2\"],"
	"             \"signedIdentity\": {\"type\": \"remapIdentity\", \"prefix\": \"a.io\", \"signedPrefix\": \"b.io\"}}],"
	"  \"*.c.io\": [{\"type\": \"sigstoreSigned\", \"keyData\": \"AAAA\", \"signedIdentity\": {\"type\": \"matchRepository\"}}],"
	"  \"a.io/f\": [{\"type\": \"sigstoreSigned\", \"fulcio\": {\"caPath\": \"/x\"}}],"
	"  \"a.io/r\": [{\"type\": \"sigstoreSigned\", \"keyPath\": \"/k\", \"rekorPublicKeyPath\": \"/r\"}],"
	"  \"a.io/n\": [{\"type\": \"ofTheFuture\", \"what\": 1}],"
	"  \"a.io/two\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"/1\"},"
	"                {\"type\": \"sigstoreSigned\", \"keyPath\": \"/2\"}]"
	" }, \"docker-daemon\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]}}}";

static void scopes(void **state)
{
	static const struct {
		const char *name, *scope;
		enum policy_type type;
	} cases[] = {
		{"a.io/x:1", "a.io", POLICY_SIGNED_BY},	       {"b.c.io/x:1", "*.c.io", POLICY_SIGSTORE},
		{"c.io/x:1", "", POLICY_ACCEPT},	       {"a.io/f:1", "a.io/f", POLICY_UNSUPPORTED},
		{"a.io/f/deep:1", "a.io/f", POLICY_UNSUPPORTED}, {"a.io/r:1", "a.io/r", POLICY_UNSUPPORTED},
		{"a.io/n@sha256:00", "a.io/n", POLICY_UNSUPPORTED},
	};
	autoarena a = {};
	struct policy p;
	struct err e = {};

	assert_int_equal(parse(&a, whole, &p, &e), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_scope *s = policy_find(&p, "docker", cases[i].name);

		assert_string_equal(s->scope, cases[i].scope);
		assert_int_equal(s->all.v[0].type, cases[i].type);
	}
	assert_ptr_equal(policy_find(&p, "aci", "a.io/x:1"), &p.fallback);
	const struct policy_requirement *q = &policy_find(&p, "docker", "a.io/x:1")->all.v[0];

	assert_int_equal(q->keys.n, 2);
	assert_string_equal(q->keys.v[1].path, "/k2");
	assert_int_equal(q->identity.match, POLICY_REMAP_IDENTITY);
	assert_string_equal(q->identity.signed_prefix, "b.io");
	assert_int_equal(policy_find(&p, "docker", "a.io/two:1")->all.n, 2);
}

static void refused(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"default\": []}",
		"{\"default\": {}}",
		"{\"default\": [{}]}",
		"{\"default\": [\"reject\"]}",
		"{\"default\": [{\"type\": \"reject\"}], \"more\": 1}",
		"{\"default\": [{\"type\": \"reject\", \"more\": 1}]}",
		"{\"default\": [{\"type\": \"reject\"}], \"default\": [{\"type\": \"reject\"}]}",
		"{\"default\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\"}]}",
		"{\"default\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"relative\"}]}",
		"{\"default\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"/a\", \"keyData\": \"AA==\"}]}",
		"{\"default\": [{\"type\": \"sigstoreSigned\", \"keyPath\": \"/a\", \"keyDatas\": [\"AA==\"]}]}",
		"{\"default\": [{\"type\": \"sigstoreSigned\", \"keyPaths\": []}]}",
		"{\"default\": [{\"type\": \"sigstoreSigned\", \"keyPath\": \"/a\", \"signedIdentity\": {\"type\": \"x\"}}]}",
		"{\"default\": [{\"type\": \"sigstoreSigned\", \"keyPath\": \"/a\", \"signedIdentity\": {\"type\": \"exactReference\"}}]}",
		"{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": {\"a.io\": []}}}",
		"{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": []}}",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autoarena a = {};
		struct policy p;
		struct err e = {};

		assert_int_not_equal(parse(&a, cases[i], &p, &e), 0);
		assert_true(e.what[0] && e.because[0] && e.hint[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
