/* SPDX-License-Identifier: Apache-2.0 */
/* rocket volume list, inspect, rm: named volumes. export and import are in verb_volume_copy.c. */
#include "base/cleanup.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/user_half.h"
#include "cli/verb_volume.h"
#include "cli/verbs.h"
#include "cli/volumes.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verbs have no options of their own */
}

static const char *join_names(struct arena *a, char *const *names)
{
	autostr text = {};

	for (; names && *names; names++)
		str_addf(&text, "%s%s", text.len ? "," : "", *names);
	return arena_strdup(a, str_text(&text));
}

static void emit_volume(struct emit *m, const struct state *s, const char *dir, const struct volume_entry *v)
{
	autostr path = {};
	struct err gone = {};
	uint64_t bytes;

	str_addf(&path, "%s/volumes/%s", dir, v->name);
	emit_open_map(m, NULL);
	emit_str(m, "name", v->name);
	emit_strv(m, "pods", v->pods);
	emit_bool(m, "in_use", v->running);
	emit_str(m, "path", path.text);
	if (volumes_measure(s, v->name, &bytes, &gone) == 0)
		emit_u64(m, "bytes", bytes);
	else
		emit_null(m, "bytes");
	emit_close(m);
}

static void add_row(struct table *t, const struct state *s, const struct volume_entry *v)
{
	autostr size = {};
	struct err gone = {};
	uint64_t bytes;

	if (volumes_measure(s, v->name, &bytes, &gone) == 0)
		unit_add_size(&size, bytes);
	table_add(t, v->name);
	table_add(t, str_text(&size));
	table_add(t, join_names(t->arena, v->pods));
}

static int print_volumes(struct cli *cli, const struct state *s, const struct volume_entry *v, size_t n)
{
	static const struct column columns[] = {{.title = "NAME"}, {.title = "SIZE", .right = true}, {.title = "PODS"}};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena};
	autoemit m = emit_new(cli);
	bool document = cli->output == CLI_JSON || cli->output == CLI_YAML;

	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < n; i++) {
		if (document)
			emit_volume(&m, s, cli->dir, &v[i]);
		else
			add_row(&t, s, &v[i]);
	}
	if (document)
		emit_close(&m);
	return document ? emit_print(&m, cli) : table_print(&t, cli);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	autostate s = {-1, -1};
	struct volumes v = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0 ||
	    pod_look_state(cli, &s, &e) < 0 || volumes_list(cli, &s, &v, &e) < 0)
		return cli_fail(cli, &e);
	return print_volumes(cli, &s, v.list.v, v.list.n);
}

static int run_inspect(struct cli *cli, int argc, char **argv)
{
	LIST(struct volume_entry) found = {};
	autostate s = {-1, -1};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0 ||
	    user_half_enter(cli, &e) < 0 || pod_look_state(cli, &s, &e) < 0)
		return cli_fail(cli, &e);
	for (; *words; words++) {
		if (volumes_find(cli, &s, *words, list_add(cli->arena, &found), &e) < 0)
			return cli_fail(cli, &e);
	}
	return print_volumes(cli, &s, found.v, found.n);
}

static int remove_volume(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	struct volume_entry v;

	if (volumes_find(cli, s, word, &v, e) < 0)
		return -e->code;
	if (v.pods) {
		err_new(e, ERR_BUSY, "the volume %s is used", v.name);
		err_because(e, "by the pods %s", join_names(cli->arena, v.pods));
		return err_try(e, "rocket rm %s", v.pods[0]);
	}
	return volumes_remove(s, v.name, e);
}

static int run_rm(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0 ||
	    user_half_enter(cli, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each(cli, words, remove_volume, NULL);
}

#define VOLUME_JSON                                                                                             \
	"name: of the volume\npods: names of the pods that mount it\nin_use: one of them runs\n"                \
	"path: its folder on the host\nbytes: on disk"

static const struct verb verb_list = {
	.name = "list",
	.summary = "list the named volumes and who uses them",
	.usage = "",
	.example = "rocket volume list",
	.json = VOLUME_JSON,
	.lists = true,
	.run = run_list,
};

static const struct verb verb_inspect = {
	.name = "inspect",
	.summary = "show volumes",
	.usage = "VOLUME…",
	.words = (const char *const[]){"volume", NULL},
	.example = "rocket volume inspect data -o json",
	.json = VOLUME_JSON,
	.exits = "4: no such volume",
	.lists = true,
	.run = run_inspect,
};

static const struct verb verb_rm = {
	.name = "rm",
	.summary = "remove volumes and all that is in them",
	.usage = "VOLUME…",
	.words = (const char *const[]){"volume", NULL},
	.example = "rocket volume rm data",
	.exits = "4: no such volume\n7: a pod uses it",
	.run = run_rm,
};

static const struct verb *const verbs[] = {
	&cli_verb_volume_export, &cli_verb_volume_import, &verb_inspect, &verb_list, &verb_rm, NULL,
};

const struct verb cli_verb_volume = {
	.name = "volume",
	.summary = "named volumes: list, inspect, remove, export, import",
	.usage = "VERB …",
	.verbs = verbs,
	.example = "rocket volume list\nrocket volume export data > data.tar",
};
