/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: what is one, its file in refs/, its other spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "store/name.h"
#include "store/store.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void names_are_normalised(void **state)
{
	static const char *const pairs[][2] = {
		{"nginx", "nginx:latest"},
		{"nginx:1.27", "nginx:1.27"},
		{"docker.io/library/nginx", "docker.io/library/nginx:latest"},
		{"localhost:5000/a/b", "localhost:5000/a/b:latest"},
		{"Registry.Example.COM:443/team/app:V1", "Registry.Example.COM:443/team/app:V1"},
		{"redis:7+throughput", "redis:7+throughput"},
		{"a__b/c.d-e~f", "a__b/c.d-e~f:latest"},
		{"sha256:" HEX64, "sha256:" HEX64},
		{"0", "0:latest"},
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct err e = {};
		char *name = NULL;

		assert_int_equal(store_normalise_name(&a, pairs[i][0], &name, &e), 0);
		assert_string_equal(name, pairs[i][1]);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const bad[] = {
		"",        ":",       "a:",     "/a",     "a/",     "a//b",   "../a",       "a/../b", "./a.oci", "a b",
		"A",       "a/B",     "a:b:c",  "a:-x",   "a:.x",   "-a",     "a-",         "_a",     "a@b",     "a\nb",
		"a/b\xff", "a!b",     "h:x/a",  "h:/a",   "a:t/b:", "a%2fb",  "a:" HEX64 HEX64 "0",
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char untouched[] = "", *name = untouched;
		struct err e = {};

		if (store_normalise_name(&a, bad[i], &name, &e) != -ERR_USAGE)
			fail_msg("'%s' was taken as '%s'", bad[i], name);
		assert_ptr_equal(name, untouched);
		assert_true(e.what[0] && e.because[0] && e.hint[0]);
	}
}

static void a_path_may_have_255_characters(void **state)
{
	char path[300];
	struct err e = {};
	autoarena a = {};
	char *name = NULL;

	memset(path, 'a', sizeof(path));
	path[256] = 0;
	assert_int_equal(store_normalise_name(&a, path, &name, &e), -ERR_USAGE);
	path[255] = 0;
	assert_int_equal(store_normalise_name(&a, path, &name, &e), 0);
}

static void files_are_distinct_and_short(void **state)
{
	char long_a[400], long_b[400], file[NAME_FILE_MAX], other[NAME_FILE_MAX];

	name_to_file("docker.io/library/nginx:1", file);
	assert_string_equal(file, "docker.io!library!nginx:1");
	memset(long_a, 'x', sizeof(long_a));
	memset(long_b, 'x', sizeof(long_b));
	long_a[383] = long_b[383] = 0;
	long_b[382] = 'y';
	name_to_file(long_a, file);
	name_to_file(long_b, other);
	assert_true(strlen(file) <= 255);
	assert_string_not_equal(file, other);
}

static void spellings_of_one_image_find_each_other(void **state)
{
	static const char *const sets[][4] = {
		{"nginx:1", "docker.io/library/nginx:1", "localhost/nginx:1"},
		{"a/b:1", "docker.io/a/b:1", "localhost/a/b:1"},
		{"docker.io/library/nginx:1", "nginx:1"},
		{"docker.io/nginx:1", "docker.io/library/nginx:1", "nginx:1"},
		{"docker.io/a/b:1", "a/b:1"},
		{"library/nginx:1", "docker.io/library/nginx:1", "nginx:1"},
		{"localhost/nginx:1", "nginx:1"},
		{"quay.io/a/b:1"},
		{"host:5000/a:1"},
		{"sha256:" HEX64},
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		char *others[NAME_ALIASES_MAX + 1];
		size_t n = 0;

		name_aliases(&a, sets[i][0], others);
		for (; others[n]; n++) {
			assert_non_null(sets[i][n + 1]);
			assert_string_equal(others[n], sets[i][n + 1]);
		}
		assert_null(sets[i][n + 1]);
	}
}

static void digests_are_split_off(void **state)
{
	autoarena a = {};
	char *name = NULL, *digest = NULL;

	assert_true(name_split_digest(&a, "a/b:1@sha256:" HEX64, &name, &digest));
	assert_string_equal(name, "a/b:1");
	assert_string_equal(digest, "sha256:" HEX64);
	assert_true(name_split_digest(&a, "sha256:" HEX64, &name, &digest));
	assert_null(name);
	assert_false(name_split_digest(&a, "a@sha256:" HEX64 "0", &name, &digest));
	assert_false(name_split_digest(&a, "a@sha256:../../../etc/passwd", &name, &digest));
	assert_false(name_split_digest(&a, "a:1", &name, &digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalised),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(a_path_may_have_255_characters),
		cmocka_unit_test(files_are_distinct_and_short),
		cmocka_unit_test(spellings_of_one_image_find_each_other),
		cmocka_unit_test(digests_are_split_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
