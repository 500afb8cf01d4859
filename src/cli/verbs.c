/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs and of the names that lead to them. */
#include "cli/verbs.h"

#include <string.h>

#include "base/str.h"

#define NAMES_MAX 256

const struct verb *const cli_verbs[] = {
	&cli_verb_app,
	&cli_verb_apply,
	&cli_verb_attach,
	&cli_verb_build,
	&cli_verb_completion,
	&cli_verb_config,
	&cli_verb_convert,
	&cli_verb_cp,
	&cli_verb_debug,
	&cli_verb_df,
	&cli_verb_diff,
	&cli_verb_doctor,
	&cli_verb_enter,
	&cli_verb_events,
	&cli_verb_export,
	&cli_verb_fetch,
	&cli_verb_gc,
	&cli_verb_help,
	&cli_verb_hole,
	&cli_verb_image,
	&cli_verb_kill,
	&cli_verb_link,
	&cli_verb_list,
	&cli_verb_login,
	&cli_verb_logout,
	&cli_verb_logs,
	&cli_verb_manifest,
	&cli_verb_pause,
	&cli_verb_plan,
	&cli_verb_prepare,
	&cli_verb_push,
	&cli_verb_restart,
	&cli_verb_rm,
	&cli_verb_run,
	&cli_verb_run_prepared,
	&cli_verb_start,
	&cli_verb_stats,
	&cli_verb_status,
	&cli_verb_stop,
	&cli_verb_top,
	&cli_verb_trust,
	&cli_verb_unpause,
	&cli_verb_version,
	&cli_verb_volume,
	&cli_verb_wait,
	NULL,
};

const struct verb_alias cli_aliases[] = {
	{"exec", "enter", NULL},     {"images", "image", "list"},  {"inspect", "status", NULL},
	{"load", "image", "import"}, {"processes", "top", NULL},   {"prune", "gc", NULL},
	{"ps", "list", NULL},        {"pull", "fetch", NULL},      {"rmi", "image", "rm"},
	{"save", "image", "export"}, {"sign", "image", "sign"},    {"tag", "image", "tag"},
	{},
};

/* Verbs that Rocket is to have and this version has not: refused by name, not as unknown. */
static const char *const later[] = {
	"map", "shelf", "slim", "split", "try", "watch", NULL,
};

const struct verb *verb_find(const struct verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++) {
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	}
	return NULL;
}

static const struct verb_alias *find_alias(const char *word)
{
	for (const struct verb_alias *a = cli_aliases; a->word; a++) {
		/* An alias of a verb that this build lacks is no verb either. */
		if (strcmp(a->word, word) == 0 && verb_find(cli_verbs, a->verb))
			return a;
	}
	return NULL;
}

static int unknown_verb(const struct verb *parent, const char *word, struct err *e)
{
	const struct verb *const *verbs = parent ? parent->verbs : cli_verbs;
	const char *names[NAMES_MAX + 1];
	size_t n = 0;

	for (; *verbs && n < NAMES_MAX; verbs++)
		names[n++] = (*verbs)->name;
	for (const struct verb_alias *a = cli_aliases; !parent && a->word && n < NAMES_MAX; a++) {
		if (verb_find(cli_verbs, a->verb))
			names[n++] = a->word;
	}
	names[n] = NULL;
	const char *nearest = str_nearest(word, names), *space = parent ? " " : "";
	const char *above = parent ? parent->name : "", *planned = parent ? NULL : str_nearest(word, later);

	if (planned && strcmp(planned, word) == 0) {
		err_new(e, ERR_USAGE, "rocket %s is not built yet", word);
		err_because(e, "it comes in a later version than " ROCKET_VERSION);
		return err_try(e, "rocket help   (what there is)");
	}

	err_new(e, ERR_USAGE, "there is no verb %s%s%.80s", above, space, word);
	err_because(e, "rocket %s%shas no such verb in this version", above, space);
	return nearest ? err_try(e, "rocket %s%s%s", above, space, nearest)
		       : err_try(e, "rocket help%s%s", space, above);
}

static int resolve_sub(const struct verb *parent, const char *word, const struct verb **ret, struct err *e)
{
	if (!word || word[0] == '-') {
		err_new(e, ERR_USAGE, "rocket %s needs to know what to do", parent->name);
		err_because(e, "its own verb comes behind it");
		return err_try(e, "rocket help %s", parent->name);
	}
	const struct verb *v = verb_find(parent->verbs, word);

	if (!v)
		return unknown_verb(parent, word, e);
	*ret = v;
	return 0;
}

int verb_resolve(int argc, char **argv, const struct verb **ret_verb, const struct verb **ret_parent, int *ret_words,
		 struct err *e)
{
	const struct verb_alias *alias = find_alias(argv[0]);
	const struct verb *v = verb_find(cli_verbs, alias ? alias->verb : argv[0]), *parent = NULL;
	bool names_sub = v && v->verbs && !v->run && !(alias && alias->sub);

	if (!v)
		return unknown_verb(NULL, argv[0], e);
	if (v->verbs && (names_sub || (alias && alias->sub))) {
		const char *word = names_sub ? (argc > 1 ? argv[1] : NULL) : alias->sub;

		parent = v;
		if (resolve_sub(parent, word, &v, e) < 0)
			return -e->code;
	}
	*ret_verb = v;
	*ret_parent = parent;
	*ret_words = names_sub ? 2 : 1;
	return 0;
}
