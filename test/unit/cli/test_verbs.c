/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs: sorted, complete, each with help, a man page and an example that parses; completion. */
#include "../base/fixture.h"

#include "base/str.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/verbs.h"

#define W(s) (char *)(s)

static void check_options(const struct verb *v)
{
	for (const struct opt *const *t = v->options; t && *t; t++) {
		for (const struct opt *o = *t; o->name; o++) {
			assert_non_null(o->help);
			assert_true(o->arg || !o->complete);
			/* One line, lower case at its start, no full stop. */
			assert_null(strchr(o->help, '\n'));
			assert_int_not_equal(o->help[strlen(o->help) - 1], '.');
		}
	}
}

static void check_verb(const struct verb *v, const struct verb *parent)
{
	autoarena a = {};
	struct cli cli = {.verb = v, .parent = parent, .arena = &a};
	autostr help = {}, man = {};

	assert_non_null(v->summary);
	assert_non_null(v->usage);
	assert_true(v->run || v->verbs);
	if (!v->example || strncmp(v->example, "rocket ", 7) != 0)
		fail_msg("%s has no example", v->name);
	if ((v->lists || v->documents) && !v->json && v->run)
		fail_msg("%s does not document its JSON", v->name);
	check_options(v);
	help_add(&help, &cli);
	assert_true(str_has_prefix(help.text, "usage: rocket "));
	help_add_man(&man, &cli, "");
	assert_true(str_has_prefix(man.text, ".TH rocket-"));
	assert_non_null(strstr(man.text, ".SH EXIT STATUS"));
}

static void test_every_verb(void **state)
{
	for (const struct verb *const *v = cli_verbs; *v; v++) {
		check_verb(*v, NULL);
		if (v[1] && strcmp((*v)->name, v[1]->name) >= 0)
			fail_msg("%s stands before %s", (*v)->name, v[1]->name);
		for (const struct verb *const *s = (*v)->verbs; s && *s; s++) {
			check_verb(*s, *v);
			assert_true(!s[1] || strcmp((*s)->name, s[1]->name) < 0);
		}
	}
}

static void expect(int n, char **words, const char *parent, const char *verb, int used)
{
	const struct verb *v = NULL, *p = NULL;
	struct err e = {};
	int got = 0;

	assert_int_equal(verb_resolve(n, words, &v, &p, &got, &e), 0);
	assert_string_equal(v->name, verb);
	assert_string_equal(p ? p->name : "", parent);
	assert_int_equal(got, used);
}

static void test_resolve(void **state)
{
	expect(1, (char *[]){W("list")}, "", "list", 1);
	expect(1, (char *[]){W("ps")}, "", "list", 1);
	expect(2, (char *[]){W("image"), W("rm")}, "image", "rm", 2);
	expect(1, (char *[]){W("rmi")}, "image", "rm", 1);
	expect(2, (char *[]){W("volume"), W("list")}, "volume", "list", 2);
}

static void refuse(int n, char **words, const char *hint)
{
	const struct verb *v, *p;
	struct err e = {};
	int used;

	assert_int_equal(verb_resolve(n, words, &v, &p, &used, &e), -ERR_USAGE);
	assert_string_equal(e.hint, hint);
	assert_true(e.because[0]);
}

static void test_unknown_verbs(void **state)
{
	refuse(1, (char *[]){W("lsit")}, "rocket list");
	refuse(1, (char *[]){W("banana")}, "rocket help");
	refuse(1, (char *[]){W("watch")}, "rocket help   (what there is)");
	refuse(2, (char *[]){W("volume"), W("lsit")}, "rocket volume list");
	refuse(1, (char *[]){W("volume")}, "rocket help volume");
	refuse(2, (char *[]){W("volume"), W("-x")}, "rocket help volume");
}

static struct completion complete(struct arena *a, int n, char **words)
{
	struct cli cli = {.arena = a};
	struct completion c = {};
	struct err e = {};

	assert_int_equal(complete_find(&cli, n, words, &c, &e), 0);
	return c;
}

static void test_completion(void **state)
{
	autoarena a = {};
	struct completion c = complete(&a, 1, (char *[]){W("")});

	assert_true(c.verbs && !c.verb);
	c = complete(&a, 2, (char *[]){W("stop"), W("")});
	assert_string_equal(c.kind, "app");
	c = complete(&a, 3, (char *[]){W("stop"), W("a"), W("b")});
	assert_string_equal(c.kind, "app"); /* the last kind repeats */
	c = complete(&a, 2, (char *[]){W("stop"), W("--ti")});
	assert_true(c.options);
	c = complete(&a, 3, (char *[]){W("stop"), W("-o"), W("")});
	assert_string_equal(c.kind, "table|wide|json|yaml|name");
	c = complete(&a, 2, (char *[]){W("list"), W("--output=j")});
	assert_string_equal(c.kind, "table|wide|json|yaml|name");
	assert_string_equal(c.prefix, "--output=");
	c = complete(&a, 4, (char *[]){W("--dir"), W("/x"), W("rm"), W("")});
	assert_string_equal(c.kind, "pod");
	c = complete(&a, 2, (char *[]){W("volume"), W("")});
	assert_true(c.verbs && c.verb && !c.parent);
	c = complete(&a, 3, (char *[]){W("volume"), W("rm"), W("")});
	assert_string_equal(c.kind, "volume");
	c = complete(&a, 3, (char *[]){W("stop"), W("--"), W("-x")});
	assert_string_equal(c.kind, "app");
}

static void test_candidates(void **state)
{
	autostr out = {};
	const struct completion choices = {.kind = "a|b", .prefix = "--x="}, file = {.kind = "file", .prefix = ""},
				pods = {.kind = "pod", .prefix = ""}, verbs = {.verbs = true};

	assert_true(complete_add(&out, &choices));
	assert_true(complete_add(&out, &file));
	assert_string_equal(out.text, "--x=a\n--x=b\n:file\n");
	assert_false(complete_add(&out, &pods));
	str_reset(&out);
	assert_true(complete_add(&out, &verbs));
	assert_non_null(strstr(out.text, "ps\trocket list\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_verb), cmocka_unit_test(test_resolve),    cmocka_unit_test(test_unknown_verbs),
		cmocka_unit_test(test_completion), cmocka_unit_test(test_candidates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
