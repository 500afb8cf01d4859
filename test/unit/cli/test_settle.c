/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files and the environment, later ones over earlier ones; the directories that follow from them. */
#include "../base/fixture.h"

#include "cli/config.h"
#include "cli/settle.h"

static char *places[] = {(char *)"one", (char *)"two", (char *)"missing", NULL};

static void put(const char *dir, const char *path, const char *text)
{
	struct err e = {};

	assert_int_equal(io_mkdir_p(AT_FDCWD, dir, 0755, &e), 0);
	put_file(path, text);
}

static void clear_environment(void)
{
	static const char *const names[] = {"ROCKET_DIR", "ROCKET_OUTPUT", "ROCKET_QUIET", "ROCKET_INSECURE_OPTIONS",
					    "ROCKET_GRACE_PERIOD", "ROCKET_RUN_DIR", "XDG_CONFIG_HOME", "HOME"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

static const struct config *load(struct arena *a)
{
	const struct config *c = NULL;
	struct err e = {};

	if (config_load(a, places, &c, &e) < 0)
		print_error("%s\n", e.what);
	assert_non_null(c);
	return c;
}

static const char *origin(const struct config *c, const char *key)
{
	for (size_t i = 0; config_keys[i].name; i++) {
		if (strcmp(config_keys[i].name, key) == 0)
			return c->values[i].origin;
	}
	return NULL;
}

static void test_presets(void **state)
{
	autoarena a = {};

	clear_environment();
	const struct config *c = load(&a);

	assert_string_equal(config_get(c, "grace_period"), "30m");
	assert_string_equal(origin(c, "grace_period"), "built in");
	assert_null(config_get(c, "dir"));
	assert_null(config_get(c, "no_such_key"));
}

static void test_later_wins_key_by_key(void **state)
{
	autoarena a = {};

	clear_environment();
	put("one", "one/rocket.yaml", "dir: /one\noutput: wide\ngrace_period: 1h\n");
	put("one/b.d", "one/b.d/10-x.yaml", "output: json\n");
	put("one/b.d", "one/b.d/20-y.yaml", "output: yaml\n");
	put("one/b.d", "one/b.d/30-z.conf", "output: broken: [\n"); /* no .yaml: not read */
	put("one/b.d", "one/b.d/.40.yaml", "output: [\n");          /* hidden: not read */
	put("two", "two/rocket.yaml", "# nothing but a comment\n");
	put("two/a.d", "two/a.d/x.yaml", "dir: /two\n");
	const struct config *c = load(&a);

	assert_string_equal(config_get(c, "dir"), "/two");
	assert_string_equal(origin(c, "dir"), "two/a.d/x.yaml:1");
	assert_string_equal(config_get(c, "output"), "yaml");
	assert_string_equal(config_get(c, "grace_period"), "1h");
	assert_string_equal(origin(c, "grace_period"), "one/rocket.yaml:3");
	setenv("ROCKET_GRACE_PERIOD", "2h", 1);
	setenv("ROCKET_OUTPUT", "", 1); /* empty: not set */
	c = load(&a);
	assert_string_equal(config_get(c, "grace_period"), "2h");
	assert_string_equal(origin(c, "grace_period"), "$ROCKET_GRACE_PERIOD");
	assert_string_equal(config_get(c, "output"), "yaml");
}

static void refuse(const char *text, const char *what)
{
	autoarena a = {};
	const struct config *c;
	struct err e = {};

	put("one", "one/rocket.yaml", text);
	assert_int_equal(config_load(&a, places, &c, &e), -ERR_USAGE);
	if (!strstr(e.what, what))
		fail_msg("expected '%s' in '%s'", what, e.what);
}

static void test_refusals(void **state)
{
	clear_environment();
	refuse("grace_perod: 1h\n", "one/rocket.yaml:1:1: there is no configuration key grace_perod");
	refuse("dir: relative\n", "one/rocket.yaml:1:6: dir must be an absolute path");
	refuse("quiet: yes\n", "quiet must be true or false");
	refuse("output: [json]\n", "output must be table, wide");
	refuse("insecure_options: image,none\n", "insecure_options must be");
	refuse("- x\n", "a map of keys");
	refuse("dir: /a\ndir: /b\n", "given twice");
	refuse("--- {}\n--- {}\n", "a second document");
	put_file("one/rocket.yaml", "");
	setenv("ROCKET_QUIET", "1", 1);
	autoarena a = {};
	const struct config *c;
	struct err e = {};

	assert_int_equal(config_load(&a, places, &c, &e), -ERR_USAGE);
	assert_string_equal(e.what, "$ROCKET_QUIET must be true or false");
}

static void test_directories(void **state)
{
	autoarena a = {};
	struct err e = {};

	clear_environment();
	setenv("ROCKET_DIR", "/srv/rocket//", 1);
	struct cli cli = {.arena = &a, .config = load(&a)};

	assert_int_equal(settle(&cli, &e), 0);
	assert_string_equal(cli.dir, "/srv/rocket");
	assert_string_equal(cli.run_dir, "/srv/rocket/run");
	setenv("ROCKET_RUN_DIR", "/run/other", 1);
	cli = (struct cli){.arena = &a, .config = load(&a)};
	assert_int_equal(settle(&cli, &e), 0);
	assert_string_equal(cli.run_dir, "/run/other");
	/* --dir moves all of it. */
	cli = (struct cli){.arena = &a, .config = load(&a)};
	assert_int_equal(settle_dir(&cli, "below", &e), 0);
	assert_int_equal(settle(&cli, &e), 0);
	autofree char *here = getcwd(NULL, 0);
	assert_string_equal(cli.dir, arena_printf(&a, "%s/below", here));
	assert_string_equal(cli.run_dir, arena_printf(&a, "%s/below/run", here));
	assert_int_equal(settle_dir(&cli, "", &e), -ERR_USAGE);
}

static void test_choices(void **state)
{
	autoarena a = {};
	struct err e = {};
	unsigned bits = 77;

	assert_int_equal(settle_insecure("image,http", &bits), 0);
	assert_int_equal(bits, CLI_INSECURE_IMAGE | CLI_INSECURE_HTTP);
	assert_int_equal(settle_insecure("image,", &bits), -1);
	assert_int_equal(settle_insecure("", &bits), -1);
	assert_int_equal(settle_insecure("all", &bits), -1);
	clear_environment();
	setenv("ROCKET_OUTPUT", "json", 1);
	setenv("ROCKET_QUIET", "true", 1);
	setenv("ROCKET_INSECURE_OPTIONS", "tls", 1);
	struct cli cli = {.arena = &a, .config = load(&a), .insecure = CLI_INSECURE_IMAGE};

	assert_int_equal(settle(&cli, &e), 0);
	assert_int_equal(cli.output, CLI_JSON);
	assert_true(cli.quiet);
	assert_int_equal(cli.insecure, CLI_INSECURE_IMAGE | CLI_INSECURE_TLS);
	cli = (struct cli){.arena = &a, .config = load(&a), .output = CLI_YAML, .output_given = true};
	assert_int_equal(settle(&cli, &e), 0);
	assert_int_equal(cli.output, CLI_YAML);
	clear_environment();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_dir(test_presets),     in_dir(test_later_wins_key_by_key), in_dir(test_refusals),
		in_dir(test_directories), in_dir(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
