/* SPDX-License-Identifier: Apache-2.0 */
#include "boundary/subids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, uint32_t first, uint32_t count)
{
	struct subids s = subids_largest(text, "ann", 1000);

	assert_int_equal(s.count, count);
	if (count)
		assert_int_equal(s.first, first);
}

static void finds_by_name_and_number(void **state)
{
	check("ann:100000:65536\n", 100000, 65536);
	check("bob:1:2\nann:100000:65536", 100000, 65536);
	check("1000:200000:10\n", 200000, 10);
	check("annabel:100000:65536\nan:7:7\n", 0, 0);
}

static void takes_the_largest(void **state)
{
	check("ann:100000:100\nann:300000:65536\n1000:5:7\n", 300000, 65536);
}

static void nonsense_gives_nothing(void **state)
{
	static const char *const lines[] = {
		"", "\n\n", "ann", "ann:", "ann:1", "ann:1:", "ann::1", "ann:1:x", "ann:-1:5", "ann: 1:5", "ann:1:5:6",
		"ann:99999999999:1", "ann:4294967296:1", "ann:1:4294967295", "ann:0:5", "::", ":1:2", "ann:1:0",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		check(lines[i], 0, 0);
}

static void user_without_a_name_has_lines_by_number_alone(void **state)
{
	assert_int_equal(subids_largest(":1:2\n1000:3:4\n", "", 1000).first, 3);
	assert_int_equal(subids_largest(":1:2\n", "", 1000).count, 0);
}

static void names_users(void **state)
{
	static const char passwd[] = "root:x:0:0::/:/bin/sh\nbroken\n:x:1000:\nann:x:1000:1000::/:\nbob:x:1000:1::/:\n";
	int len = 0;
	const char *name = subids_user_name(passwd, 1000, &len);

	assert_non_null(name);
	assert_int_equal(len, 3);
	assert_memory_equal(name, "ann", 3);
	assert_null(subids_user_name(passwd, 1, &len));
	assert_null(subids_user_name("x:y", 0, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_name_and_number),
		cmocka_unit_test(takes_the_largest),
		cmocka_unit_test(nonsense_gives_nothing),
		cmocka_unit_test(user_without_a_name_has_lines_by_number_alone),
		cmocka_unit_test(names_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
