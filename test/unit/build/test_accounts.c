/* SPDX-License-Identifier: Apache-2.0 */
/* passwd and group from users and groups: what is made, what stays of a base, what is refused. */
#include "build/accounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"

static int make(struct arena *a, const char *text, const char *passwd, const char *group, struct accounts *ret,
		struct err *e)
{
	struct recipe r = {};
	int rc = recipe_read(a, "r", text, strlen(text), &r, e);

	return rc ? rc : accounts_make(a, &r, passwd, group, ret, e);
}

static void without_users_there_are_no_files(void **state)
{
	autoarena a = {};
	struct accounts acc = {};
	struct err e = {};

	assert_int_equal(make(&a, "files: [/a]", "", "", &acc, &e), 0);
	assert_false(acc.changed);
	assert_string_equal(acc.passwd, "");
}

static void users_get_groups_and_root_is_there(void **state)
{
	autoarena a = {};
	struct accounts acc = {};
	struct err e = {};

	assert_int_equal(make(&a,
			      "files: [/a]\n"
			      "groups: {tty: 5}\n"
			      "users: {joe: {uid: 101, groups: [tty]}, ann: {uid: 102, group: tty, home: /a, shell: /b}, "
			      "bob: {uid: 103, group: 7, groups: [tty, joe]}}",
			      "", "", &acc, &e),
			 0);
	assert_true(acc.changed);
	assert_string_equal(acc.passwd, "root:x:0:0:root:/root:/bin/sh\n"
					"joe:x:101:101::/nonexistent:/usr/sbin/nologin\n"
					"ann:x:102:5::/a:/b\n"
					"bob:x:103:7::/nonexistent:/usr/sbin/nologin\n");
	assert_string_equal(acc.group, "root:x:0:\n"
				       "tty:x:5:joe,bob\n"
				       "joe:x:101:bob\n");
}

static void the_base_stays_and_is_added_to(void **state)
{
	autoarena a = {};
	struct accounts acc = {};
	struct err e = {};

	assert_int_equal(make(&a, "base: b\nusers: {joe: {uid: 101}, daemon: {uid: 1}}",
			      "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:d:/:/x", "root:x:0:\ndaemon:x:1:", &acc, &e),
			 0);
	assert_string_equal(acc.passwd, "root:x:0:0:root:/root:/bin/bash\n"
					"daemon:x:1:1:d:/:/x\n"
					"joe:x:101:101::/nonexistent:/usr/sbin/nologin\n");
	assert_string_equal(acc.group, "root:x:0:\ndaemon:x:1:\njoe:x:101:\n");
}

static void contradictions_are_refused(void **state)
{
	static const char *const recipes[] = {
		"users: {joe: {uid: 101}, ann: {uid: 101}}",
		"users: {daemon: {uid: 101}}",
		"users: {joe: {uid: 1}}",
		"users: {joe: {uid: 101, group: none}}",
		"users: {joe: {uid: 101, groups: [none]}}",
		"groups: {a: 5, b: 5}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		autoarena a = {};
		struct accounts acc = {};
		struct err e = {};
		const char *text = arena_printf(&a, "base: b\n%s", recipes[i]);

		if (make(&a, text, "daemon:x:1:1:d:/:/x\n", "daemon:x:1:\n", &acc, &e) != -ERR_USAGE)
			fail_msg("accepted: %s", recipes[i]);
	}
}

struct owner_case {
	const char *user, *group;
	uint32_t uid, gid;
};

static void owners_become_numbers(void **state)
{
	static const struct owner_case cases[] = {
		{"joe", NULL, 101, 5}, {"101", NULL, 101, 5}, {"9", NULL, 9, 9},
		{"joe", "0", 101, 0},  {"0", "tty", 0, 5},    {"7", "8", 7, 8},
	};
	autoarena a = {};
	struct accounts acc = {};
	struct err e = {};
	uint32_t uid, gid;

	assert_int_equal(make(&a, "files: [/a]\ngroups: {tty: 5}\nusers: {joe: {uid: 101, group: tty}}", "", "", &acc, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recipe_owner owner = {true, (char *)cases[i].user, (char *)cases[i].group};

		assert_int_equal(accounts_find_owner(&acc, &owner, &uid, &gid, &e), 0);
		assert_int_equal(uid, cases[i].uid);
		assert_int_equal(gid, cases[i].gid);
	}
	assert_int_equal(accounts_find_owner(&acc, &(struct recipe_owner){true, (char *)"tty", NULL}, &uid, &gid, &e),
			 -ERR_USAGE);
	assert_int_equal(accounts_find_owner(&acc, &(struct recipe_owner){true, (char *)"0", (char *)"joe"}, &uid, &gid, &e),
			 -ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_users_there_are_no_files),
		cmocka_unit_test(users_get_groups_and_root_is_there),
		cmocka_unit_test(the_base_stays_and_is_added_to),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(owners_become_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
