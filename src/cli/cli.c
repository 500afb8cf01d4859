/* SPDX-License-Identifier: Apache-2.0 */
/* What all verbs share: global options, walking a command line, printing, failing. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/help.h"
#include "cli/settle.h"

enum { OPT_DIR = 1, OPT_OUTPUT, OPT_QUIET, OPT_INSECURE, OPT_HELP, OPT_VERSION };

const struct opt cli_global_options[] = {
	{"dir", 0, "DIR", "keep images, pods and run-time files in DIR", OPT_DIR, "dir"},
	{"output", 'o', "FORM", "table, wide, json, yaml, or name: names alone", OPT_OUTPUT,
	 "table|wide|json|yaml|name"},
	{"quiet", 'q', NULL, "no progress and notices; lists print ids alone", OPT_QUIET, NULL},
	{"insecure-options", 0, "RISK,…", "take these risks: image, tls, http", OPT_INSECURE, "image|tls|http"},
	{"help", 'h', NULL, "print this help", OPT_HELP, NULL},
	{"version", 0, NULL, "print the version", OPT_VERSION, NULL},
	{},
};

const char *cli_verb_path(const struct cli *cli)
{
	if (!cli->verb)
		return "rocket";
	if (cli->parent)
		return arena_printf(cli->arena, "rocket %s %s", cli->parent->name, cli->verb->name);
	return arena_printf(cli->arena, "rocket %s", cli->verb->name);
}

int cli_fail(const struct cli *cli, const struct err *e)
{
	struct err shown = *e;

	/* A helper program said it already (cli/pull.c). */
	if (!shown.what[0])
		return e->code;
	/* Whoever has no better advice: what the verb takes. */
	if (!shown.hint[0])
		err_try(&shown, "%s --help", cli_verb_path(cli));
	if (cli->output == CLI_JSON)
		err_print_json(stderr, &shown);
	else
		err_print(stderr, &shown);
	return e->code;
}

int cli_fail_run(const struct cli *cli, struct err *e)
{
	if (e->code != ERR_USAGE && e->code < ERR_ROCKET && !cli->image_refused)
		err_recode(e, ERR_ROCKET);
	return cli_fail(cli, e);
}

void cli_say(const struct cli *cli, const char *fmt, ...)
{
	autostr line = {}, visible = {};
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	str_vaddf(&line, fmt, ap);
	va_end(ap);
	str_add_visible(&visible, str_text(&line));
	str_add_char(&visible, '\n');
	(void)!io_write_all(STDERR_FILENO, visible.text, visible.len);
}

int cli_print(const struct cli *cli, const char *text, size_t len)
{
	struct err e = {};

	if (io_write_all(STDOUT_FILENO, text, len) == 0)
		return 0;
	if (errno == EPIPE)
		return ERR_FAILED; /* the reader has seen enough */
	err_errno(&e, "cannot write the output");
	return cli_fail(cli, &e);
}

static int take_output(struct cli *cli, const char *value, struct err *e)
{
	if (settle_output(value, &cli->output) < 0) {
		const char *nearest = str_nearest(value, cli_output_names);

		err_new(e, ERR_USAGE, "there is no output form %.60s", value);
		err_because(e, "it is one of table, wide, json, yaml, name");
		return err_try(e, "-o %s", nearest ? nearest : "json");
	}
	cli->output_given = true;
	return 0;
}

static int take_insecure(struct cli *cli, const char *value, struct err *e)
{
	unsigned bits;

	if (settle_insecure(value, &bits) < 0) {
		err_new(e, ERR_USAGE, "there is no insecure option %.60s", value);
		err_because(e, "it is a list of image, tls, http");
		return err_try(e, "--insecure-options=image");
	}
	cli->insecure |= bits;
	return 0;
}

[[gnu::noreturn]] static void print_and_leave(const struct cli *cli, struct str *text)
{
	exit(cli_print(cli, str_text(text), text->len));
}

