/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "trust/scope.h"

static void full_names(void **state)
{
	static const char *const cases[][2] = {
		{"nginx", "docker.io/library/nginx:latest"},
		{"nginx:1.27", "docker.io/library/nginx:1.27"},
		{"a/b", "docker.io/a/b:latest"},
		{"docker.io/nginx", "docker.io/library/nginx:latest"},
		{"index.docker.io/library/nginx:1", "docker.io/library/nginx:1"},
		{"localhost:5000/x", "localhost:5000/x:latest"},
		{"localhost/x:y", "localhost/x:y"},
		{"quay.io/a/b@sha256:00", "quay.io/a/b@sha256:00"},
		{"quay.io/a/b:1@sha256:00", "quay.io/a/b@sha256:00"},
	};
	autoarena a = {};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(scope_full_name(&a, cases[i][0]), cases[i][1]);
	assert_null(scope_full_name(&a, NULL));
	assert_null(scope_full_name(&a, "sha256:0123"));
}

static void parts(void **state)
{
	autoarena a = {};

	assert_string_equal(scope_repository(&a, "localhost:5000/x/y:1"), "localhost:5000/x/y");
	assert_string_equal(scope_repository(&a, "q.io/a@sha256:00"), "q.io/a");
	assert_string_equal(scope_tag("localhost:5000/x:1"), "1");
	assert_null(scope_tag("q.io/a@sha256:00"));
}

static void prefixes(void **state)
{
	static const char *const cases[][2] = {
		{"example.com/team/", "example.com/team"}, {"nginx", "docker.io/library/nginx"},
		{"redis:7", "docker.io/library/redis:7"},  {"localhost:5000", "localhost:5000"},
		{"example.com", "example.com"},		   {"registry:5000", "registry:5000"},
		{"team/app:1", "docker.io/team/app:1"},	   {"/", ""},
	};
	autoarena a = {};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(scope_prefix(&a, cases[i][0]), cases[i][1]);
}

static void covering(void **state)
{
	assert_true(scope_covers("a.io/x", "a.io/x:1"));
	assert_true(scope_covers("a.io/x", "a.io/x/y:1"));
	assert_true(scope_covers("a.io/x", "a.io/x@sha256:00"));
	assert_true(scope_covers("a.io/x:1", "a.io/x:1"));
	assert_true(scope_covers("a.io", "a.io/x:1"));
	assert_false(scope_covers("a.io/x", "a.io/xy:1"));
	assert_false(scope_covers("a.io/x:1", "a.io/x:10"));
	/* Another port is another registry. */
	assert_false(scope_covers("a.io", "a.io:5000/x:1"));
	assert_false(scope_covers("", "a.io/x:1"));
}

static void lookups(void **state)
{
	static const char *const want[] = {"b.a.io:5/x/y:1", "b.a.io:5/x/y", "b.a.io:5/x", "b.a.io:5", "*.a.io", "*.io", NULL};
	autoarena a = {};
	char **v = scope_lookups(&a, "b.a.io:5/x/y:1");

	for (size_t i = 0; want[i]; i++)
		assert_string_equal(v[i], want[i]);
	assert_int_equal(strv_len(v), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_names), cmocka_unit_test(parts),   cmocka_unit_test(prefixes),
		cmocka_unit_test(covering),   cmocka_unit_test(lookups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
