/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "registry/auth_file.h"
#include "registry/challenge.h"
#include "registry/conf.h"
#include "registry/discovery.h"
#include "registry/peer.h"
#include "registry/url.h"

static struct challenge parse_one(struct arena *a, const char *text)
{
	char *headers[] = {arena_strdup(a, text), NULL};

	return challenge_parse(a, headers);
}

static void challenges(void **state)
{
	autoarena a = {};
	struct challenge c = parse_one(&a, "Bearer realm=\"https://a/t\",service=\"s p\" , scope=\"x:y:pull,push\"");

	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "https://a/t");
	assert_string_equal(c.service, "s p");
	assert_string_equal(c.scope, "x:y:pull,push");
	c = parse_one(&a, "Negotiate, basic realm=\"x\", BEARER realm=\"q\\\"r\"");
	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "q\"r");
	assert_int_equal(parse_one(&a, "Basic").scheme, CHALLENGE_BASIC);
	assert_int_equal(parse_one(&a, "Bearer service=x").scheme, CHALLENGE_NONE);
	assert_int_equal(parse_one(&a, "Bearer realm=\"a\rb\"").scheme, CHALLENGE_NONE);
	assert_int_equal(parse_one(&a, "Bearer realm=\"open").scheme, CHALLENGE_NONE);
	assert_int_equal(parse_one(&a, "").scheme, CHALLENGE_NONE);
}

static void peers(void **state)
{
	static const struct {
		const char *text;
		enum peer_kind kind;
	} cases[] = {
		{"8.8.8.8", PEER_PUBLIC},	 {"127.0.0.1", PEER_PRIVATE},	   {"10.1.2.3", PEER_PRIVATE},
		{"172.16.0.1", PEER_PRIVATE},	 {"172.32.0.1", PEER_PUBLIC},	   {"169.254.169.254", PEER_LINK_LOCAL},
		{"::1", PEER_PRIVATE},		 {"fe80::1", PEER_LINK_LOCAL},	   {"fd12::1", PEER_PRIVATE},
		{"2001:db8::1", PEER_PUBLIC},	 {"::ffff:169.254.1.1", PEER_LINK_LOCAL}, {"::ffff:10.0.0.1", PEER_PRIVATE},
		{"fd00:ec2::254", PEER_LINK_LOCAL}, {"64:ff9b::a9fe:a9fe", PEER_LINK_LOCAL}, {"0.0.0.0", PEER_PRIVATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_storage s = {};

		assert_true(peer_parse(cases[i].text, &s));
		if (peer_kind_of((struct sockaddr *)&s) != cases[i].kind)
			fail_msg("%s", cases[i].text);
	}
}

static void urls(void **state)
{
	static const char *const bad[] = {"file:///etc/passwd", "ftp://x/y", "https://u:p@h/", "https://", "http://a b/", "gopher://x"};
	autoarena a = {};
	struct url u, v;
	struct err e = {};

	assert_int_equal(url_parse(&a, "https://h.io:5000/v2/", "../blobs/uploads/x?y=1", &u, &e), 0);
	assert_string_equal(u.text, "https://h.io:5000/blobs/uploads/x?y=1");
	assert_string_equal(url_authority(&a, &u), "h.io:5000");
	assert_int_equal(url_parse(&a, NULL, "https://H.io:443/", &v, &e), 0);
	assert_string_equal(url_authority(&a, &v), "h.io");
	assert_false(url_same_origin(&u, &v));
	assert_int_equal(url_parse(&a, NULL, "http://h.io/", &u, &e), 0);
	assert_false(url_same_origin(&u, &v));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!url_parse(&a, NULL, bad[i], &u, &e))
			fail_msg("'%s' was taken", bad[i]);
	assert_string_equal(url_add_query(&a, "https://h/x?a=b", "scope", "r:a/b:pull"), "https://h/x?a=b&scope=r%3Aa%2Fb%3Apull");
}

static const char conf_text[] = "unqualified-search-registries = ['a.io', \"b.io/x\"]\n"
				"[[registry]]\nprefix = \"c.io/team\"\nlocation = \"d.io\"\n"
				"[[registry.mirror]]\nlocation = \"m.io:5000/c\"\ninsecure = true\n"
				"[[registry]]\nprefix = \"c.io\"\nblocked = true\n"
				"[[registry]]\nprefix = \"*.e.io\"\nlocation = \"f.io\"\n"
				"[aliases]\nx = \"g.io/x\"\n";

static void registries(void **state)
{
	autoarena a = {};
	struct conf c = {};
	struct err e = {};
	const struct conf_registry *r;

	assert_int_equal(conf_add(&a, &c, "t", conf_text, strlen(conf_text), &e), 0);
	assert_string_equal(c.search[1], "b.io/x");
	assert_string_equal(c.aliases[0], "x=g.io/x");
	r = conf_find(&c, "c.io/team/app");
	assert_string_equal(r->prefix, "c.io/team");
	assert_string_equal(conf_rewrite(&a, r, r->location, "c.io/team/app"), "d.io/app");
	assert_string_equal(conf_rewrite(&a, r, r->mirrors.v[0].location, "c.io/team/app"), "m.io:5000/c/app");
	assert_true(conf_find(&c, "c.io/teams")->blocked);
	assert_null(conf_find(&c, "c.iox/y"));
	assert_null(conf_find(&c, "e.io/y"));
	r = conf_find(&c, "a.b.e.io/y");
	assert_string_equal(conf_rewrite(&a, r, r->location, "a.b.e.io/y"), "f.io/y");
	/* A later file takes the place of the same prefix alone. */
	assert_int_equal(conf_add(&a, &c, "u", "[[registry]]\nlocation='c.io'\n", 29, &e), 0);
	assert_false(conf_find(&c, "c.io/teams")->blocked);
}

