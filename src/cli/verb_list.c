/* SPDX-License-Identifier: Apache-2.0 */
/* rocket list: the pods that there are, one a line. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/pod_show.h"
#include "cli/verbs.h"
#include "supervise/ledger.h"

enum { OPT_PHASE = 1, OPT_LABEL };

static const struct opt options[] = {
	{"phase", 0, "PHASE", "only pods that are prepared, running or exited", OPT_PHASE, "prepared|running|exited"},
	{"label", 'l', "K[=V]", "only pods with this label", OPT_LABEL, NULL},
	{},
};

struct asked {
	const char *phase;
	const char *label;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	if (o->id == OPT_LABEL) {
		asked->label = value;
		return 0;
	}
	for (int i = POD_PREPARED; i <= POD_EXITED; i++) {
		if (strcmp(pod_phase_names[i], value) == 0) {
			asked->phase = value;
			return 0;
		}
	}
	err_new(e, ERR_USAGE, "%.60s is no phase of a pod", value);
	err_because(e, "it is prepared, running or exited");
	return err_try(e, "rocket list --phase running");
}

/* "K" or "K=V" among "K=V" entries. */
static bool has_label(char *const *labels, const char *wanted)
{
	size_t n = strlen(wanted);
	bool with_value = strchr(wanted, '=');

	for (; labels && *labels; labels++) {
		if (with_value ? strcmp(*labels, wanted) == 0 : strncmp(*labels, wanted, n) == 0 && (*labels)[n] == '=')
			return true;
	}
	return false;
}

static bool is_asked(const struct asked *asked, const struct pod_look *p)
{
	if (asked->phase && strcmp(pod_phase_names[p->dir.phase], asked->phase) != 0)
		return false;
	return !asked->label || has_label(p->plan.labels, asked->label);
}

static const char *app_names(struct arena *a, const struct plan *plan)
{
	autostr names = {};

	for (size_t i = 0; i < plan->apps.n; i++)
		str_addf(&names, "%s%s", i ? "," : "", plan->apps.v[i].name);
	return arena_strdup(a, str_text(&names));
}

static const char *image_names(struct arena *a, const struct plan *plan)
{
	autostr names = {};

	for (size_t i = 0; i < plan->apps.n; i++)
		str_addf(&names, "%s%s", i ? "," : "", plan->apps.v[i].image ? plan->apps.v[i].image : "-");
	return arena_strdup(a, str_text(&names));
}

/* "8080->80", the ports that the pod's in: holes open. */
static const char *port_list(struct arena *a, const struct pod_look *p)
{
	autostr text = {};

	for (size_t i = 0; i < p->plan.holes.n; i++) {
		const struct hole *h = &p->plan.holes.v[i];

		if (h->kind != HOLE_IN || !ledger_is_open(h))
			continue;
		str_add(&text, text.len ? "," : "");
		ledger_add_from(&text, h, &p->status);
	}
	return arena_strdup(a, str_text(&text));
}

static void add_row(struct table *t, const struct pod_look *p)
{
	autostr age = {};

	unit_add_age(&age, io_now_ns() - p->plan.created_ns);
	table_add(t, p->plan.name);
	table_addf(t, "%.12s", p->dir.id);
	table_add(t, pod_show_state(t->arena, p));
	table_add(t, app_names(t->arena, &p->plan));
	table_add(t, port_list(t->arena, p));
	table_add(t, str_text(&age));
	table_add(t, image_names(t->arena, &p->plan));
	table_add(t, p->dir.id);
}

static void emit_pod(struct emit *m, const struct pod_look *p)
{
	emit_open_map(m, NULL);
	pod_show_emit_head(m, p);
	emit_open_list(m, "apps");
	for (size_t i = 0; i < p->plan.apps.n; i++)
		emit_str(m, NULL, p->plan.apps.v[i].name);
	emit_close(m);
	emit_open_list(m, "images");
	for (size_t i = 0; i < p->plan.apps.n; i++)
		emit_str(m, NULL, p->plan.apps.v[i].image);
	emit_close(m);
	emit_close(m);
}

static const struct column columns[] = {
	{.title = "NAME"},  {.title = "ID"},  {.title = "STATE"}, {.title = "APPS"},
	{.title = "PORTS"}, {.title = "AGE"}, {.title = "IMAGES", .wide = true}, {.title = "FULL ID", .wide = true},
};

struct listing {
	struct table table;
	struct emit emit;
	bool document;
};

struct pods {
	LIST(struct pod_look) list; /* their folders closed */
};

static int by_age(const void *a, const void *b)
{
	int64_t x = ((const struct pod_look *)a)->plan.created_ns, y = ((const struct pod_look *)b)->plan.created_ns;

	return x < y ? -1 : x > y;
}

static int find_pods(struct cli *cli, const struct asked *asked, struct pods *pods, struct err *e)
{
	autostate s = {-1, -1};
	struct pod_entry *entries;
	size_t n;

	if (pod_look_state(cli, &s, e) < 0 || state_list_pods(&s, cli->arena, &entries, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		autolook p = POD_LOOK_NONE;
		struct err gone = {};

		/* Between the list and here a pod may go. */
		if (pod_look_open(cli, &s, entries[i].id, &p, &gone) < 0 || !is_asked(asked, &p))
			continue;
		pod_look_close(&p);
		*list_add(cli->arena, &pods->list) = p;
	}
	if (pods->list.n)
		qsort(pods->list.v, pods->list.n, sizeof(*pods->list.v), by_age);
	return 0;
}

static void add_pod(const struct cli *cli, struct listing *l, const struct pod_look *p)
{
	if (l->document)
		emit_pod(&l->emit, p);
	else if (cli->quiet)
		str_addf(&l->emit.out, "%s\n", p->dir.id);
	else
		add_row(&l->table, p);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct listing l = {.table = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena}};
	struct asked asked = {};
	struct pods pods = {};
	struct err e = {};
	char **words;
	int n, code;

	l.emit = emit_new(cli);
	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0 ||
	    find_pods(cli, &asked, &pods, &e) < 0)
		return cli_fail(cli, &e);
	l.document = cli->output == CLI_JSON || cli->output == CLI_YAML;
	if (l.document)
		emit_open_list(&l.emit, NULL);
	for (size_t i = 0; i < pods.list.n; i++)
		add_pod(cli, &l, &pods.list.v[i]);
	if (l.document)
		emit_close(&l.emit);
	if (l.document)
		code = emit_print(&l.emit, cli);
	else
		code = cli->quiet ? cli_print(cli, str_text(&l.emit.out), l.emit.out.len) : table_print(&l.table, cli);
	emit_free(&l.emit);
	return code;
}

const struct verb cli_verb_list = {
	.name = "list",
	.summary = "list the pods, oldest first: prepared, running and exited",
	.usage = "[--phase PHASE] [--label K[=V]]",
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket list\nrocket list -q --phase exited\nrocket list -o json",
	.json = POD_SHOW_HEAD_JSON "\napps: names of its apps\nimages: their images, as they were asked for",
	.lists = true,
	.run = run,
};