[[gnu::noreturn]] static void print_help(struct cli *cli)
{
	struct str text = {};

	help_add(&text, cli);
	print_and_leave(cli, &text);
}

[[gnu::noreturn]] static void print_version(struct cli *cli)
{
	struct str text = {};

	str_add(&text, "rocket " ROCKET_VERSION "\n");
	print_and_leave(cli, &text);
}

int cli_take_global(struct cli *cli, const struct opt *o, const char *value, struct err *e)
{
	if (o < cli_global_options || o >= cli_global_options + ARRAY_SIZE(cli_global_options))
		return 0;
	switch (o->id) {
	case OPT_DIR:
		return settle_dir(cli, value, e) < 0 ? -e->code : 1;
	case OPT_OUTPUT:
		return take_output(cli, value, e) < 0 ? -e->code : 1;
	case OPT_INSECURE:
		return take_insecure(cli, value, e) < 0 ? -e->code : 1;
	case OPT_QUIET:
		cli->quiet = true;
		return 1;
	case OPT_VERSION:
		print_version(cli);
	default:
		print_help(cli);
	}
}

struct opt_walk cli_walk(struct cli *cli, int argc, char **argv)
{
	const struct opt *const *own = cli->verb ? cli->verb->options : NULL;
	size_t n = 0;

	while (own && own[n])
		n++;
	const struct opt **tables = arena_alloc(cli->arena, (n + 2) * sizeof(*tables));

	for (size_t i = 0; i < n; i++)
		tables[i] = own[i];
	tables[n] = cli_global_options;
	return (struct opt_walk){.argc = argc, .argv = argv, .at = 1, .tables = tables};
}

int cli_next(struct cli *cli, struct opt_walk *w, const struct opt **ret_opt, const char **ret_value, struct err *e)
{
	for (;;) {
		int r = opt_next(w, ret_opt, ret_value, e);

		if (r <= 0)
			return r;
		r = cli_take_global(cli, *ret_opt, *ret_value, e);
		if (r <= 0)
			return r < 0 ? r : 1;
	}
}

static int check_output_form(const struct cli *cli, struct err *e)
{
	const struct verb *v = cli->verb;

	if (!cli->output_given || v->passes_output || v->lists)
		return 0;
	if (v->documents && cli->output != CLI_NAME && cli->output != CLI_WIDE)
		return 0;
	err_new(e, ERR_USAGE, "%s has no output form %s", cli_verb_path(cli), cli_output_names[cli->output]);
	err_because(e, v->documents ? "it prints one thing, not a list" : "it prints nothing of its own");
	return err_try(e, "%s%s", cli_verb_path(cli), v->documents ? " -o json" : "");
}

int cli_parse(struct cli *cli, int argc, char **argv, cli_take_fn *take, void *context, char ***ret_words, int *ret_n,
	      struct err *e)
{
	struct opt_walk w = cli_walk(cli, argc, argv);
	char **words = arena_alloc(cli->arena, ((size_t)argc + 1) * sizeof(*words));
	const struct opt *o;
	const char *value;
	int n = 0, r;

	for (;;) {
		r = cli_next(cli, &w, &o, &value, e);
		if (r < 0 || (r > 0 && take(context, o, value, e) < 0))
			return -e->code;
		if (r > 0)
			continue;
		if (w.at >= argc)
			break;
		words[n++] = argv[w.at++];
	}
	*ret_words = words;
	*ret_n = n;
	return check_output_form(cli, e);
}

int cli_check_words(const struct cli *cli, int n, int min, int max, struct err *e)
{
	const char *path = cli_verb_path(cli);

	if (n >= min && (max < 0 || n <= max))
		return 0;
	err_new(e, ERR_USAGE, n < min ? "%s needs more words" : "%s takes fewer words", path);
	err_because(e, "%d were given", n);
	return err_try(e, "%s %s", path, cli->verb->usage);
}
