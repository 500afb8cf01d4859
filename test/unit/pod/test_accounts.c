/* SPDX-License-Identifier: Apache-2.0 */
/* USER of an image against hostile passwd and group files: the exact id, or an error, and never 0 by accident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/accounts.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "# web:x:0:0::/:/bin/sh\n"
			     "+::::::\n"
			     "short:x:5\n"
			     "web:x:101:102:Web:/var/www:/bin/false\n"
			     "1000:x:0:0::/root:/bin/sh\n"
			     "4294967296:x:0:0::/root:/bin/sh\n"
			     "1000abc:x:1234:1234::/h:/bin/sh\n"
			     "huge:x:4294967296:0::/:/bin/sh\n"
			     "minus:x:-1:0::/:/bin/sh\n"
			     "space:x: 7:0::/:/bin/sh\n"
			     "badgid:x:7:x::/:/bin/sh\n"
			     "relative:x:8:8::home:/bin/sh\n"
			     "noend:x:9:9::/noend:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "adm:x:4:other,web\n"
			    "www:x:33:web,\n"
			    "near:x:34:webx,xweb,we\n"
			    "wide:x:99999999999:web\n"
			    "www:x:0:web\n"
			    "10:x:0:\n"
			    "last:x:44:web";

static const struct {
	const char *spec;
	uint32_t uid, gid;
	const char *home, *groups;
} good[] = {
	{NULL, 0, 0, "/root", "0"},
	{"", 0, 0, "/root", "0"},
	{"root", 0, 0, "/root", "0"},
	{"0", 0, 0, "/root", "0"},
	{"web", 101, 102, "/var/www", "102 4 33 0 44"},
	{"101", 101, 102, "/var/www", "102 4 33 0 44"},
	{"web:www", 101, 33, "/var/www", "33"},
	{"web:7", 101, 7, "/var/www", "7"},
	{"1000", 1000, 0, "/", "0"},
	{"1000:1000", 1000, 1000, "/", "1000"},
	{"1000:www", 1000, 33, "/", "33"},
	{"2147483647:2147483647", 2147483647, 2147483647, "/", "2147483647"},
	{"1000abc", 1234, 1234, "/h", "1234"},
	{"00101", 101, 102, "/var/www", "102 4 33 0 44"},
	{"relative", 8, 8, "/", "8"},
	{"noend", 9, 9, "/noend", "9"},
	{"5:10", 5, 10, "/", "10"},
};

static const char *join(struct arena *a, char **list)
{
	autostr out = {};

	for (; *list; list++)
		str_addf(&out, "%s%s", out.len ? " " : "", *list);
	return arena_strdup(a, str_text(&out));
}

static void users_are_exact(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		autoarena a = {};
		struct account account = {};
		struct err e = {};

		if (account_resolve(&a, good[i].spec, passwd, group, &account, &e))
			fail_msg("%s: %s", good[i].spec, e.what);
		assert_int_equal(account.uid, good[i].uid);
		assert_int_equal(account.gid, good[i].gid);
		assert_string_equal(account.home, good[i].home);
		assert_string_equal(join(&a, account.groups), good[i].groups);
	}
}

static void everything_else_is_an_error(void **state)
{
	static const struct {
		const char *spec;
		int code;
	} bad[] = {
		{"4294967296", ERR_USAGE},   {"65536000000", ERR_USAGE},      {"-1", ERR_USAGE},
		{"1000:99999999999", ERR_USAGE}, {"2147483648", ERR_USAGE},   {"4294967295", ERR_USAGE},
		{"18446744073709551616", ERR_USAGE}, {"0x3e8", ERR_NOT_FOUND}, {":5", ERR_USAGE},
		{":", ERR_USAGE},            {"1000:", ERR_USAGE},            {"web:", ERR_USAGE},
		{"1000:1000:1000", ERR_USAGE}, {"nobody", ERR_NOT_FOUND},     {"web:nogroup", ERR_NOT_FOUND},
		{"huge", ERR_USAGE},         {"minus", ERR_USAGE},            {"space", ERR_USAGE},
		{"badgid", ERR_USAGE},       {"web:wide", ERR_USAGE},         {" web", ERR_USAGE},
		{"web ", ERR_USAGE},         {"+1000", ERR_USAGE},            {"1e3", ERR_NOT_FOUND},
		{"web\n", ERR_USAGE},        {"short", ERR_NOT_FOUND},        {"/etc/passwd", ERR_USAGE},
		{"web:x:0", ERR_USAGE},        {"..", ERR_NOT_FOUND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		struct account account = {.uid = 4711, .gid = 4711};
		struct err e = {};
		int rc = account_resolve(&a, bad[i].spec, passwd, group, &account, &e);

		if (rc != -bad[i].code)
			fail_msg("'%s': %d, uid %u: %s", bad[i].spec, rc, account.uid, e.what);
		assert_int_equal(account.uid, 4711);
		assert_true(e.what[0] && e.because[0]);
	}
}

static void groups_are_added_once(void **state)
{
	autoarena a = {};
	struct account account = {};
	struct err e = {};

	assert_int_equal(account_resolve(&a, "web", passwd, group, &account, &e), 0);
	assert_int_equal(account_add_group(&a, "33", group, &account, &e), 0);
	assert_int_equal(account_add_group(&a, "last", group, &account, &e), 0);
	assert_int_equal(account_add_group(&a, "555", group, &account, &e), 0);
	assert_string_equal(join(&a, account.groups), "102 4 33 0 44 555");
	assert_int_equal(account_add_group(&a, "nogroup", group, &account, &e), -ERR_NOT_FOUND);
	assert_int_equal(account_add_group(&a, "", group, &account, &e), -ERR_USAGE);
}

static void many_groups_are_refused(void **state)
{
	autoarena a = {};
	autostr text = {};
	struct account account = {};
	struct err e = {};

	for (unsigned i = 0; i < 2000; i++)
		str_addf(&text, "g%u:x:%u:web\n", i, 1000 + i);
	assert_int_equal(account_resolve(&a, "web", passwd, text.text, &account, &e), -ERR_USAGE);
	assert_non_null(strstr(e.what, "1024"));
}

static void empty_files_know_numbers_alone(void **state)
{
	autoarena a = {};
	struct account account = {};
	struct err e = {};

	assert_int_equal(account_resolve(&a, "1000", "", "", &account, &e), 0);
	assert_int_equal(account.uid, 1000);
	assert_int_equal(account_resolve(&a, NULL, "", "", &account, &e), 0);
	assert_string_equal(account.home, "/");
	assert_int_equal(account_resolve(&a, "root", "", "", &account, &e), -ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_exact),
		cmocka_unit_test(everything_else_is_an_error),
		cmocka_unit_test(groups_are_added_once),
		cmocka_unit_test(many_groups_are_refused),
		cmocka_unit_test(empty_files_know_numbers_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
