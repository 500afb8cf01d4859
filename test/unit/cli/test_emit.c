/* SPDX-License-Identifier: Apache-2.0 */
/* Output: the same calls as JSON, YAML and on one line; tables for people. */
#include "../base/fixture.h"

#include "base/doc.h"
#include "cli/emit.h"

struct hole {
	char *name;
	uint64_t port;
};

struct pod {
	char *name;
	LIST(struct hole) holes;
	char **env;
	bool paused;
};

static const struct field hole_fields[] = {
	FIELD(struct hole, name, "name", FIELD_STR),
	FIELD(struct hole, port, "port", FIELD_U64),
};
static const struct field_set hole_set = FIELD_SET("hole", struct hole, hole_fields);
static const struct field pod_fields[] = {
	FIELD(struct pod, name, "name", FIELD_STR),
	FIELD(struct pod, holes, "holes", FIELD_LIST, .sub = &hole_set),
	FIELD(struct pod, env, "env", FIELD_MAP),
	FIELD(struct pod, paused, "paused", FIELD_BOOL),
};
static const struct field_set pod_set = FIELD_SET("pod", struct pod, pod_fields);

static void emit_all(struct emit *m)
{
	char *words[] = {(char *)"a", (char *)"no", (char *)"two words", NULL};
	char *labels[] = {(char *)"role=web", (char *)"empty=", NULL};

	emit_open_map(m, NULL);
	emit_str(m, "text", "plain");
	emit_str(m, "odd", "1.10");
	emit_null(m, "none");
	emit_int(m, "number", -5);
	emit_bool(m, "flag", true);
	emit_time(m, "when", 0);
	emit_strv(m, "words", words);
	emit_strv(m, "nothing", NULL);
	emit_pairs(m, "labels", labels);
	emit_open_list(m, "list");
	emit_open_map(m, NULL);
	emit_str(m, "x", "y");
	emit_open_list(m, "inner");
	emit_int(m, NULL, 1);
	emit_close(m);
	emit_close(m);
	emit_open_map(m, NULL);
	emit_close(m);
	emit_open_list(m, NULL);
	emit_int(m, NULL, 2);
	emit_close(m);
	emit_close(m);
	emit_close(m);
}

static void test_json(void **state)
{
	struct cli cli = {.output = CLI_JSON};
	autoemit m = emit_new(&cli);

	emit_all(&m);
	assert_string_equal(m.out.text,
			    "{\n  \"text\": \"plain\",\n  \"odd\": \"1.10\",\n  \"none\": null,\n  \"number\": -5,\n"
			    "  \"flag\": true,\n  \"when\": null,\n  \"words\": [\n    \"a\",\n    \"no\",\n    \"two words\"\n  ],\n"
			    "  \"nothing\": [],\n  \"labels\": {\n    \"role\": \"web\",\n    \"empty\": \"\"\n  },\n"
			    "  \"list\": [\n    {\n      \"x\": \"y\",\n      \"inner\": [\n        1\n      ]\n    },\n    {},\n"
			    "    [\n      2\n    ]\n  ]\n}");
}

static void test_yaml(void **state)
{
	struct cli cli = {.output = CLI_YAML};
	autoemit m = emit_new(&cli);

	emit_all(&m);
	assert_string_equal(m.out.text, "text: plain\nodd: \"1.10\"\nnone: null\nnumber: -5\nflag: true\nwhen: null\n"
					"words:\n  - a\n  - \"no\"\n  - \"two words\"\nnothing: []\n"
					"labels:\n  role: web\n  empty: \"\"\nlist:\n  - x: \"y\"\n    inner:\n"
					"      - 1\n  - {}\n  - - 2");
}

