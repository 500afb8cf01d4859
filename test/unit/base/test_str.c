/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that grow, JSON and terminal escapes, nearness of words, UTF-8. */
#include "fixture.h"

#include "base/str.h"
#include "base/utf8.h"

static void check_json(const char *text, const char *expected)
{
	autostr s = {};

	str_add_json(&s, text);
	assert_string_equal(s.text, expected);
}

static void test_growing(void **state)
{
	autostr s = {};

	assert_string_equal(str_text(&s), "");
	for (int i = 0; i < 10000; i++)
		str_addf(&s, "%d,", i);
	assert_int_equal(strlen(s.text), s.len);
	assert_int_equal(s.len, 48890);
	str_reset(&s);
	assert_string_equal(s.text, "");
}

static void test_format_longer_than_room(void **state)
{
	autostr s = {};
	char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	str_addf(&s, "<%s>", big);
	assert_int_equal(s.len, sizeof(big) + 1);
	assert_int_equal(s.text[s.len - 1], '>');
}

static void test_json(void **state)
{
	check_json("plain", "\"plain\"");
	check_json("a\"b\\c\n\t\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
	check_json("\xc3\xa9\xf0\x9f\x9a\x80", "\"\xc3\xa9\xf0\x9f\x9a\x80\"");
	check_json("\xff", "\"\xef\xbf\xbd\"");
	check_json("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");   /* overlong */
	check_json("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* a surrogate */
	check_json("\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"");   /* cut off */
}

static void test_json_keeps_foreign_bytes(void **state)
{
	autostr s = {};

	str_add_json_span(&s, "a\xff\x80", 3, STR_FOREIGN_KEEP);
	assert_string_equal(s.text, "\"a\\udcff\\udc80\"");
}

static void test_visible(void **state)
{
	autostr s = {};

	str_add_visible(&s, "a\x1b[31m\xc2\x9b\xe2\x80\xae\xff\xc3\xa9");
	assert_string_equal(s.text, "a\\x1b[31m\\u009b\\u202e\\xff\xc3\xa9");
}

static void test_distance(void **state)
{
	assert_int_equal(str_distance("memory", "memory", 3), 0);
	assert_int_equal(str_distance("memroy", "memory", 3), 1); /* a swap is one step */
	assert_int_equal(str_distance("memory", "memry", 3), 1);
	assert_int_equal(str_distance("abc", "xyz", 2), 3);
	assert_int_equal(str_distance("a", "abcdef", 2), 3);
}

static void test_nearest(void **state)
{
	const char *const words[] = {"image", "images", "list", "rm", NULL};

	assert_string_equal(str_nearest("imgae", words), "image");
	assert_string_equal(str_nearest("lits", words), "list");
	assert_string_equal(str_nearest("images", words), "images");
	assert_null(str_nearest("banana", words));
	assert_null(str_nearest("x", words));
	assert_null(str_nearest("", words));
}

static void test_prefix_suffix(void **state)
{
	assert_true(str_has_prefix("rocket", "rock"));
	assert_false(str_has_prefix("rock", "rocket"));
	assert_true(str_has_suffix("a.yaml", ".yaml"));
	assert_false(str_has_suffix("yaml", ".yaml"));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
}

static void test_utf8(void **state)
{
	uint32_t cp = 0;
	char out[4];

	assert_int_equal(utf8_step("\xe2\x82\xac", 3, &cp), 3);
	assert_int_equal(cp, 0x20ac);
	assert_int_equal(utf8_step("\xe2\x82\xac", 2, &cp), 0);
	assert_int_equal(utf8_step("\xf4\x90\x80\x80", 4, &cp), 0); /* beyond Unicode */
	assert_int_equal(utf8_put(out, 0x1f680), 4);
	assert_memory_equal(out, "\xf0\x9f\x9a\x80", 4);
	assert_int_equal(utf8_width("a\xc3\xa9\xe4\xb8\xad" "e\xcc\x81"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growing),       cmocka_unit_test(test_format_longer_than_room),
		cmocka_unit_test(test_json),          cmocka_unit_test(test_json_keeps_foreign_bytes),
		cmocka_unit_test(test_visible),       cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),       cmocka_unit_test(test_prefix_suffix),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
