/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: kinds, places, bounds, and what two readers could read in two ways. Decoding by field table. */
#include "fixture.h"

#include "base/decode.h"
#include "base/str.h"

static struct doc *yaml(struct arena *a, const char *text)
{
	struct doc *d = NULL;
	struct err e = {};

	if (doc_parse_yaml(a, "f.yaml", text, strlen(text), &d, &e) < 0)
		print_error("%s\n", e.what);
	assert_non_null(d);
	return d;
}

static void yaml_error(const char *text, const char *what)
{
	autoarena a = {};
	struct doc *d = NULL;
	struct err e = {};

	if (doc_parse_yaml(&a, "f.yaml", text, strlen(text), &d, &e) != -ERR_USAGE)
		fail_msg("'%s' was taken", text);
	assert_null(d);
	if (!strstr(e.what, what))
		fail_msg("expected '%s' in '%s'", what, e.what);
}

static void json_error(const char *text, const char *what)
{
	autoarena a = {};
	struct doc *d = NULL;
	struct err e = {};

	if (doc_parse_json(&a, "f.json", text, strlen(text), &d, &e) != -ERR_USAGE)
		fail_msg("'%s' was taken", text);
	assert_null(d);
	if (!strstr(e.what, what))
		fail_msg("expected '%s' in '%s'", what, e.what);
}

