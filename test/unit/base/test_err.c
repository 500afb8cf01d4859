/* SPDX-License-Identifier: Apache-2.0 */
/* The error record: filling, cutting, printing. */
#include "fixture.h"

#include <errno.h>

static char *print(void (*how)(FILE *, const struct err *), const struct err *e)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	how(f, e);
	fclose(f);
	return text;
}

static void test_three_lines(void **state)
{
	struct err e = {};

	assert_int_equal(err_new(&e, ERR_NOT_FOUND, "there is no pod %s", "shop"), -4);
	assert_int_equal(err_because(&e, "nobody made it"), -4);
	assert_int_equal(err_try(&e, "rocket list"), -4);
	autofree char *text = print(err_print, &e);
	assert_string_equal(text, "error: there is no pod shop\nbecause: nobody made it\ntry: rocket list\n");
	autofree char *json = print(err_print_json, &e);
	assert_string_equal(json, "{\"error\":\"there is no pod shop\",\"because\":\"nobody made it\","
				  "\"try\":\"rocket list\",\"code\":4}\n");
}

static void test_errno(void **state)
{
	struct err e = {};

	errno = ENOENT;
	assert_int_equal(err_errno(&e, "cannot read %s", "x"), -ERR_FAILED);
	assert_int_equal(e.errnum, ENOENT);
	assert_string_equal(e.because, "No such file or directory");
	errno = 9999;
	err_errno(&e, "odd");
	assert_string_equal(e.because, "error number 9999");
}

static void test_new_clears_the_rest(void **state)
{
	struct err e = {};

	err_new(&e, ERR_FAILED, "a");
	err_because(&e, "b");
	err_try(&e, "c");
	err_new(&e, ERR_BUSY, "d");
	assert_string_equal(e.because, "");
	assert_string_equal(e.hint, "");
	assert_int_equal(err_recode(&e, ERR_ROCKET), -125);
	assert_int_equal(e.code, 125);
}

static void test_message_from_itself(void **state)
{
	struct err e = {};

	err_new(&e, ERR_FAILED, "inner");
	err_new(&e, ERR_FAILED, "outer: %s", e.what);
	assert_string_equal(e.what, "outer: inner");
}

static void test_cut_between_characters(void **state)
{
	struct err e = {};
	char text[600];

	memset(text, 'x', 254);
	memcpy(text + 254, "\xc3\xa9\xc3\xa9", 5); /* the first would end at byte 256 */
	err_new(&e, ERR_FAILED, "%s", text);
	assert_int_equal(strlen(e.what), 254);
}

static void test_control_characters_stay_visible(void **state)
{
	struct err e = {};

	err_new(&e, ERR_FAILED, "a\nerror: b\x1b[2J");
	autofree char *text = print(err_print, &e);
	assert_string_equal(text, "error: a\\x0aerror: b\\x1b[2J\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_lines),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_new_clears_the_rest),
		cmocka_unit_test(test_message_from_itself),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_control_characters_stay_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
