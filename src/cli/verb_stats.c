/* SPDX-License-Identifier: Apache-2.0 */
/* rocket stats: what running apps use now, from their control groups. Two looks, half a second apart, give the CPUs. */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_group.h"
#include "cli/pod_process.h"
#include "cli/verbs.h"

enum { OPT_FOLLOW = 1, OPT_EVERY };

static const struct opt options[] = {
	{"follow", 'f', NULL, "print again and again, until interrupted", OPT_FOLLOW, NULL},
	{"every", 0, "TIME", "between two looks (500ms; with -f 2s)", OPT_EVERY, NULL},
	{},
};

struct asked {
	bool follow;
	int64_t every_ns;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	if (o->id == OPT_FOLLOW) {
		asked->follow = true;
		return 0;
	}
	if (unit_parse_time(value, &asked->every_ns) == 0 && asked->every_ns >= 1000000)
		return 0;
	err_new(e, ERR_USAGE, "--every must be a time of at least 1ms");
	err_because(e, "it is %.60s", value);
	return err_try(e, "rocket stats --every 1s");
}

struct sample {
	const char *pod, *id, *app;
	struct cgroup_usage usage;
	int64_t at_ns;
	uint32_t cpu_milli; /* thousandths of a CPU since the look before */
};

struct samples {
	LIST(struct sample) list;
};

/*
 * A version 1 host gives an app only the groups that its limits need. What the others would say is added up
 * from its processes then; memory that they share is counted at each.
 */
static void fill_from_processes(struct arena *a, const struct pod_look *p, const char *app, struct cgroup_usage *u)
{
	struct processes all = {};
	struct err ended = {};

	if ((u->has_memory && u->has_cpu && u->has_pids) || pod_process_list(a, p, app, &all, &ended) < 0)
		return;
	for (size_t i = 0; i < all.list.n; i++) {
		u->memory_bytes += u->has_memory ? 0 : all.list.v[i].rss_bytes;
		u->cpu_ns += u->has_cpu ? 0 : all.list.v[i].cpu_ns;
	}
	u->pids = u->has_pids ? u->pids : all.list.n;
	u->has_memory = u->has_cpu = u->has_pids = true;
}

static void look_at_app(struct arena *a, const struct pod_look *p, const char *app, struct samples *s)
{
	struct pod_group g;
	struct err ended = {};

	/* An app that waits for its restart has no group. */
	if (pod_group_open(p, app, &g, &ended) < 0 || !pod_look_app_status(p, app)->pid)
		return;
	struct sample *new = list_add(a, &s->list);

	*new = (struct sample){.pod = p->plan.name, .id = arena_strdup(a, p->dir.id), .app = app};
	cgroup_read_usage(&g.host, &g.group, &new->usage);
	pod_group_close(&g);
	fill_from_processes(a, p, app, &new->usage);
	new->at_ns = io_monotonic_ns();
}

static int look_at_pod(struct cli *cli, const struct state *s, const char *word, bool must_run, struct samples *out,
		       struct err *e)
{
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return must_run ? -e->code : 0;
	if (p.dir.phase != POD_RUNNING && must_run) {
		err_new(e, ERR_STATE, "the pod %s does not run", p.word);
		err_because(e, "it is %s", pod_phase_names[p.dir.phase]);
		return err_try(e, "rocket start %s", p.word);
	}
	for (size_t i = 0; p.dir.phase == POD_RUNNING && i < p.plan.apps.n; i++) {
		if (!p.app || strcmp(p.app, p.plan.apps.v[i].name) == 0)
			look_at_app(cli->arena, &p, p.plan.apps.v[i].name, out);
	}
	return 0;
}