static void test_yaml_kinds(void **state)
{
	static const struct {
		const char *text;
		enum doc_kind kind;
	} cases[] = {
		{"~", DOC_NULL}, {"null", DOC_NULL}, {"true", DOC_BOOL}, {"False", DOC_BOOL}, {"no", DOC_STR}, {"on", DOC_STR},
		{"5", DOC_INT}, {"-5", DOC_INT}, {"0755", DOC_INT}, {"0x1f", DOC_INT}, {"0o17", DOC_INT}, {"1.5", DOC_FLOAT},
		{".5", DOC_FLOAT}, {"1e3", DOC_FLOAT}, {"1.", DOC_FLOAT}, {"12:30", DOC_STR}, {"1_000", DOC_STR},
		{"\"5\"", DOC_STR}, {"'true'", DOC_STR}, {"64Mi", DOC_STR}, {".inf", DOC_STR}, {"-", DOC_LIST},
		{"[]", DOC_LIST}, {"{}", DOC_MAP}, {"! 5", DOC_STR}, {"2026-01-31", DOC_STR}, {"+", DOC_STR}, {"e3", DOC_STR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena a = {};

		assert_int_equal(yaml(&a, cases[i].text)->kind, cases[i].kind);
	}
}

static void test_yaml_tree_and_places(void **state)
{
	autoarena a = {};
	struct doc *d = yaml(&a, "pod: shop\napps:\n  web: {image: nginx, args: [a, 1.10]}\n");
	const struct doc *web = doc_get(doc_get(d, "apps"), "web"), *args = doc_get(web, "args");

	assert_string_equal(doc_get_str(d, "pod"), "shop");
	assert_string_equal(doc_get_str(web, "image"), "nginx");
	assert_int_equal(args->n, 2);
	assert_string_equal(args->child->next->text, "1.10"); /* as written */
	assert_int_equal(args->child->line, 3);
	assert_int_equal(args->child->column, 30);
	assert_int_equal(web->key_line, 3);
	assert_int_equal(web->key_column, 3);
	assert_null(doc_get(NULL, "x"));
	assert_null(doc_get_str(d, "apps"));
}

static void test_yaml_refusals(void **state)
{
	yaml_error("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key a is given twice");
	yaml_error("a: &x 1\n", "f.yaml:1:4: anchors");
	yaml_error("a: *x\n", "aliases");
	yaml_error("a: !!str 5\n", "f.yaml:1:4: tags");
	yaml_error("? [a]\n: b\n", "a key must be text");
	yaml_error("a: \"\\0\"\n", "zero byte");
	yaml_error("a: [1\n", "f.yaml:2");
	yaml_error("a: b: c\n", "f.yaml:1:5");
	yaml_error("\tx", "f.yaml:1:1");
	yaml_error("", "empty");
	yaml_error("--- 1\n--- 2\n", "f.yaml:2:5: a second document");
	yaml_error("a: \xff\n", "not UTF-8");
	yaml_error("a: \x01\n", "f.yaml");
}

static void test_many_keys_given_twice(void **state)
{
	autostr text = {};

	for (int i = 0; i < 2000; i++)
		str_addf(&text, "k%d: 1\n", i);
	str_add(&text, "k77: 1\n");
	yaml_error(text.text, "f.yaml:2001:1: the key k77 is given twice");
}

static void test_bounds(void **state)
{
	autostr deep = {}, many = {}, large = {};

	for (int i = 0; i < 70; i++)
		str_add_char(&deep, '[');
	yaml_error(deep.text, "nested more than 64 deep");
	json_error(deep.text, "nesting too deep");
	str_add_char(&many, '[');
	for (int i = 0; i < 200001; i++)
		str_add(&many, i ? ",1" : "1");
	str_add_char(&many, ']');
	yaml_error(many.text, "more than 200000 values");
	json_error(many.text, "more than 200000 values");
	for (int i = 0; i < (5 << 20); i++)
		str_add_char(&large, ' ');
	yaml_error(large.text, "larger than 4 MiB");
	json_error(large.text, "larger than 4 MiB");
}

static void test_several_documents(void **state)
{
	autoarena a = {};
	struct doc *all;
	struct err e = {};
	const char *text = "a: 1\n---\nb: 2\n---\n";

	assert_int_equal(doc_parse_yaml_all(&a, "f", text, strlen(text), &all, &e), 0);
	assert_int_equal(all->n, 3);
	assert_non_null(doc_get(all->child->next, "b"));
	assert_int_equal(all->child->next->next->kind, DOC_NULL);
}

static void test_json(void **state)
{
	autoarena a = {};
	struct doc *d;
	struct err e = {};
	const char *text = " {\"a\":\"x\\u00e9\",\"b\":[1,-0.50,true,null,18446744073709551615],\"c\":{\"a\":1}} \n";

	assert_int_equal(doc_parse_json(&a, "f", text, strlen(text), &d, &e), 0);
	assert_string_equal(doc_get_str(d, "a"), "x\xc3\xa9");
	const struct doc *b = doc_get(d, "b");

	assert_int_equal(b->n, 5);
	assert_string_equal(b->child->next->text, "-0.50"); /* as written */
	assert_int_equal(b->child->next->next->kind, DOC_BOOL);
	assert_int_equal(b->child->next->next->next->kind, DOC_NULL);
	assert_string_equal(b->child->next->next->next->next->text, "18446744073709551615");
}

static void test_json_refusals(void **state)
{
	json_error("{\"a\":1,\"a\":2}", "given twice");
	json_error("[{\"a\":{\"b\":1,\"b\":\":\"}}]", "given twice");
	json_error("{\"a\":\"x\\u0000y\"}", "f.json:1:8: text holds a zero byte");
	json_error("{\"a\\u0000\":1}", "zero byte");
	json_error("{\"a\":1,}", "f.json:1:8");
	json_error("{'a':1}", "f.json:1:2");
	json_error("{\"a\":1} 2", "f.json:1:9");
	json_error("{\"a\":\n 1", "f.json:2:3: unexpected end");
	json_error("", "f.json:1:1: unexpected end");
	json_error("{\"a\":NaN}", "f.json:1");
	json_error("// c\n1", "f.json:1:1: this is no JSON");
	json_error("[010]", "f.json:1:2: this is no JSON");
	json_error("[1.]", "f.json:1:2: this is no JSON");
	json_error("[+1]", "f.json:1:2: this is no JSON");
	json_error("[True]", "f.json:1:2: this is no JSON");
	json_error("[1 2]", "f.json:1");
	json_error("[truefalse]", "f.json:1");
	json_error("\"\xff\"", "f.json:1");
}

struct volume {
	char *name;
	uint64_t size_bytes;
};

struct pod {
	char *name;
	bool on;
	int64_t number, grace_ns;
	uint32_t cpus_milli, small;
	int distance;
	char **args, **env;
	LIST(struct volume) volumes;
	struct volume one;
	char *custom, *internal;
};

static int decode_custom(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod *p = object;

	p->custom = arena_printf(a, "<%s>", node->text);
	return 0;
}

static const char *const distances[] = {"joined", "close", "apart", NULL};
static const char *const aliases[][2] = {{"command", "exec or args"}, {NULL, NULL}};
static const struct field volume_fields[] = {
	FIELD(struct volume, name, "name", FIELD_STR, .required = true),
	FIELD(struct volume, size_bytes, "size", FIELD_SIZE),
};
static const struct field_set volume_set = FIELD_SET("volume", struct volume, volume_fields);
static const struct field pod_fields[] = {
	FIELD(struct pod, name, "pod", FIELD_STR, .required = true),
	FIELD(struct pod, on, "on", FIELD_BOOL),
	FIELD(struct pod, number, "number", FIELD_INT),
	FIELD(struct pod, grace_ns, "grace", FIELD_TIME),
	FIELD(struct pod, cpus_milli, "cpus", FIELD_CPUS),
	FIELD(struct pod, small, "small", FIELD_U32),
	FIELD(struct pod, distance, "distance", FIELD_ENUM, .names = distances),
	FIELD(struct pod, args, "args", FIELD_STRV),
	FIELD(struct pod, env, "env", FIELD_MAP),
	FIELD(struct pod, volumes, "volumes", FIELD_NAMED, .sub = &volume_set),
	FIELD(struct pod, one, "one", FIELD_STRUCT, .sub = &volume_set),
	FIELD(struct pod, custom, "custom", FIELD_CUSTOM, .decode = decode_custom),
	FIELD(struct pod, internal, "internal", FIELD_STR, .internal = true),
};
static const struct field_set pod_set = FIELD_SET("pod", struct pod, pod_fields, .aliases = aliases);

static void test_decode(void **state)
{
	autoarena a = {};
	const struct decode d = {.arena = &a};
	struct err e = {};
	struct pod p = {.small = 9};
	struct doc *doc = yaml(&a, "pod: 5\non: true\nnumber: -7\ngrace: 1m30s\ncpus: 0.5\ndistance: apart\n"
				   "args: [a, 5, true]\nenv: {A: b, B: \"\"}\nvolumes:\n  up: {size: 5Mi}\n  q:\n"
				   "one: {name: x}\ncustom: c\n");

	assert_int_equal(decode_doc(&d, &pod_set, doc, &p, &e), 0);
	assert_string_equal(p.name, "5");
	assert_true(p.on);
	assert_int_equal(p.number, -7);
	assert_true(p.grace_ns == 90000000000);
	assert_int_equal(p.cpus_milli, 500);
	assert_int_equal(p.small, 9); /* the caller's default */
	assert_int_equal(p.distance, 2);
	assert_string_equal(p.args[1], "5");
	assert_string_equal(p.env[1], "B=");
	assert_int_equal(p.volumes.n, 2);
	assert_string_equal(p.volumes.v[0].name, "up");
	assert_int_equal(p.volumes.v[0].size_bytes, 5 << 20);
	assert_string_equal(p.volumes.v[1].name, "q");
	assert_string_equal(p.custom, "<c>");
}

static void decode_error(const char *text, const char *what, const char *hint)
{
	autoarena a = {};
	const struct decode d = {.arena = &a};
	struct err e = {};
	struct pod p = {};

	assert_int_equal(decode_doc(&d, &pod_set, yaml(&a, text), &p, &e), -ERR_USAGE);
	if (!strstr(e.what, what))
		fail_msg("expected '%s' in '%s'", what, e.what);
	assert_string_equal(e.hint, hint);
}

static void test_decode_errors(void **state)
{
	decode_error("pod: x\ndistanse: 5\n", "f.yaml:2:1: pod has no key distanse", "distance");
	decode_error("pod: x\ncommand: 5\n", "pod has no key command", "exec or args");
	decode_error("pod: x\ncomand: 5\n", "pod has no key comand", "exec or args");
	decode_error("pod: x\ninternal: 5\n", "has no key internal", "");
	decode_error("on: true\n", "f.yaml:1:1: pod lacks the key pod", "");
	decode_error("pod: x\non: yes\n", "f.yaml:2:5: on must be true or false", "");
	decode_error("pod: x\nnumber: 010\n", "number must be a whole number", "");
	decode_error("pod: x\nsmall: 4294967296\n", "in range", "");
	decode_error("pod: x\ngrace: 10\n", "grace must be a time", "grace: 10s");
	decode_error("pod: x\ndistance: closs\n", "distance can't be closs", "distance: close");
	decode_error("pod: x\nargs: ls\n", "args must be a list", "args: [ls]");
	decode_error("pod: x\nargs: [[]]\n", "must be text", "");
	decode_error("pod: x\nenv: {A: }\n", "A must be text", "");
	decode_error("pod: x\nenv: {\"A=B\": c}\n", "can't be empty or hold '='", "");
	decode_error("pod: x\nvolumes: {up: {name: y}}\n", "volume has no key name", "");
	decode_error("pod: x\nvolumes: [up]\n", "must be a map by name", "");
	decode_error("pod: x\none: {}\n", "volume lacks the key name", "");
	decode_error("pod:\n", "pod must be text", "pod: \"\"");
	decode_error("[pod]\n", "must be a map", "");
}

static unsigned warnings;

static void count_warning(const struct err *warning)
{
	assert_non_null(strstr(warning->what, "has no key"));
	warnings++;
}

static void test_decode_warns(void **state)
{
	autoarena a = {};
	const struct decode d = {.arena = &a, .warn = count_warning};
	struct err e = {};
	struct pod p = {};

	assert_int_equal(decode_doc(&d, &pod_set, yaml(&a, "pod: x\nfoo: 1\nbar: 2\n"), &p, &e), 0);
	assert_int_equal(warnings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_kinds),
		cmocka_unit_test(test_yaml_tree_and_places),
		cmocka_unit_test(test_yaml_refusals),
		cmocka_unit_test(test_many_keys_given_twice),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_several_documents),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_refusals),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_errors),
		cmocka_unit_test(test_decode_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
