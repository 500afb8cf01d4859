/* SPDX-License-Identifier: Apache-2.0 */
/* rocket help: --help of any verb; with --man its man page, which the build writes into files. */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/help.h"
#include "cli/verbs.h"

enum { OPT_MAN = 1, OPT_WITH, OPT_LIST, OPT_PAGE };

#define MORE_MAX (1U << 20)

static const struct opt options[] = {
	{"man", 0, NULL, "print the man page instead, as roff", OPT_MAN, NULL},
	{"with", 0, "FILE", "with --man: put this roff text behind the synopsis", OPT_WITH, "file"},
	{"page", 0, "NAME", "the verb by the name of its page: rocket-image-list", OPT_PAGE, NULL},
	{"list", 0, NULL, "print the name of every man page, one a line", OPT_LIST, NULL},
	{},
};

struct asked {
	bool man, list;
	const char *with, *page;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	if (o->id == OPT_MAN)
		asked->man = true;
	else if (o->id == OPT_LIST)
		asked->list = true;
	else if (o->id == OPT_PAGE)
		asked->page = value;
	else
		asked->with = value;
	return 0;
}

static int print_list(const struct cli *cli)
{
	autostr out = {};

	str_add(&out, "rocket\n");
	for (const struct verb *const *v = cli_verbs; *v; v++) {
		str_addf(&out, "rocket-%s\n", (*v)->name);
		for (const struct verb *const *s = (*v)->verbs; s && *s; s++)
			str_addf(&out, "rocket-%s-%s\n", (*v)->name, (*s)->name);
	}
	return cli_print(cli, out.text, out.len);
}

/* The verb that help is asked for takes the place of this one in `about`. */
static int find_subject(struct cli *about, char **words, int n, struct err *e)
{
	int used;

	about->verb = NULL;
	about->parent = NULL;
	if (n == 0)
		return 0;
	const struct verb *v = n == 1 ? verb_find(cli_verbs, words[0]) : NULL;

	if (v) { /* "help image" is about image itself */
		about->verb = v;
		return 0;
	}
	return verb_resolve(n, words, &about->verb, &about->parent, &used, e);
}

/* "rocket-run-prepared" is a verb, "rocket-image-list" one below another. */
static int find_page(struct cli *about, const char *page, struct err *e)
{
	about->verb = NULL;
	about->parent = NULL;
	if (strcmp(page, "rocket") == 0)
		return 0;
	for (const struct verb *const *v = cli_verbs; *v && !about->verb; v++) {
		if (strcmp(arena_printf(about->arena, "rocket-%s", (*v)->name), page) == 0)
			about->verb = *v;
		for (const struct verb *const *s = (*v)->verbs; s && *s && !about->verb; s++) {
			if (strcmp(arena_printf(about->arena, "rocket-%s-%s", (*v)->name, (*s)->name), page) != 0)
				continue;
			about->parent = *v;
			about->verb = *s;
		}
	}
	if (about->verb)
		return 0;
	err_new(e, ERR_NOT_FOUND, "there is no page %.100s", page);
	err_because(e, "no verb has that name");
	return err_try(e, "rocket help --list");
}

static int print_man(const struct cli *cli, const struct cli *about, const char *with, struct err *e)
{
	autofree char *more = NULL;
	autostr out = {};
	size_t len;

	if (with && io_read_file(AT_FDCWD, with, MORE_MAX, &more, &len, e) < 0)
		return cli_fail(cli, e);
	help_add_man(&out, about, more ? more : "");
	return cli_print(cli, out.text, out.len);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	autostr out = {};
	struct cli about = *cli;
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 2, &e) < 0 ||
	    (asked.page ? find_page(&about, asked.page, &e) : find_subject(&about, words, n, &e)) < 0)
		return cli_fail(cli, &e);
	if (asked.list)
		return print_list(cli);
	if (asked.man)
		return print_man(cli, &about, asked.with, &e);
	help_add(&out, &about);
	return cli_print(cli, out.text, out.len);
}

const struct verb cli_verb_help = {
	.name = "help",
	.summary = "print help about Rocket or one verb",
	.usage = "[--man] [VERB [VERB]]",
	.words = (const char *const[]){"verb", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.exits = "4: no such page",
	.example = "rocket help run\nrocket help image list",
	.run = run,
};
