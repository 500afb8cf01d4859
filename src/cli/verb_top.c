/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket top: the processes of a pod, app by app. They are read from the host's own /proc; no program of the
 * image runs for it, and what a process calls itself is printed with its control characters made visible.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_process.h"
#include "cli/verbs.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static int collect(struct cli *cli, const struct pod_look *p, struct processes *out, struct err *e)
{
	if (p->dir.phase != POD_RUNNING) {
		err_new(e, ERR_STATE, "the pod %s does not run", p->word);
		err_because(e, "it is %s", pod_phase_names[p->dir.phase]);
		return err_try(e, "rocket start %s", p->word);
	}
	for (size_t i = 0; i < p->plan.apps.n; i++) {
		const char *app = p->plan.apps.v[i].name;

		if ((!p->app || strcmp(p->app, app) == 0) && pod_process_list(cli->arena, p, app, out, e) < 0)
			return -e->code;
	}
	return 0;
}

static void add_row(struct table *t, const struct process *p)
{
	autostr rss = {}, cpu = {};

	unit_add_size(&rss, p->rss_bytes);
	unit_add_time(&cpu, p->cpu_ns / 10000000 * 10000000);
	table_add(t, p->app);
	table_addf(t, "%lld", (long long)p->pid);
	table_addf(t, "%llu", (unsigned long long)p->inner_pid);
	table_add(t, p->uid_known ? arena_printf(t->arena, "%llu", (unsigned long long)p->uid) : "?");
	table_addf(t, "%.1s", p->state ? p->state : "?");
	table_add(t, str_text(&cpu));
	table_add(t, str_text(&rss));
	table_add(t, p->command);
}

static void emit_process(struct emit *m, const struct process *p)
{
	emit_open_map(m, NULL);
	emit_str(m, "app", p->app);
	emit_int(m, "pid", p->pid);
	emit_u64(m, "inner_pid", p->inner_pid);
	if (p->uid_known)
		emit_u64(m, "uid", p->uid);
	else
		emit_null(m, "uid");
	emit_str(m, "state", p->state);
	emit_u64(m, "cpu_ns", p->cpu_ns);
	emit_u64(m, "rss_bytes", p->rss_bytes);
	emit_str(m, "command", p->command);
	emit_close(m);
}

static int print(struct cli *cli, const struct processes *all)
{
	static const struct column columns[] = {
		{.title = "APP"},   {.title = "PID", .right = true}, {.title = "INSIDE", .right = true},
		{.title = "UID", .right = true}, {.title = "S"}, {.title = "CPU", .right = true},
		{.title = "MEMORY", .right = true}, {.title = "COMMAND"},
	};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena};
	autoemit m = emit_new(cli);
	bool document = cli->output == CLI_JSON || cli->output == CLI_YAML;

	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < all->list.n; i++) {
		if (document)
			emit_process(&m, &all->list.v[i]);
		else
			add_row(&t, &all->list.v[i]);
	}
	if (document)
		emit_close(&m);
	return document ? emit_print(&m, cli) : table_print(&t, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	struct processes all = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    pod_look_state(cli, &s, &e) < 0 || pod_look_open(cli, &s, words[0], &p, &e) < 0 ||
	    collect(cli, &p, &all, &e) < 0)
		return cli_fail(cli, &e);
	return print(cli, &all);
}

const struct verb cli_verb_top = {
	.name = "top",
	.summary = "list the processes of a pod or an app",
	.usage = "POD[/APP]",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket top shop\nrocket top shop/web -o json",
	.json = "app: whose process it is\npid: on the host\ninner_pid: as the app sees it\nuid: inside the pod, null when unmapped\n"
		"state: as in /proc/PID/status\ncpu_ns: CPU time so far\nrss_bytes: memory in use\ncommand: its command line",
	.exits = "3: the pod does not run\n4: no such pod or app",
	.lists = true,
	.run = run,
};
