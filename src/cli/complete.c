/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the words before the cursor as the parser would, and says what the tables allow at it. */
#include "cli/complete.h"

#include <string.h>

#include "cli/settle.h"
#include "cli/verbs.h"

struct reading {
	struct cli *cli;
	const struct verb *verb, *parent;
	const struct opt *pending; /* an option whose value comes next */
	int words;                 /* of the verb's own, so far */
	bool ended;                /* "--" was met */
};

static const struct opt *find_in(const struct opt *table, const char *name, size_t len, char letter)
{
	for (const struct opt *o = table; o->name; o++) {
		if (name ? strlen(o->name) == len && memcmp(o->name, name, len) == 0 : o->letter == letter)
			return o;
	}
	return NULL;
}

static const struct opt *find_option(const struct verb *v, const char *name, size_t len, char letter)
{
	const struct opt *o = NULL;

	for (const struct opt *const *t = v ? v->options : NULL; t && *t && !o; t++)
		o = find_in(*t, name, len, letter);
	return o ? o : find_in(cli_global_options, name, len, letter);
}

/* "--name", "--name=value", "-n", "-nvalue", "-ab" */
static const struct opt *option_of(const struct verb *v, const char *word, const char **ret_value)
{
	*ret_value = NULL;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		if (word[2 + len] == '=')
			*ret_value = word + 2 + len + 1;
		return find_option(v, word + 2, len, 0);
	}
	for (const char *p = word + 1; *p; p++) {
		const struct opt *o = find_option(v, NULL, 0, *p);

		if (!o || o->arg) {
			*ret_value = p[1] ? p + 1 : NULL;
			return o;
		}
	}
	return NULL;
}

static int read_value(struct reading *r, const struct opt *o, const char *value, struct err *e)
{
	r->pending = NULL;
	if (o && find_in(cli_global_options, "dir", 3, 0) == o)
		return settle_dir(r->cli, value, e);
	return 0;
}

static int read_option(struct reading *r, const char *word, struct err *e)
{
	const char *value;
	const struct opt *o = option_of(r->verb, word, &value);

	if (strcmp(word, "--") == 0)
		r->ended = true;
	else if (o && o->arg && value)
		return read_value(r, o, value, e);
	else if (o && o->arg)
		r->pending = o;
	return 0;
}

static int read_plain(struct reading *r, char *word, struct err *e)
{
	int used;

	if (!r->verb)
		return verb_resolve(1, &word, &r->verb, &r->parent, &used, e) == 0 || (r->verb = verb_find(cli_verbs, word))
			       ? 0
			       : -e->code;
	if (r->verb->verbs && !r->parent && r->words == 0 && verb_find(r->verb->verbs, word)) {
		r->parent = r->verb;
		r->verb = verb_find(r->verb->verbs, word);
		return 0;
	}
	r->words++;
	return 0;
}

static int read_word(struct reading *r, char *word, struct err *e)
{
	if (r->pending)
		return read_value(r, r->pending, word, e);
	if (word[0] == '-' && word[1] && !r->ended)
		return read_option(r, word, e);
	return read_plain(r, word, e);
}

/* The kind of the verb's word number n; the last one repeats. */
static const char *word_kind(const struct verb *v, int n)
{
	const char *const *kinds = v->words;

	if (!kinds || !kinds[0])
		return NULL;
	while (n-- > 0 && kinds[1])
		kinds++;
	return *kinds;
}

int complete_find(struct cli *cli, int n, char **words, struct completion *ret, struct err *e)
{
	struct reading r = {.cli = cli};
	const char *current = n ? words[n - 1] : "", *value;

	for (int i = 0; i + 1 < n; i++) {
		if (read_word(&r, words[i], e) < 0)
			return -e->code;
	}
	*ret = (struct completion){.prefix = "", .verb = r.verb, .parent = r.parent};
	if (r.pending) {
		ret->kind = r.pending->complete;
		return 0;
	}
	if (current[0] == '-' && !r.ended) {
		const struct opt *o = option_of(r.verb, current, &value);

		ret->options = !o || !value || !o->arg;
		ret->kind = ret->options ? NULL : o->complete;
		ret->prefix = ret->options ? "" : arena_strndup(cli->arena, current, (size_t)(value - current));
		return 0;
	}
	ret->verbs = !r.verb || (r.verb->verbs && !r.parent && r.words == 0);
	if (r.verb && !ret->verbs)
		ret->kind = word_kind(r.verb, r.words);
	return 0;
}

static void add_table(struct str *out, const struct opt *o)
{
	for (; o->name; o++)
		str_addf(out, "--%s\t%s\n", o->name, o->help);
}

static void add_options(struct str *out, const struct completion *c)
{
	for (const struct opt *const *t = c->verb ? c->verb->options : NULL; t && *t; t++)
		add_table(out, *t);
	add_table(out, cli_global_options);
}

static void add_verbs(struct str *out, const struct completion *c)
{
	const struct verb *const *v = c->verb ? c->verb->verbs : cli_verbs;

	for (; *v; v++)
		str_addf(out, "%s\t%s\n", (*v)->name, (*v)->summary);
	for (const struct verb_alias *a = cli_aliases; !c->verb && a->word; a++) {
		if (verb_find(cli_verbs, a->verb))
			str_addf(out, "%s\trocket %s%s%s\n", a->word, a->verb, a->sub ? " " : "", a->sub ? a->sub : "");
	}
}

static void add_choices(struct str *out, const char *prefix, const char *choices)
{
	while (*choices) {
		size_t len = strcspn(choices, "|");

		str_addf(out, "%s%.*s\n", prefix, (int)len, choices);
		choices += len + (choices[len] == '|');
	}
}

bool complete_add(struct str *out, const struct completion *c)
{
	if (c->options) {
		add_options(out, c);
	} else if (c->verbs) {
		add_verbs(out, c);
	} else if (!c->kind) {
		return true;
	} else if (strcmp(c->kind, "verb") == 0) {
		add_verbs(out, &(struct completion){});
	} else if (strcmp(c->kind, "file") == 0 || strcmp(c->kind, "dir") == 0) {
		str_addf(out, ":%s\n", c->kind);
	} else if (strchr(c->kind, '|')) {
		add_choices(out, c->prefix, c->kind);
	} else {
		return false;
	}
	return true;
}
