/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: zeroed, aligned, and lists that keep what they had when they grow. */
#include "fixture.h"

#include <stdalign.h>

#include "base/arena.h"

static void test_alloc(void **state)
{
	autoarena a = {};

	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
}

static void test_big_block_keeps_the_current(void **state)
{
	autoarena a = {};
	char *small = arena_strdup(&a, "small");
	char *big = arena_alloc(&a, 10 << 20);

	memset(big, 'x', 10 << 20);
	char *next = arena_strdup(&a, "next");

	assert_string_equal(small, "small");
	assert_string_equal(next, "next");
	/* The block before the big one still had room. */
	assert_true(next - small < 4096 && next > small);
}

static void test_strings(void **state)
{
	autoarena a = {};
	char long_text[1000];

	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(&a, "ab", 30), "ab");
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	assert_string_equal(arena_printf(&a, "%s", long_text), long_text);
}

static void test_strv(void **state)
{
	autoarena a = {};
	char **v = NULL;
	char word[16];

	assert_int_equal(strv_len(NULL), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(word, sizeof(word), "w%d", i);
		arena_strv_add(&a, &v, word);
		arena_alloc(&a, 24); /* what follows must not be overwritten */
	}
	assert_int_equal(strv_len(v), 100);
	for (int i = 0; i < 100; i++) {
		snprintf(word, sizeof(word), "w%d", i);
		assert_string_equal(v[i], word);
	}
}

static void test_list(void **state)
{
	autoarena a = {};
	LIST(struct { int n; char pad[20]; }) list = {};

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(list_add(&a, &list)->n, 0);
		list.v[list.n - 1].n = i;
	}
	assert_int_equal(list.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(list.v[i].n, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),   cmocka_unit_test(test_big_block_keeps_the_current),
		cmocka_unit_test(test_strings), cmocka_unit_test(test_strv),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
