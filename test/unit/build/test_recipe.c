/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of a recipe, and every refusal with its place. */
#include "build/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"

static int read_text(struct arena *a, const char *text, struct recipe *ret, struct err *e)
{
	return recipe_read(a, "r.yaml", text, strlen(text), ret, e);
}

static void reads_every_key(void **state)
{
	autoarena a = {};
	struct recipe r = {};
	struct err e = {};

	assert_int_equal(read_text(&a,
				   "name: shop/web:1\n"
				   "base: debian:12\n"
				   "from: tree\n"
				   "arch: arm64\n"
				   "files:\n"
				   "  - /bin/a\n"
				   "  - {copy: /b, to: /c, mode: 0640, dir_mode: '0750', owner: 'joe:5', except: ['*.o']}\n"
				   "  - {text: '', to: /empty, mode: 0o600}\n"
				   "libraries: none\n"
				   "plugins: [libx.so]\n"
				   "name_service: [files]\n"
				   "users: {joe: {uid: 101, group: 5, home: /home/joe, shell: /bin/sh, comment: Joe, groups: [tty]}}\n"
				   "groups: {tty: 5}\n"
				   "entrypoint: [/bin/a]\n"
				   "cmd: [-p, 80]\n"
				   "user: 101\n"
				   "workdir: /home\n"
				   "env: {B: 2, A: x y}\n"
				   "ports: [80, 53/udp]\n"
				   "volumes: [/data]\n"
				   "stop_signal: QUIT\n"
				   "labels: {a.b: c}\n"
				   "author: me\n",
				   &r, &e),
			 0);
	assert_string_equal(r.name, "shop/web:1");
	assert_int_equal(r.files.n, 3);
	assert_int_equal(r.files.v[0].kind, ITEM_COPY);
	assert_int_equal(r.files.v[0].mode, -1);
	assert_int_equal(r.files.v[1].mode, 0640);
	assert_int_equal(r.files.v[1].dir_mode, 0750);
	assert_string_equal(r.files.v[1].owner.user, "joe");
	assert_string_equal(r.files.v[1].owner.group, "5");
	assert_int_equal(r.files.v[2].kind, ITEM_TEXT);
	assert_int_equal(r.files.v[2].mode, 0600);
	assert_int_equal(r.libraries, LIBRARIES_NONE);
	assert_int_equal(r.users.v[0].uid, 101);
	assert_string_equal(r.users.v[0].name, "joe");
	assert_string_equal(r.cmd[1], "80");
	assert_string_equal(r.user, "101");
	assert_string_equal(r.env[0], "B=2");
	assert_string_equal(r.ports[0], "80/tcp");
	assert_string_equal(r.ports[1], "53/udp");
}

struct refusal {
	const char *text, *what;
};

static void refuses_with_a_place(void **state)
{
	static const struct refusal cases[] = {
		{"fiels: [/a]", "fiels"},
		{"files: [/a]\nfiles: [/b]", "files"},
		{"files: /a", "r.yaml:1:8: files must be a list"},
		{"files: [a]", "copy can't be a"},
		{"files: [/a/../b]", "copy can't be /a/../b"},
		{"files: [{copy: /a, dir: /b}]", "more than one of"},
		{"files: [{to: /b}]", "none of"},
		{"files: [{link: /a}]", "needs to:"},
		{"files: [{text: a}]", "needs to:"},
		{"files: [{dir: /a, to: /b}]", "to means nothing with dir"},
		{"files: [{link: /a, to: b, mode: 0777}]", "mode means nothing with link"},
		{"files: [{dir: /a, mode: 8}]", "mode can't be 8"},
		{"files: [{dir: /a, mode: 17777}]", "mode can't be 17777"},
		{"files: [{dir: /a, owner: ':5'}]", "owner can't be :5"},
		{"files: [{local: /a, to: /b}]", "local can't be /a"},
		{"files: [{copy: /a, to: b}]", "to can't be b"},
		{"files: [[/a]]", "no item of files"},
		{"files: [/a]\nports: [http]", "http is no port"},
		{"files: [/a]\nports: [0]", "0 is no port"},
		{"files: [/a]\nports: [80/icmp]", "is no port"},
		{"files: [/a]\nusers: {joe: {}}", "uid"},
		{"files: [/a]\nusers: {'a:b': {uid: 1}}", "can't be named a:b"},
		{"files: [/a]\nusers: {joe: {uid: 1, shell: 'a:b'}}", "has a colon"},
		{"files: [/a]\nusers: {joe: {uid: 4000000000}}", "the uid 4000000000"},
		{"files: [/a]\ngroups: {tty: x}", "can't have the number x"},
		{"files: [/a]\nlibraries: all", "libraries"},
		{"files: [/a]\nstop_signal: KWIT", "is no signal"},
		{"files: [/a]\nworkdir: tmp", "workdir can't be tmp"},
		{"files: [/a]\nvolumes: [/]", "volume can't be at /"},
		{"files: [/a]\nentrypoint: ['']", "names no program"},
		{"name: x", "would be empty"},
		{"- a", "must be a map"},
		{"files: [/a]\nfrom: &x /\nbase: *x", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena a = {};
		struct recipe r = {};
		struct err e = {};

		if (read_text(&a, cases[i].text, &r, &e) != -ERR_USAGE)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(e.what, cases[i].what))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, e.what, cases[i].what);
		if (strncmp(e.what, "r.yaml:", 7) != 0)
			fail_msg("no place in: %s", e.what);
		assert_null(r.name);
	}
}

static void words_of_others_are_understood(void **state)
{
	static const struct refusal cases[] = {
		{"files: [/a]\ncommand: [x]", "cmd"},
		{"files: [/a]\nenvironment: {A: b}", "env"},
		{"files: [/a]\nexpose: [80]", "ports"},
		{"files: [{src: /a, dst: /b}]", "copy"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena a = {};
		struct recipe r = {};
		struct err e = {};

		assert_int_equal(read_text(&a, cases[i].text, &r, &e), -ERR_USAGE);
		if (!strstr(e.because, cases[i].what) && !strstr(e.hint, cases[i].what))
			fail_msg("%s: neither \"%s\" nor \"%s\" says %s", cases[i].text, e.because, e.hint, cases[i].what);
	}
}

static void a_dockerfile_is_recognised(void **state)
{
	assert_true(recipe_is_dockerfile("FROM debian:12\nRUN true\n"));
	assert_true(recipe_is_dockerfile("# comment\n\n  from debian\n"));
	assert_true(recipe_is_dockerfile("ARG VERSION=12\nFROM debian:$VERSION\n"));
	assert_true(recipe_is_dockerfile("# syntax=docker/dockerfile:1\nFROM x\n"));
	assert_false(recipe_is_dockerfile("# from: x\nfrom: /tree\nfiles: [/a]\n"));
	assert_false(recipe_is_dockerfile(""));
	assert_false(recipe_is_dockerfile("#"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_key),
		cmocka_unit_test(refuses_with_a_place),
		cmocka_unit_test(words_of_others_are_understood),
		cmocka_unit_test(a_dockerfile_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
