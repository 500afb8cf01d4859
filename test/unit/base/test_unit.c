/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times, CPUs and numbers: what they mean, what is refused, how they print. */
#include "fixture.h"

#include "base/unit.h"

struct size_case {
	const char *text;
	uint64_t bytes;
};

static void test_sizes(void **state)
{
	static const struct size_case good[] = {
		{"0", 0}, {"64", 64}, {"64Mi", 64ULL << 20}, {"64M", 64000000}, {"1.5Gi", 3ULL << 29}, {"1k", 1000},
		{"1K", 1000}, {"1Ki", 1024}, {".5Ki", 512}, {"12e6", 12000000}, {"1E", 1000000000000000000ULL},
		{"16383Pi", 16383ULL << 50}, {"0.1", 1}, {"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"", "x", "64m", "64 Mi", "-1", "64Mib", "1e", "16384Pi", "1e19",
					  "18446744073709551616", "1.2.3", "Mi", "1ki"};
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(unit_parse_size(good[i].text, &bytes), 0);
		assert_true(bytes == good[i].bytes);
	}
	bytes = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(unit_parse_size(bad[i], &bytes), -1);
	assert_int_equal(bytes, 77);
}

static void test_docker_sizes(void **state)
{
	static const struct size_case good[] = {{"64m", 64ULL << 20}, {"64M", 64ULL << 20}, {"64mb", 64ULL << 20},
						{"64MiB", 64ULL << 20}, {"64", 64}, {"64b", 64}, {"64kb", 65536},
						{"1.5g", 3ULL << 29}};
	static const char *const bad[] = {"", "m", "64x", "64ib", "64mbb", "-1m", "64bb"};
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(unit_parse_docker_size(good[i].text, &bytes), 0);
		assert_true(bytes == good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(unit_parse_docker_size(bad[i], &bytes), -1);
}

static void test_times(void **state)
{
	static const char *const bad[] = {"", "5", "s", "5 s", "-5s", "1h5", "5sec", "300000d", "9223372036854775808ns"};
	int64_t ns;

	assert_int_equal(unit_parse_time("1m30s", &ns), 0);
	assert_true(ns == 90000000000);
	assert_int_equal(unit_parse_time("1.5h", &ns), 0);
	assert_true(ns == 5400000000000);
	assert_int_equal(unit_parse_time("500ms", &ns), 0);
	assert_true(ns == 500000000);
	assert_int_equal(unit_parse_time("0", &ns), 0);
	assert_true(ns == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(unit_parse_time(bad[i], &ns), -1);
}

static void test_cpus_and_numbers(void **state)
{
	uint32_t milli;
	uint64_t n;

	assert_int_equal(unit_parse_cpus("0.5", &milli), 0);
	assert_int_equal(milli, 500);
	assert_int_equal(unit_parse_cpus("500m", &milli), 0);
	assert_int_equal(milli, 500);
	assert_int_equal(unit_parse_cpus("2", &milli), 0);
	assert_int_equal(milli, 2000);
	assert_int_equal(unit_parse_cpus("2x", &milli), -1);
	assert_int_equal(unit_parse_cpus("-1", &milli), -1);
	assert_int_equal(unit_parse_u64("007", 0, 10, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(unit_parse_u64("11", 0, 10, &n), -1);
	assert_int_equal(unit_parse_u64("", 0, 10, &n), -1);
	assert_int_equal(unit_parse_u64("1 ", 0, 10, &n), -1);
	assert_int_equal(unit_parse_u64("18446744073709551616", 0, UINT64_MAX, &n), -1);
}

static void check(void (*add)(struct str *, int64_t), int64_t value, const char *expected)
{
	autostr s = {};

	add(&s, value);
	assert_string_equal(s.text, expected);
}

static void add_size(struct str *s, int64_t bytes)
{
	unit_add_size(s, (uint64_t)bytes);
}

static void test_printing(void **state)
{
	const int64_t s = 1000000000;

	check(add_size, 0, "0 B");
	check(add_size, 1023, "1023 B");
	check(add_size, 1024, "1.0 KiB");
	check(add_size, 64 << 20, "64.0 MiB");
	check(add_size, (1 << 20) - 1, "1.0 MiB");
	check(add_size, -1, "16.0 EiB");
	check(unit_add_time, 0, "0s");
	check(unit_add_time, 90 * s, "1m30s");
	check(unit_add_time, 1500000000, "1s500ms");
	check(unit_add_time, 90000 * s, "25h");
	check(unit_add_time, -s, "-1s");
	check(unit_add_age, 0, "0 seconds");
	check(unit_add_age, 1 * s, "1 second");
	check(unit_add_age, 180 * s, "3 minutes");
	check(unit_add_age, 3 * 86400 * s, "3 days");
	check(unit_add_age, -5 * s, "0 seconds");
}

static void test_timestamps(void **state)
{
	check(unit_add_timestamp, 0, "1970-01-01T00:00:00.000000000Z");
	check(unit_add_timestamp, 951782400000000001, "2000-02-29T00:00:00.000000001Z");
	check(unit_add_timestamp, 1767225599999999999, "2025-12-31T23:59:59.999999999Z");
	check(unit_add_timestamp, -1, "1969-12-31T23:59:59.999999999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),    cmocka_unit_test(test_docker_sizes),
		cmocka_unit_test(test_times),    cmocka_unit_test(test_cpus_and_numbers),
		cmocka_unit_test(test_printing), cmocka_unit_test(test_timestamps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