static void registries_refused(void **state)
{
	static const char *const bad[] = {
		"[registries.search]\nregistries = ['a']", "x = 1", "[[registry]]\n", "[[registry]]\nprefix = 'a b'",
		"[[registry]]\nprefix='a'\nblocked='yes'", "unqualified-search-registries = 'a'", "a = 1\na = 2",
		"[registry]\nprefix='a'", "[[registry]]\nprefix='https://a.io'", "[[registry]]\nprefix='a'\n[[registry.mirror]]\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		struct conf c = {};
		struct err e = {};

		if (!conf_add(&a, &c, "t", bad[i], strlen(bad[i]), &e))
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(e.what, "t:"));
	}
}

static void auth_files(void **state)
{
	static const char text[] = "{\"keep\":[1,{\"a\":null}],\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"},"
				   "\"h.io/a\":{\"auth\":\"YTpi\"},\"h.io\":{\"auth\":\"Yzpk\"}},\"credHelpers\":{\"g.io\":\"gcloud\"}}";
	autoarena a = {};
	struct auth_file f;
	struct err e = {};
	bool changed;
	char *edited;

	assert_int_equal(auth_file_parse(&a, "t", text, strlen(text), &f, &e), 0);
	assert_string_equal(auth_file_find(&f, "docker.io/library/x")->user, "u");
	assert_string_equal(auth_file_find(&f, "h.io/a/b")->password, "b");
	assert_string_equal(auth_file_find(&f, "h.io/ab")->password, "d");
	assert_null(auth_file_find(&f, "h.io.evil.com/x"));
	assert_null(auth_file_find(&f, "x.io/h.io"));
	assert_int_equal(auth_file_edit(&a, "t", text, strlen(text), "docker.io", NULL, &edited, &changed, &e), 0);
	assert_true(changed);
	assert_null(strstr(edited, "dTpw"));
	assert_non_null(strstr(edited, "\"keep\""));
	assert_int_not_equal(auth_file_parse(&a, "t", "{\"auths\":{\"h\":{\"auth\":\"!!\"}}}", 29, &f, &e), 0);
	assert_int_not_equal(auth_file_parse(&a, "t", "{\"credsStore\":\"../x\"}", 21, &f, &e), 0);
}

static void discovery(void **state)
{
	static const char page[] = "<head><!-- <meta name=\"ac-discovery\" content=\"a b\"> --><script><meta name=ac-discovery content='c d'>"
				   "</script><meta name='ac-discovery' content='e.io/x https://e.io/{name}-{version}.{ext}'>"
				   "<meta content=\"e.io  https://e.io/k\" name=ac-discovery-pubkeys></head>"
				   "<meta name=\"ac-discovery\" content=\"late late\">";
	static char version[] = "version=1/2 3";
	char *labels[] = {version, NULL};
	autoarena a = {};
	struct discovery_tags t;

	discovery_parse(&a, page, strlen(page), &t);
	assert_int_equal(t.images.n, 1);
	assert_int_equal(t.keys.n, 1);
	assert_string_equal(t.keys.v[0].value, "https://e.io/k");
	assert_string_equal(discovery_render(&a, t.images.v[0].value, "e.io/x", "aci", labels), "https://e.io/e.io/x-1/2%203.aci");
	assert_null(discovery_render(&a, "https://e.io/{os}", "e.io/x", "aci", labels));
	assert_null(discovery_render(&a, "http://e.io/{name}", "e.io/x", "aci", labels));
}

static void toml(void **state)
{
	static const char text[] = "a.\"b c\" = \"\"\"\nx\\\n   y\"\"\"\nd = [1, [true,], {e = 'f'}] # g\n[h]\ni = \"\\u00e9\"\n[[j]]\n[[j]]\nk=0\n";
	autoarena a = {};
	struct doc *d;
	struct err e = {};

	assert_int_equal(doc_parse_toml(&a, "t", text, strlen(text), &d, &e), 0);
	assert_string_equal(doc_get_str(doc_get(d, "a"), "b c"), "xy");
	assert_int_equal(doc_get(d, "d")->n, 3);
	assert_string_equal(doc_get_str(doc_get(d, "h"), "i"), "\xc3\xa9");
	assert_int_equal(doc_get(d, "j")->n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges),	      cmocka_unit_test(peers),	    cmocka_unit_test(urls), cmocka_unit_test(registries),
		cmocka_unit_test(registries_refused), cmocka_unit_test(auth_files), cmocka_unit_test(discovery), cmocka_unit_test(toml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
