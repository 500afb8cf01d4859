/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a command line by option tables: exact long names, clustered letters, values in both forms. */
#include "base/opt.h"

#include <string.h>

#include "base/str.h"

#define NAMES_MAX 256

static const struct opt *find_long(const struct opt *const *tables, const char *name, size_t len)
{
	for (; *tables; tables++) {
		for (const struct opt *o = *tables; o->name; o++) {
			if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
				return o;
		}
	}
	return NULL;
}

static const struct opt *find_letter(const struct opt *const *tables, char letter)
{
	for (; *tables; tables++) {
		for (const struct opt *o = *tables; o->name; o++) {
			if (o->letter == letter)
				return o;
		}
	}
	return NULL;
}

static int unknown_long(const struct opt_walk *w, const char *name, size_t len, struct err *e)
{
	const char *names[NAMES_MAX + 1];
	char word[80];
	size_t n = 0;

	for (const struct opt *const *t = w->tables; *t; t++) {
		for (const struct opt *o = *t; o->name && n < NAMES_MAX; o++)
			names[n++] = o->name;
	}
	names[n] = NULL;
	err_new(e, ERR_USAGE, "no such option: --%.*s", (int)(len < 200 ? len : 200), name);
	err_because(e, "no option here has this name");
	if (len >= sizeof(word))
		return -ERR_USAGE;
	memcpy(word, name, len);
	word[len] = 0;
	const char *nearest = str_nearest(word, names);

	return nearest ? err_try(e, "--%s", nearest) : -ERR_USAGE;
}

static int missing_value(const struct opt *o, struct err *e)
{
	err_new(e, ERR_USAGE, "--%s needs a value", o->name);
	err_because(e, "nothing follows it");
	return err_try(e, "--%s %s", o->name, o->arg);
}

/* The value of an option that takes one and stood at the end of its word. */
static int take_value(struct opt_walk *w, const struct opt *o, const char **ret_value, struct err *e)
{
	if (w->at >= w->argc)
		return missing_value(o, e);
	*ret_value = w->argv[w->at++];
	return 1;
}

static int next_long(struct opt_walk *w, const struct opt **ret_opt, const char **ret_value, struct err *e)
{
	const char *name = w->argv[w->at] + 2;
	size_t len = strcspn(name, "=");
	const struct opt *o = find_long(w->tables, name, len);

	if (!o)
		return unknown_long(w, name, len, e);
	if (name[len] == '=' && !o->arg) {
		err_new(e, ERR_USAGE, "--%s takes no value", o->name);
		err_because(e, "one stands behind '='");
		return err_try(e, "--%s", o->name);
	}
	w->at++;
	*ret_opt = o;
	*ret_value = name[len] == '=' ? name + len + 1 : NULL;
	return o->arg && !*ret_value ? take_value(w, o, ret_value, e) : 1;
}

static int next_letter(struct opt_walk *w, const struct opt **ret_opt, const char **ret_value, struct err *e)
{
	const char *word = w->argv[w->at];
	int place = w->cluster ? w->cluster : 1;
	const struct opt *o = find_letter(w->tables, word[place]);
	const char *rest = word + place + 1;

	if (!o) {
		err_new(e, ERR_USAGE, "no such option: -%c", word[place]);
		return err_because(e, word[2] ? "it stands in %.100s" : "no option here has this letter", word);
	}
	*ret_opt = o;
	*ret_value = NULL;
	w->cluster = !o->arg && *rest ? place + 1 : 0;
	if (w->cluster)
		return 1;
	w->at++;
	if (!o->arg)
		return 1;
	if (!*rest)
		return take_value(w, o, ret_value, e);
	*ret_value = *rest == '=' ? rest + 1 : rest;
	return 1;
}

int opt_next(struct opt_walk *w, const struct opt **ret_opt, const char **ret_value, struct err *e)
{
	const char *word = w->at < w->argc ? w->argv[w->at] : NULL;

	if (w->cluster)
		return next_letter(w, ret_opt, ret_value, e);
	/* "-" is a file name, "---" parts two apps: words, both. */
	if (w->ended || !word || word[0] != '-' || !word[1] || strcmp(word, "---") == 0)
		return 0;
	if (word[1] != '-')
		return next_letter(w, ret_opt, ret_value, e);
	if (word[2])
		return next_long(w, ret_opt, ret_value, e);
	w->at++;
	w->ended = true;
	return 0;
}
