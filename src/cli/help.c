/* SPDX-License-Identifier: Apache-2.0 */
/* --help as text. */
#include "cli/help.h"

#include <string.h>

#include "base/utf8.h"
#include "cli/verbs.h"

#define COLUMN 30

static void add_padding(struct str *out, size_t from)
{
	size_t used = utf8_width(out->text + from);

	if (used >= COLUMN) {
		str_add_char(out, '\n');
		used = 0;
	}
	for (; used < COLUMN; used++)
		str_add_char(out, ' ');
}

static void add_option(struct str *out, const struct opt *o)
{
	size_t from = out->len;

	if (o->letter)
		str_addf(out, "  -%c, --%s", o->letter, o->name);
	else
		str_addf(out, "      --%s", o->name);
	if (o->arg)
		str_addf(out, " %s", o->arg);
	str_add(out, " ");
	add_padding(out, from);
	str_addf(out, "%s\n", o->help);
}

static void add_options(struct str *out, const char *title, const struct opt *table)
{
	str_addf(out, "\n%s:\n", title);
	for (; table->name; table++)
		add_option(out, table);
}

static void add_verbs(struct str *out, const struct verb *const *verbs)
{
	for (; *verbs; verbs++) {
		size_t from = out->len;

		str_addf(out, "  %s ", (*verbs)->name);
		while (out->len - from < 16)
			str_add_char(out, ' ');
		str_addf(out, "%s\n", (*verbs)->summary);
	}
}

/* Each line of text behind two blanks. */
static void add_block(struct str *out, const char *title, const char *text)
{
	if (!text)
		return;
	str_addf(out, "\n%s:\n", title);
	while (*text) {
		size_t len = strcspn(text, "\n");

		str_add(out, "  ");
		str_add_bytes(out, text, len);
		str_add_char(out, '\n');
		text += len + (text[len] != 0);
	}
}

static void add_aliases(struct str *out, const struct cli *cli)
{
	const struct verb *top = cli->parent ? cli->parent : cli->verb;
	const char *sub = cli->parent ? cli->verb->name : NULL;
	bool any = false;

	for (const struct verb_alias *a = cli_aliases; a->word; a++) {
		if (strcmp(a->verb, top->name) != 0 || !str_equal(a->sub, sub))
			continue;
		str_addf(out, "%s rocket %s", any ? "," : "\nAlso:", a->word);
		any = true;
	}
	if (any)
		str_add_char(out, '\n');
}

static void add_verb(struct str *out, const struct cli *cli)
{
	const struct verb *v = cli->verb;

	str_addf(out, "usage: %s%s%s\n\n%s\n", cli_verb_path(cli), v->usage && *v->usage ? " " : "",
		 v->usage ? v->usage : "", v->summary);
	if (v->verbs) {
		str_add(out, "\nVerbs:\n");
		add_verbs(out, v->verbs);
	}
	for (size_t i = 0; v->options && v->options[i]; i++)
		add_options(out, v->titles ? v->titles[i] : i ? "More options" : "Options", v->options[i]);
	add_options(out, "Global options", cli_global_options);
	add_block(out, "Fields of -o json", v->json);
	add_block(out, "Exit codes beside 0 (done), 1 (failed) and 2 (usage)", v->exits);
	add_block(out, "Example", v->example);
	add_aliases(out, cli);
}

void help_add(struct str *out, const struct cli *cli)
{
	if (cli->verb) {
		add_verb(out, cli);
		return;
	}
	str_add(out, "usage: rocket [OPTION…] VERB …\n\nPods of several apps, each from its own image, behind one "
		     "boundary.\n\nVerbs:\n");
	add_verbs(out, cli_verbs);
	add_options(out, "Global options, before or after the verb", cli_global_options);
	str_add(out, "\nMore: rocket help VERB\n");
}
