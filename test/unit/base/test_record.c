/* SPDX-License-Identifier: Apache-2.0 */
/* Records: out and in again, what they skip, what they refuse. */
#include "fixture.h"

#include "base/record.h"

struct item {
	char *name;
	uint64_t size_bytes;
};

struct all {
	char *text;
	bool flag;
	int64_t number;
	uint32_t small;
	uint64_t big;
	int word;
	char **list, **map;
	struct item one;
	LIST(struct item) items;
	LIST(struct item) named;
};

static const char *const words[] = {"first", "second", NULL};
static const struct field item_fields[] = {
	FIELD(struct item, name, "name", FIELD_STR),
	FIELD(struct item, size_bytes, "size", FIELD_SIZE),
};
static const struct field_set item_set = FIELD_SET("item", struct item, item_fields);
static const struct field all_fields[] = {
	FIELD(struct all, text, "text", FIELD_STR),
	FIELD(struct all, flag, "flag", FIELD_BOOL),
	FIELD(struct all, number, "number", FIELD_INT),
	FIELD(struct all, small, "small", FIELD_U32),
	FIELD(struct all, big, "big", FIELD_U64),
	FIELD(struct all, word, "word", FIELD_ENUM, .names = words),
	FIELD(struct all, list, "list", FIELD_STRV),
	FIELD(struct all, map, "map", FIELD_MAP),
	FIELD(struct all, one, "one", FIELD_STRUCT, .sub = &item_set),
	FIELD(struct all, items, "items", FIELD_LIST, .sub = &item_set),
	FIELD(struct all, named, "named", FIELD_NAMED, .sub = &item_set),
};
static const struct field_set all_set = FIELD_SET("all", struct all, all_fields);

static void write_all(struct str *out, const struct all *x)
{
	record_write(out, &all_set, x, RECORD_COMPACT);
}

static void check_again(const char *text)
{
	autoarena a = {};
	autostr out = {};
	struct all x;
	struct err e = {};

	assert_int_equal(record_read(&a, &all_set, text, strlen(text), &x, &e), 0);
	write_all(&out, &x);
	assert_string_equal(out.text, text);
}

static void test_round_trip(void **state)
{
	check_again("{}\n");
	check_again("{\"text\":\"shop\",\"flag\":true,\"number\":-5,\"small\":7,\"big\":18446744073709551615,"
		    "\"word\":\"second\",\"list\":[\"a\",\"\",\"5\"],\"map\":{\"A\":\"b=c\",\"D\":\"\"},"
		    "\"one\":{\"name\":\"q\"},\"items\":[{\"name\":\"z\",\"size\":5},{}],"
		    "\"named\":{\"up\":{\"name\":\"up\",\"size\":1}}}\n");
	check_again("{\"number\":-9223372036854775808}\n");
	check_again("{\"text\":\"\"}\n");
}

static void test_foreign_bytes_survive(void **state)
{
	autoarena a = {};
	autostr out = {};
	struct err e = {};
	struct all x = {.text = (char *)"caf\xe9 \xff\xc3\xa9 \xf0\x9f\x9a\x80\n\"\\"}, y;

	write_all(&out, &x);
	assert_int_equal(record_read(&a, &all_set, out.text, out.len, &y, &e), 0);
	assert_string_equal(x.text, y.text);
}

static void test_escapes(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct all x;
	const char *text = " { \"te\\u0078t\" : \"\\u00e9\\ud83d\\ude80\\/\\b\\f\\n\\r\\t\\ud800x\" } ";

	assert_int_equal(record_read(&a, &all_set, text, strlen(text), &x, &e), 0);
	assert_string_equal(x.text, "\xc3\xa9\xf0\x9f\x9a\x80/\b\f\n\r\t\xef\xbf\xbdx");
}

static void test_unknown_keys_are_skipped(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct all x;
	const char *text = "{\"future\":[{\"x\":[1,-2.5e7,{\"y\":null}]},true,false,\"}\"],\"small\":3}";

	assert_int_equal(record_read(&a, &all_set, text, strlen(text), &x, &e), 0);
	assert_int_equal(x.small, 3);
}

static void test_later_of_two_keys_wins(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct all x;
	const char *text = "{\"items\":[{},{}],\"items\":[{\"size\":3}]}";

	assert_int_equal(record_read(&a, &all_set, text, strlen(text), &x, &e), 0);
	assert_int_equal(x.items.n, 1);
	assert_int_equal(x.items.v[0].size_bytes, 3);
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{\"text\"}", "{\"text\":5}", "{\"text\":\"a}", "{\"text\":\"a\"}x", "{\"text\":\"\\u0000\"}",
		"{\"text\":\"\\x\"}", "{\"text\":\"\\ud8\"}", "{\"flag\":1}", "{\"small\":4294967296}", "{\"small\":-1}",
		"{\"small\":1.5}", "{\"number\":9223372036854775808}", "{\"word\":\"third\"}", "{\"list\":[\"a\",]}",
		"{\"list\":{}}", "{\"map\":{\"a\":1}}", "{\"items\":{}}", "{\"text\":\"a\",}", "{\"text\":\"a\nb\"}",
		"{\"x\":tru}", "{,}", "{\"big\":18446744073709551616}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		struct err e = {};
		struct all x = {.small = 77};

		assert_int_equal(record_read(&a, &all_set, bad[i], strlen(bad[i]), &x, &e), -ERR_FAILED);
		assert_true(strstr(e.because, "at byte") != NULL);
		assert_int_equal(x.small, 77); /* untouched on failure */
	}
}

static void test_depth_is_bounded(void **state)
{
	autoarena a = {};
	autostr text = {};
	struct err e = {};
	struct all x;

	str_add(&text, "{\"x\":");
	for (int i = 0; i < 100000; i++)
		str_add_char(&text, '[');
	assert_int_equal(record_read(&a, &all_set, text.text, text.len, &x, &e), -ERR_FAILED);
}

static void test_read_lists_can_grow(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct all x;
	const char *text = "{\"list\":[\"a\",\"b\",\"c\"],\"items\":[{},{},{}]}";

	assert_int_equal(record_read(&a, &all_set, text, strlen(text), &x, &e), 0);
	for (int i = 0; i < 20; i++) {
		arena_strv_add(&a, &x.list, "more");
		list_add(&a, &x.items)->size_bytes = 9;
	}
	assert_int_equal(strv_len(x.list), 23);
	assert_int_equal(x.items.n, 23);
	assert_string_equal(x.list[2], "c");
}

static void test_pretty(void **state)
{
	autostr out = {};
	char *list[] = {(char *)"x", NULL};
	struct all x = {.text = (char *)"a", .list = list};

	record_write(&out, &all_set, &x, RECORD_PRETTY);
	assert_string_equal(out.text, "{\n  \"text\": \"a\",\n  \"list\": [\n    \"x\"\n  ]\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_foreign_bytes_survive),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_unknown_keys_are_skipped),
		cmocka_unit_test(test_later_of_two_keys_wins),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_read_lists_can_grow),
		cmocka_unit_test(test_pretty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
