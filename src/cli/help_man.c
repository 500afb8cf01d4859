/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages, roff with the man macros (man(7)), from the verb tables and a hand-written part. */
#include <string.h>

#include "base/utf8.h"
#include "cli/help.h"
#include "cli/verbs.h"

/* One character for roff: backslashes escaped, hyphens that stay hyphens for who copies, no bytes beyond ASCII. */
static size_t add_roff_char(struct str *out, const char *text)
{
	uint32_t cp = 0;
	size_t n = utf8_step(text, 4, &cp);

	if (n > 1)
		str_addf(out, "\\[u%04X]", cp);
	else if (*text == '\\')
		str_add(out, "\\e");
	else if (*text == '-')
		str_add(out, "\\-");
	else
		str_add_char(out, *text);
	return n ? n : 1;
}

static void add_roff(struct str *out, const char *text)
{
	bool line_start = out->len == 0 || out->text[out->len - 1] == '\n';

	while (*text) {
		if (line_start && (*text == '.' || *text == '\''))
			str_add(out, "\\&");
		line_start = *text == '\n';
		text += add_roff_char(out, text);
	}
}

static void add_section(struct str *out, const char *title)
{
	str_addf(out, ".SH %s\n", title);
}

static void add_option(struct str *out, const struct opt *o)
{
	str_add(out, ".TP\n");
	if (o->letter)
		str_addf(out, "\\fB\\-%c\\fR, ", o->letter);
	str_add(out, "\\fB\\-\\-");
	add_roff(out, o->name);
	str_add(out, "\\fR");
	if (o->arg) {
		str_add(out, " \\fI");
		add_roff(out, o->arg);
		str_add(out, "\\fR");
	}
	str_add_char(out, '\n');
	add_roff(out, o->help);
	str_add(out, ".\n");
}

static void add_table(struct str *out, const struct opt *table)
{
	for (; table->name; table++)
		add_option(out, table);
}

/* "term: meaning" lines as a list. */
static void add_terms(struct str *out, const char *lines)
{
	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");
		autostr line = {};

		str_add_bytes(&line, lines, len);
		char *colon = strstr(line.text, ": ");

		if (colon)
			*colon = 0;
		str_add(out, ".TP\n\\fB");
		add_roff(out, line.text);
		str_add(out, "\\fR\n");
		add_roff(out, colon ? colon + 2 : "");
		str_add_char(out, '\n');
		lines += len + (lines[len] != 0);
	}
}

static void add_verb_list(struct str *out, const struct verb *const *verbs)
{
	for (; *verbs; verbs++) {
		str_add(out, ".TP\n\\fB");
		add_roff(out, (*verbs)->name);
		str_add(out, "\\fR\n");
		add_roff(out, (*verbs)->summary);
		str_add(out, ".\n");
	}
}

static void add_example(struct str *out, const char *example)
{
	if (!example)
		return;
	add_section(out, "EXAMPLE");
	str_add(out, ".nf\n");
	add_roff(out, example);
	str_add(out, "\n.fi\n");
}

/* "rocket image list" -> "rocket-image-list", the page's name. */
static void add_page_name(struct str *out, const char *path)
{
	for (; *path; path++)
		str_add_char(out, *path == ' ' ? '-' : *path);
}

static void add_head(struct str *out, const struct cli *cli, const char *summary, const char *usage)
{
	str_add(out, ".TH ");
	add_page_name(out, cli_verb_path(cli));
	str_add(out, " 1 \"\" \"Rocket " ROCKET_VERSION "\" \"Rocket\"\n.SH NAME\n");
	add_page_name(out, cli_verb_path(cli));
	str_add(out, " \\- ");
	add_roff(out, summary);
	str_add(out, "\n.SH SYNOPSIS\n\\fB");
	add_roff(out, cli_verb_path(cli));
	str_add(out, "\\fR ");
	add_roff(out, usage);
	str_add_char(out, '\n');
}

static void add_exits(struct str *out, const char *exits)
{
	add_section(out, "EXIT STATUS");
	add_terms(out, "0: done, also what was so already\n1: failed\n2: wrong usage");
	add_terms(out, exits);
}

static void add_rocket(struct str *out, const struct cli *cli, const char *more)
{
	add_head(out, cli, "pods of several apps, each from its own image, behind one boundary",
		 "[OPTION…] VERB …");
	str_add(out, more);
	add_section(out, "VERBS");
	add_verb_list(out, cli_verbs);
	add_section(out, "OPTIONS");
	str_add(out, "They stand before or after the verb.\n");
	add_table(out, cli_global_options);
}

static void add_verb_sections(struct str *out, const struct verb *v)
{
	if (v->verbs) {
		add_section(out, "VERBS");
		add_verb_list(out, v->verbs);
	}
	if (v->options)
		add_section(out, "OPTIONS");
	for (size_t i = 0; v->options && v->options[i]; i++) {
		if (v->titles)
			str_addf(out, ".SS %s\n", v->titles[i]);
		add_table(out, v->options[i]);
	}
	if (v->json) {
		add_section(out, "OUTPUT");
		str_add(out, "Fields of \\fB\\-o json\\fR and \\fB\\-o yaml\\fR:\n");
		add_terms(out, v->json);
	}
	add_exits(out, v->exits);
	add_example(out, v->example);
}

void help_add_man(struct str *out, const struct cli *cli, const char *more)
{
	const struct verb *v = cli->verb;

	if (!v) {
		add_rocket(out, cli, more);
		return;
	}
	add_head(out, cli, v->summary, v->usage ? v->usage : "");
	str_add(out, more);
	add_verb_sections(out, v);
	add_section(out, "SEE ALSO");
	str_add(out, "\\fBrocket\\fR(1), for the global options\n");
}
