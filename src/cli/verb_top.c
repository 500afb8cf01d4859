/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket top: the processes of a pod, app by app. They are read from the host's own /proc; no program of the
 * image runs for it, and what a process calls itself is printed with its control characters made visible.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_group.h"
#include "cli/verbs.h"

#define PROC_FILE_MAX 65536
#define COMMAND_MAX 4096

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

struct process {
	const char *app, *command, *state;
	int64_t pid;            /* the host's */
	uint64_t inner_pid;     /* the app's own */
	uint64_t uid;           /* inside the pod */
	bool uid_known;
	uint64_t rss_bytes, cpu_ns;
};

struct processes {
	LIST(struct process) list;
};

/* The text behind "KEY:" and blanks in /proc/PID/status, up to the end of its line; NULL without it. */
static char *status_value(struct arena *a, const char *status, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = status; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		if (strncmp(line, key, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " \t");
		return arena_strndup(a, line, strcspn(line, "\n"));
	}
	return NULL;
}

static uint64_t first_number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t last_number(const char *text)
{
	const char *blank = text ? strrchr(text, '\t') : NULL;

	return first_number(blank ? blank + 1 : text);
}

/* utime and stime stand behind the name in brackets, which may hold anything (proc_pid_stat(5)). */
static uint64_t cpu_time(const char *stat)
{
	const char *p = strrchr(stat, ')');
	unsigned long long user = 0, system = 0;

	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
		return 0;
	return (user + system) * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The words with blanks between; a kernel-like empty command line gives the name in brackets. */
static const char *command_line(struct arena *a, char *text, size_t len, const char *name)
{
	while (len && text[len - 1] == 0)
		len--;
	if (len == 0)
		return arena_printf(a, "[%s]", name ? name : "?");
	len = len < COMMAND_MAX ? len : COMMAND_MAX;
	for (size_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
	return arena_strndup(a, text, len);
}

static int read_proc(struct arena *a, int64_t pid, const struct plan_ids *ids, struct process *ret)
{
	autoclose int dir = open(arena_printf(a, "/proc/%lld", (long long)pid), O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *status = NULL;
	autofree char *stat = NULL;
	autofree char *command = NULL;
	struct err gone = {};
	size_t n, command_len;

	if (dir < 0 || io_read_file(dir, "status", PROC_FILE_MAX, &status, &n, &gone) < 0 ||
	    io_read_file(dir, "stat", PROC_FILE_MAX, &stat, &n, &gone) < 0 ||
	    io_read_file(dir, "cmdline", 4U << 20, &command, &command_len, &gone) < 0)
		return -1; /* it has just ended */
	uint64_t uid = first_number(status_value(a, status, "Uid"));

	*ret = (struct process){
		.pid = pid,
		.state = status_value(a, status, "State"),
		.inner_pid = last_number(status_value(a, status, "NSpid")),
		.uid_known = !ids->count || (uid >= ids->base && uid - ids->base < ids->count),
		.uid = uid - (ids->count ? ids->base : 0),
		.rss_bytes = first_number(status_value(a, status, "VmRSS")) * 1024,
		.cpu_ns = cpu_time(stat),
		.command = command_line(a, command, command_len, status_value(a, status, "Name")),
	};
	return 0;
}

static int add_app(struct cli *cli, const struct pod_look *p, const char *app, struct processes *out, struct err *e)
{
	autofree int64_t *pids = NULL;
	struct pod_group g;
	struct err ended = {};
	size_t n = 0;

	if (pod_group_open(p, app, &g, &ended) < 0)
		return 0; /* it waits for its restart, or is over */
	int r = cgroup_read_pids(&g.host, &g.group, &pids, &n, e);

	pod_group_close(&g);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct process process;

		if (read_proc(cli->arena, pids[i], &p->plan.ids, &process) < 0)
			continue;
		process.app = app;
		*list_add(cli->arena, &out->list) = process;
	}
	return r;
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

		if ((!p->app || strcmp(p->app, app) == 0) && add_app(cli, p, app, out, e) < 0)
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
