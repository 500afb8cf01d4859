/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a command line. */
#include "fixture.h"

#include "base/opt.h"

static const struct opt own[] = {
	{"detach", 'd', NULL, "", 1, NULL}, {"memory", 'm', "SIZE", "", 2, NULL}, {"quiet", 'q', NULL, "", 3, NULL}, {},
};
static const struct opt global[] = {
	{"quiet", 'q', NULL, "", 9, NULL}, {"dir", 0, "DIR", "", 4, NULL}, {},
};
static const struct opt *const tables[] = {own, global, NULL};

#define WORDS(...) (char *[]){(char *)"rocket", __VA_ARGS__, NULL}
#define W(s) (char *)(s)

static struct opt_walk walk(char **argv)
{
	struct opt_walk w = {.argv = argv, .at = 1, .tables = tables};

	while (argv[w.argc])
		w.argc++;
	return w;
}

static void expect(struct opt_walk *w, int id, const char *value)
{
	const struct opt *o = NULL;
	const char *got = NULL;
	struct err e = {};

	assert_int_equal(opt_next(w, &o, &got, &e), 1);
	assert_int_equal(o->id, id);
	if (value)
		assert_string_equal(got, value);
	else
		assert_null(got);
}

static void expect_word(struct opt_walk *w, const char *word)
{
	const struct opt *o;
	const char *value;
	struct err e = {};

	assert_int_equal(opt_next(w, &o, &value, &e), 0);
	if (word)
		assert_string_equal(w->argv[w->at++], word);
	else
		assert_int_equal(w->at, w->argc);
}

static void test_forms(void **state)
{
	struct opt_walk w = walk(WORDS(W("-d"), W("--memory=5"), W("--memory"), W("-x"), W("-m7"), W("-m=8"), W("-dm"),
				       W("9"), W("-dqm10"), W("--dir"), W("/d")));

	expect(&w, 1, NULL);
	expect(&w, 2, "5");
	expect(&w, 2, "-x"); /* a value is whatever follows */
	expect(&w, 2, "7");
	expect(&w, 2, "8");
	expect(&w, 1, NULL);
	expect(&w, 2, "9");
	expect(&w, 1, NULL);
	expect(&w, 3, NULL); /* the first table wins */
	expect(&w, 2, "10");
	expect(&w, 4, "/d");
	expect_word(&w, NULL);
}

static void test_words(void **state)
{
	struct opt_walk w = walk(WORDS(W("a"), W("-"), W("---"), W("-d"), W("--"), W("-d"), W("--memory")));

	expect_word(&w, "a");
	expect_word(&w, "-");
	expect_word(&w, "---");
	expect(&w, 1, NULL);
	expect_word(&w, "-d");
	expect_word(&w, "--memory");
	expect_word(&w, NULL);
}

static void expect_error(char **argv, const char *what, const char *hint)
{
	struct opt_walk w = walk(argv);
	const struct opt *o;
	const char *value;
	struct err e = {};

	assert_int_equal(opt_next(&w, &o, &value, &e), -ERR_USAGE);
	assert_string_equal(e.what, what);
	assert_string_equal(e.hint, hint);
	assert_true(e.because[0]);
}

static void test_errors(void **state)
{
	expect_error(WORDS(W("--memroy=5")), "no such option: --memroy", "--memory");
	expect_error(WORDS(W("--banana")), "no such option: --banana", "");
	expect_error(WORDS(W("-x")), "no such option: -x", "");
	expect_error(WORDS(W("--memory")), "--memory needs a value", "--memory SIZE");
	expect_error(WORDS(W("-m")), "--memory needs a value", "--memory SIZE");
	expect_error(WORDS(W("--detach=yes")), "--detach takes no value", "--detach");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