/* What is written as YAML is read back as the same text, whatever it looks like. */
static void test_yaml_keeps_text(void **state)
{
	static const char *const texts[] = {
		"", "~", "null", "true", "No", "y", "5", "-5", "1.5", "1e3", "0x1f", ".5", "a: b", "a #b", "- x", "*x", "&x",
		"!x", "%x", "@x", "`x", "{x", "[x", "\"x\"", "'x'", "a\nb", "\t", "\x01", "a,b", "x:", "a=b", "/srv/www", "|", ">",
		"?", "\xc3\xa9", " x", "x ", "---", "...", "2026-01-31", "=", "<<",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct cli cli = {.output = CLI_YAML};
		autoemit m = emit_new(&cli);
		autoarena a = {};
		struct doc *d;
		struct err e = {};

		emit_open_map(&m, NULL);
		emit_str(&m, "k", texts[i]);
		emit_open_list(&m, "l");
		emit_str(&m, NULL, texts[i]);
		emit_close(&m);
		emit_close(&m);
		assert_int_equal(doc_parse_yaml(&a, "f", m.out.text, m.out.len, &d, &e), 0);
		assert_string_equal(doc_get_str(d, "k"), texts[i]);
		assert_int_equal(doc_get(d, "l")->child->kind, DOC_STR);
		assert_string_equal(doc_get(d, "l")->child->text, texts[i]);
	}
}

static void test_compact(void **state)
{
	struct cli cli = {.output = CLI_YAML};
	autoemit m = emit_new(&cli);

	m.compact = true;
	emit_open_map(&m, NULL);
	emit_str(&m, "a", "b");
	emit_open_list(&m, "c");
	emit_int(&m, NULL, 1);
	emit_int(&m, NULL, 2);
	emit_close(&m);
	emit_close(&m);
	assert_string_equal(m.out.text, "{\"a\": \"b\", \"c\": [1, 2]}");
}

static void test_fields(void **state)
{
	struct cli cli = {.output = CLI_YAML};
	autoemit m = emit_new(&cli);
	autoarena a = {};
	char *env[] = {(char *)"A=b=c", NULL};
	struct pod p = {.name = (char *)"shop", .env = env};

	list_add(&a, &p.holes)->port = 80;
	emit_fields(&m, NULL, &pod_set, &p);
	assert_string_equal(m.out.text, "name: shop\nholes:\n  - port: 80\nenv:\n  A: b=c");
}

static const struct column columns[] = {
	{.title = "NAME"}, {.title = "SIZE", .right = true}, {.title = "ID", .wide = true}, {.title = "NOTE"},
};

static void fill(struct table *t)
{
	table_add(t, "caf\xc3\xa9");
	table_addf(t, "%d", 5);
	table_add(t, "0123");
	table_add(t, NULL);
	table_add(t, "a\x1b[2J");
	table_add(t, "1234567");
	table_add(t, "");
	table_add(t, "last");
}

static void check_table(struct cli *cli, const char *expected)
{
	autoarena a = {};
	autostr out = {};
	struct table t = {.columns = columns, .n_columns = 4, .arena = &a};

	fill(&t);
	table_format(&t, cli, &out);
	assert_string_equal(out.text, expected);
}

static void test_tables(void **state)
{
	check_table(&(struct cli){.output = CLI_TABLE},
		    "NAME         SIZE  NOTE\ncaf\xc3\xa9            5  -\na\\x1b[2J  1234567  last\n");
	check_table(&(struct cli){.output = CLI_WIDE},
		    "NAME         SIZE  ID    NOTE\ncaf\xc3\xa9            5  0123  -\na\\x1b[2J  1234567  -     last\n");
	check_table(&(struct cli){.output = CLI_NAME}, "caf\xc3\xa9\na\\x1b[2J\n");
	check_table(&(struct cli){.quiet = true}, "caf\xc3\xa9\na\\x1b[2J\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),   cmocka_unit_test(test_yaml), cmocka_unit_test(test_yaml_keeps_text),
		cmocka_unit_test(test_compact), cmocka_unit_test(test_fields), cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