/* The pods that were named, or all that run. */
static int look(struct cli *cli, const struct state *s, char **words, struct samples *out, struct err *e)
{
	struct pod_entry *pods;
	size_t n;

	for (char **w = words; *w; w++) {
		if (look_at_pod(cli, s, *w, true, out, e) < 0)
			return -e->code;
	}
	if (*words)
		return 0;
	if (state_list_pods(s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		struct err gone = {};

		(void)!look_at_pod(cli, s, pods[i].id, false, out, &gone);
	}
	return 0;
}

static void compare(const struct samples *before, struct samples *now)
{
	for (size_t i = 0; i < now->list.n; i++) {
		struct sample *new = &now->list.v[i];

		for (size_t j = 0; j < before->list.n; j++) {
			const struct sample *old = &before->list.v[j];
			int64_t passed = new->at_ns - old->at_ns;

			if (strcmp(old->id, new->id) || strcmp(old->app, new->app) || passed <= 0 ||
			    new->usage.cpu_ns < old->usage.cpu_ns)
				continue;
			new->cpu_milli = (uint32_t)((new->usage.cpu_ns - old->usage.cpu_ns) * 1000 / (uint64_t)passed);
		}
	}
}

static void add_size(struct table *t, bool known, uint64_t bytes)
{
	autostr text = {};

	if (known)
		unit_add_size(&text, bytes);
	table_add(t, str_text(&text));
}

static void add_row(struct table *t, const struct sample *s)
{
	const struct cgroup_usage *u = &s->usage;

	table_addf(t, "%s/%s", s->pod, s->app);
	table_add(t, u->has_cpu ? arena_printf(t->arena, "%u.%u%%", s->cpu_milli / 10, s->cpu_milli % 10) : NULL);
	add_size(t, u->has_memory, u->memory_bytes);
	add_size(t, u->has_memory && u->memory_limit_bytes, u->memory_limit_bytes);
	table_add(t, u->has_pids ? arena_printf(t->arena, "%llu", (unsigned long long)u->pids) : NULL);
	add_size(t, u->has_io, u->io_read_bytes);
	add_size(t, u->has_io, u->io_write_bytes);
	add_size(t, u->memory_peak_bytes, u->memory_peak_bytes);
}

static void emit_number(struct emit *m, const char *key, bool known, uint64_t value)
{
	if (known)
		emit_u64(m, key, value);
	else
		emit_null(m, key);
}

static void emit_sample(struct emit *m, const struct sample *s)
{
	const struct cgroup_usage *u = &s->usage;

	emit_open_map(m, NULL);
	emit_str(m, "pod", s->pod);
	emit_str(m, "id", s->id);
	emit_str(m, "app", s->app);
	emit_number(m, "cpu_milli", u->has_cpu, s->cpu_milli);
	emit_number(m, "cpu_ns", u->has_cpu, u->cpu_ns);
	emit_number(m, "memory_bytes", u->has_memory, u->memory_bytes);
	emit_number(m, "memory_peak_bytes", u->memory_peak_bytes, u->memory_peak_bytes);
	emit_number(m, "memory_limit_bytes", u->has_memory && u->memory_limit_bytes, u->memory_limit_bytes);
	emit_number(m, "pids", u->has_pids, u->pids);
	emit_number(m, "io_read_bytes", u->has_io, u->io_read_bytes);
	emit_number(m, "io_write_bytes", u->has_io, u->io_write_bytes);
	emit_close(m);
}

static int print(struct cli *cli, struct arena *a, const struct samples *s, bool compact)
{
	static const struct column columns[] = {
		{.title = "APP"},
		{.title = "CPU", .right = true},
		{.title = "MEMORY", .right = true},
		{.title = "LIMIT", .right = true},
		{.title = "PIDS", .right = true},
		{.title = "READ", .right = true},
		{.title = "WRITTEN", .right = true},
		{.title = "PEAK", .right = true, .wide = true},
	};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = a};
	autoemit m = emit_new(cli);
	bool document = cli->output == CLI_JSON || cli->output == CLI_YAML;

	m.compact = compact;
	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < s->list.n; i++) {
		if (document)
			emit_sample(&m, &s->list.v[i]);
		else
			add_row(&t, &s->list.v[i]);
	}
	if (document)
		emit_close(&m);
	return document ? emit_print(&m, cli) : table_print(&t, cli);
}

static void pause_for(int64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

/* One look after another; each keeps what it found in an arena of its own. */
static int watch(struct cli *cli, const struct state *s, const struct asked *asked, char **words, struct err *e)
{
	struct arena *keep = cli->arena;
	struct arena arenas[2] = {};
	struct samples before = {};
	int code = 0;

	for (unsigned round = 0; code == 0; round++) {
		struct samples now = {};

		cli->arena = &arenas[round % 2];
		arena_free(cli->arena);
		if (look(cli, s, words, &now, e) < 0) {
			code = -e->code;
			break;
		}
		compare(&before, &now);
		if (round > 0)
			code = print(cli, cli->arena, &now, asked->follow);
		if (round > 0 && !asked->follow)
			break;
		before = now;
		pause_for(asked->every_ns);
	}
	cli->arena = keep;
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	autostate s = {-1, -1};
	struct err e = {};
	char **words;
	int n, r;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || pod_look_state(cli, &s, &e) < 0)
		return cli_fail(cli, &e);
	if (!asked.every_ns)
		asked.every_ns = asked.follow ? 2000000000 : 500000000;
	r = watch(cli, &s, &asked, words, &e);
	return r < 0 ? cli_fail(cli, &e) : r;
}

const struct verb cli_verb_stats = {
	.name = "stats",
	.summary = "show what running apps use: CPUs, memory, processes, input and output",
	.usage = "[-f] [--every TIME] [POD[/APP]…]",
	.words = (const char *const[]){"app", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket stats\nrocket stats -f shop -o json",
	.json = "pod: its name\nid: of the pod\napp: its name\ncpu_milli: thousandths of a CPU, now\n"
		"cpu_ns: CPU time since its start\nmemory_bytes: now\nmemory_peak_bytes: at most so far, null where it is not counted\n"
		"memory_limit_bytes: null without one\npids: processes and threads\nio_read_bytes: from disks\n"
		"io_write_bytes: to disks; a number is null where the host does not count it",
	.exits = "3: the pod does not run\n4: no such pod or app",
	.lists = true,
	.run = run,
};
