/* SPDX-License-Identifier: Apache-2.0 */
/* Names of pods, apps, volumes and hosts, and the names that Rocket makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "pod/names.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	enum name_kind kind;
	const char *name;
	bool good;
} cases[] = {
	{NAME_POD, "shop", true},       {NAME_POD, "my_app.v2-x", true},  {NAME_POD, A63, true},
	{NAME_POD, A63 "a", false},     {NAME_POD, "", false},            {NAME_POD, "Shop", false},
	{NAME_POD, "-shop", false},     {NAME_POD, "shop-", false},       {NAME_POD, "a/b", false},
	{NAME_POD, "a b", false},       {NAME_POD, "a\nb", false},        {NAME_POD, "..", false},
	{NAME_POD, "0123456789abcdef0123456789abcdef", false},            {NAME_POD, "0123456789abcdef", true},
	{NAME_APP, "web", true},        {NAME_APP, "web-2", true},        {NAME_APP, "web_2", false},
	{NAME_APP, "web.2", false},     {NAME_APP, "all", false},         {NAME_APP, "first", false},
	{NAME_APP, "host", false},      {NAME_APP, "pod", false},         {NAME_APP, "internet", false},
	{NAME_APP, "lan", false},       {NAME_APP, "alll", true},         {NAME_APP, "w@b", false},
	{NAME_VOLUME, "Data_1.x", true}, {NAME_VOLUME, ".data", false},   {NAME_VOLUME, "a/../b", false},
	{NAME_VOLUME, "data:", false},  {NAME_VOLUME, "-rf", false},
	{NAME_HOST, "Host.example", true}, {NAME_HOST, "a..b", false},    {NAME_HOST, "a_b", false},
	{NAME_HOST, "a\n127.0.0.1 b", false},
};

static void each_kind_has_its_rule(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {};
		int rc = name_check(cases[i].kind, cases[i].name, &e);

		if ((rc == 0) != cases[i].good)
			fail_msg("'%s' (kind %d): %d %s", cases[i].name, cases[i].kind, rc, e.what);
		if (!cases[i].good)
			assert_true(rc == -ERR_USAGE && e.what[0] && e.because[0]);
	}
}

static void apps_are_called_after_their_image(void **state)
{
	static const char *const pairs[][2] = {
		{"nginx", "nginx"},
		{"nginx:1.27", "nginx"},
		{"registry.example.com:5000/team/My_App:1", "my-app"},
		{"redis+throughput", "redis"},
		{"redis:7+throughput", "redis"},
		{"a/b@sha256:00", "b"},
		{"./php.oci", "php"},
		{"/srv/web.tar.gz", "web"},
		{"sha256:0123", "app"},
		{"host", "app"},
		{"___", "app"},
		{"", "app"},
		{"x/\xff\xfe", "app"},
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(name_of_image(&a, pairs[i][0]), pairs[i][1]);
}

static void pods_are_hosts(void **state)
{
	autoarena a = {};

	assert_string_equal(name_to_host(&a, "my_app"), "my-app");
	assert_string_equal(name_to_host(&a, "a..b"), "a-.b");
	assert_string_equal(name_to_host(&a, "shop.v1"), "shop.v1");
}

static void made_up_names_are_names(void **state)
{
	for (uint64_t i = 0; i < 4096; i++) {
		autoarena a = {};
		struct err e = {};

		assert_int_equal(name_check(NAME_POD, name_generate(&a, i), &e), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_rule),
		cmocka_unit_test(apps_are_called_after_their_image),
		cmocka_unit_test(pods_are_hosts),
		cmocka_unit_test(made_up_names_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
