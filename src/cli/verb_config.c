/* SPDX-License-Identifier: Apache-2.0 */
/* rocket config: every key with its value and the place that it comes from. */
#include <string.h>

#include "cli/config.h"
#include "cli/emit.h"
#include "cli/verbs.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* The directories have defaults that depend on who asks; what holds is in cli. */
static struct config_value effective(const struct cli *cli, const struct config_value *v)
{
	struct config_value shown = *v;
	const char *dir = strcmp(v->key->name, "dir") == 0	 ? cli->dir
			  : strcmp(v->key->name, "run_dir") == 0 ? cli->run_dir
								 : NULL;

	if (dir && (!v->value || strcmp(dir, v->value) != 0))
		shown = (struct config_value){v->key, dir, v->value ? "--dir" : "built in"};
	return shown;
}

static bool is_asked(const struct config_value *v, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], v->key->name) == 0)
			return true;
	}
	return n == 0;
}

static int check_keys(const struct cli *cli, char **words, struct err *e)
{
	for (; *words; words++) {
		size_t i = 0;

		while (config_keys[i].name && strcmp(config_keys[i].name, *words) != 0)
			i++;
		if (!config_keys[i].name) {
			err_new(e, ERR_NOT_FOUND, "there is no configuration key %.80s", *words);
			return err_try(e, "rocket config");
		}
	}
	return 0;
}

static int print_table(struct cli *cli, char **words, int n)
{
	static const struct column columns[] = {{.title = "KEY"}, {.title = "VALUE"}, {.title = "ORIGIN"},
						{.title = "MEANING", .wide = true}};
	struct table t = {.columns = columns, .n_columns = 4, .arena = cli->arena};

	for (size_t i = 0; config_keys[i].name; i++) {
		struct config_value v = effective(cli, &cli->config->values[i]);

		if (!is_asked(&v, words, n))
			continue;
		table_add(&t, v.key->name);
		table_add(&t, v.value);
		table_add(&t, v.origin);
		table_add(&t, v.key->help);
	}
	return table_print(&t, cli);
}

static int print_document(struct cli *cli, char **words, int n)
{
	autoemit m = emit_new(cli);

	emit_open_list(&m, NULL);
	for (size_t i = 0; config_keys[i].name; i++) {
		struct config_value v = effective(cli, &cli->config->values[i]);

		if (!is_asked(&v, words, n))
			continue;
		emit_open_map(&m, NULL);
		emit_str(&m, "key", v.key->name);
		emit_str(&m, "value", v.value);
		emit_str(&m, "origin", v.origin);
		emit_close(&m);
	}
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || check_keys(cli, words, &e) < 0)
		return cli_fail(cli, &e);
	if (cli->output == CLI_JSON || cli->output == CLI_YAML)
		return print_document(cli, words, n);
	return print_table(cli, words, n);
}

const struct verb cli_verb_config = {
	.name = "config",
	.summary = "print the configuration: each key, its value, and where that comes from",
	.usage = "[KEY…]",
	.example = "rocket config\nROCKET_GRACE_PERIOD=1h rocket config grace_period -o json",
	.json = "key: name; in the environment ROCKET_NAME\nvalue: what holds, or null\n"
		"origin: \"built in\", \"not set\", \"--dir\", \"$VARIABLE\" or FILE:LINE",
	.exits = "4: no such key",
	.lists = true,
	.run = run,
};
