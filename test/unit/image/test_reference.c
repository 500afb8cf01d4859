/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/reference.h"

static void names_of_registries(void **state)
{
	static const struct {
		const char *typed, *host, *repository, *tag;
	} cases[] = {
		{"nginx", NULL, "nginx", "latest"},
		{"team/app:1.0", NULL, "team/app", "1.0"},
		{"docker.io/nginx", "docker.io", "library/nginx", "latest"},
		{"index.docker.io/a/b:1", "docker.io", "a/b", "1"},
		{"localhost/x", "localhost", "x", "latest"},
		{"localhost:5000/x", "localhost:5000", "x", "latest"},
		{"Example.COM/x/y:T", "example.com", "x/y", "T"},
		{"docker://quay.io/a/b:1", "quay.io", "a/b", "1"},
		{"127.0.0.1:80/a", "127.0.0.1:80", "a", "latest"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena a = {};
		struct reference r;
		struct err e = {};

		assert_int_equal(reference_parse(&a, cases[i].typed, &r, &e), 0);
		assert_int_equal(r.transport, REFERENCE_REGISTRY);
		assert_string_equal(r.repository, cases[i].repository);
		assert_string_equal(r.tag, cases[i].tag);
		if (cases[i].host)
			assert_string_equal(r.host, cases[i].host);
		else
			assert_null(r.host);
	}
}

static void a_digest_stands_for_the_tag(void **state)
{
	autoarena a = {};
	struct reference r;
	struct err e = {};
	char *digest = arena_printf(&a, "sha256:%064d", 7);

	assert_int_equal(reference_parse(&a, arena_printf(&a, "h.io/x@%s", digest), &r, &e), 0);
	assert_null(r.tag);
	assert_string_equal(r.digest, digest);
	assert_string_equal(reference_name(&a, &r), arena_printf(&a, "h.io/x@%s", digest));
	assert_int_equal(reference_parse(&a, arena_printf(&a, "h.io/x:t@%s", digest), &r, &e), 0);
	assert_string_equal(r.tag, "t");
	assert_string_equal(reference_name(&a, &r), "h.io/x:t");
}

static void other_places(void **state)
{
	autoarena a = {};
	struct reference r;
	struct err e = {};

	assert_int_equal(reference_parse(&a, "oci:/a/b:1:ref", &r, &e), 0);
	assert_string_equal(r.path, "/a/b");
	assert_string_equal(r.ref, "1:ref");
	assert_int_equal(reference_parse(&a, "dir:/media/a:b", &r, &e), 0);
	assert_int_equal(r.transport, REFERENCE_DIR);
	assert_string_equal(r.path, "/media/a:b");
	assert_int_equal(reference_parse(&a, "example.com/app:1.2,os=linux,arch=amd64", &r, &e), 0);
	assert_int_equal(r.transport, REFERENCE_ACI);
	assert_string_equal(r.app, "example.com/app");
	assert_string_equal(r.labels[0], "version=1.2");
	assert_string_equal(r.labels[2], "arch=amd64");
	assert_int_equal(reference_parse(&a, "aci:https://x.io/a.aci", &r, &e), 0);
	assert_null(r.app);
	assert_string_equal(r.path, "https://x.io/a.aci");
}

static void what_is_none(void **state)
{
	static const char *const bad[] = {
		"",	       "UPPER",		  "a//b",	    "/a",	 "a/",	       "a:",	      "a:-x",
		"a@sha256:1",  "https://a.io/b",  "a.io/b@sha1:0",  "../a",	 "a/../b",     "-a.io/b",     "a.io:123456/b",
		"a..io/b",     "a.io:/b",	  "aci:app",	    "oci:",	 "a,b",	       "a.io/b,c=d,c=e", "a.io/b,name=x",
		"docker://",   "a b",		  "a\tb",	    "a.io/b:t:u", "x.io/a?b=c", "x.io/a#b",    "user@x.io/a",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		struct reference r;
		struct err e = {};

		if (reference_parse(&a, bad[i], &r, &e) != -ERR_USAGE)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(e.because[0] && e.hint[0]);
	}
}

static void a_short_name_gets_its_registry(void **state)
{
	autoarena a = {};
	struct reference r, whole;
	struct err e = {};

	assert_int_equal(reference_parse(&a, "app:1", &r, &e), 0);
	assert_int_equal(reference_complete(&a, &r, "docker.io", &whole, &e), 0);
	assert_string_equal(reference_name(&a, &whole), "docker.io/library/app:1");
	assert_int_equal(reference_complete(&a, &r, "quay.io/team", &whole, &e), 0);
	assert_string_equal(reference_name(&a, &whole), "quay.io/team/app:1");
	assert_int_equal(reference_complete(&a, &r, "nohost", &whole, &e), -ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_registries), cmocka_unit_test(a_digest_stands_for_the_tag),
		cmocka_unit_test(other_places),	       cmocka_unit_test(what_is_none),
		cmocka_unit_test(a_short_name_gets_its_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
