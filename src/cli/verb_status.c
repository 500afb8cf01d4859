/* SPDX-License-Identifier: Apache-2.0 */
/* rocket status: one pod and its apps, what they do and what became of them. */
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/pod_show.h"
#include "cli/verbs.h"
#include "supervise/ledger.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* An app that has no status yet, of a prepared pod, waits. */
static const struct app_status *status_of(const struct pod_look *p, const char *app)
{
	static const struct app_status waiting = {.exit_code = -1};
	const struct app_status *s = pod_look_app_status(p, app);

	return s ? s : &waiting;
}

static void add_age(struct str *out, const char *before, int64_t when_ns)
{
	if (!when_ns)
		return;
	str_add(out, before);
	unit_add_age(out, io_now_ns() - when_ns);
	str_add(out, " ago");
}

static void add_head(struct str *out, struct arena *a, const struct pod_look *p)
{
	str_addf(out, "pod       %s\nid        %s\nstate     %s", p->plan.name, p->dir.id, pod_show_state(a, p));
	if (p->dir.phase == POD_RUNNING)
		add_age(out, ", started ", p->status.started_ns);
	if (p->dir.phase == POD_EXITED)
		add_age(out, ", ended ", p->status.finished_ns);
	str_add(out, "\ncreated   ");
	unit_add_timestamp(out, p->plan.created_ns);
	str_addf(out, "\nhost name %s\n", p->plan.hostname);
	if (p->dir.phase == POD_RUNNING)
		str_addf(out, "supervisor pid %lld\n", (long long)p->status.supervisor_pid);
	for (char **l = p->plan.labels; l && *l; l++) {
		str_add(out, "label     ");
		str_add_visible(out, *l);
		str_add_char(out, '\n');
	}
}

static void add_apps(struct str *out, struct cli *cli, const struct pod_look *p)
{
	static const struct column columns[] = {
		{.title = "APP"}, {.title = "STATE"},                   {.title = "PID", .right = true},
		{.title = "RESTARTS", .right = true}, {.title = "DISTANCE"}, {.title = "IMAGE"},
	};
	struct cli plain = {.output = CLI_TABLE};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena};

	for (size_t i = 0; i < p->plan.apps.n; i++) {
		const struct plan_app *app = &p->plan.apps.v[i];
		const struct app_status *s = status_of(p, app->name);

		if (p->app && strcmp(p->app, app->name) != 0)
			continue;
		table_add(&t, app->name);
		table_add(&t, pod_show_app_state(cli->arena, s));
		table_add(&t, s->pid ? arena_printf(cli->arena, "%lld", (long long)s->pid) : NULL);
		table_addf(&t, "%u", s->restarts);
		table_add(&t, distance_names[app->distance]);
		table_add(&t, app->image);
	}
	str_add_char(out, '\n');
	table_format(&t, &plain, out);
}

static void add_notes(struct str *out, const struct pod_look *p)
{
	for (size_t i = 0; i < p->status.apps.n; i++) {
		const struct app_status *s = &p->status.apps.v[i];

		if (s->error) {
			str_addf(out, "\n%s: ", s->name);
			str_add_visible(out, s->error);
			str_add_char(out, '\n');
		}
		if (s->log_dropped)
			str_addf(out, "\n%s: %llu lines of its log were lost to a full disk\n", s->name,
				 (unsigned long long)s->log_dropped);
	}
}

static void add_holes(struct str *out, const struct pod_look *p)
{
	bool any = false;

	for (size_t i = 0; i < p->plan.holes.n; i++) {
		if (!ledger_is_open(&p->plan.holes.v[i]))
			continue;
		if (!any)
			str_add_char(out, '\n');
		any = true;
		ledger_add_line(out, &p->plan, &p->plan.holes.v[i], &p->status);
	}
}

static void emit_app(struct emit *m, const struct plan_app *app, const struct app_status *s)
{
	emit_open_map(m, NULL);
	emit_str(m, "name", app->name);
	emit_str(m, "state", app_state_names[s->state]);
	emit_bool(m, "ready", s->ready);
	if (s->pid)
		emit_int(m, "pid", s->pid);
	else
		emit_null(m, "pid");
	if (s->exit_code >= 0)
		emit_int(m, "exit_code", s->exit_code);
	else
		emit_null(m, "exit_code");
	emit_int(m, "exit_signal", s->exit_signal);
	emit_bool(m, "oom_killed", s->oom_killed);
	emit_str(m, "error", s->error);
	emit_time(m, "started", s->started_ns);
	emit_time(m, "finished", s->finished_ns);
	emit_u64(m, "restarts", s->restarts);
	emit_u64(m, "log_dropped", s->log_dropped);
	emit_str(m, "image", app->image);
	emit_str(m, "image_digest", app->image_digest);
	emit_str(m, "distance", distance_names[app->distance]);
	emit_strv(m, "argv", app->argv);
	emit_u64(m, "uid", app->uid);
	emit_u64(m, "gid", app->gid);
	emit_pairs(m, "labels", app->labels);
	emit_close(m);
}

static void emit_hole(struct emit *m, const struct pod_look *p, const struct hole *h)
{
	autostr from = {}, to = {};

	ledger_add_from(&from, h, &p->status);
	ledger_add_to(&to, &p->plan, h);
	emit_open_map(m, NULL);
	emit_str(m, "hole", h->text);
	emit_str(m, "app", h->app);
	emit_str(m, "from", str_text(&from));
	emit_str(m, "to", str_text(&to));
	emit_str(m, "reach", ledger_reach(h));
	emit_str(m, "why", h->why);
	emit_str(m, "origin", h->origin);
	emit_close(m);
}

static void emit_rest(struct emit *m, const struct pod_look *p)
{
	if (p->dir.phase == POD_RUNNING)
		emit_int(m, "supervisor_pid", p->status.supervisor_pid);
	else
		emit_null(m, "supervisor_pid");
	emit_str(m, "hostname", p->plan.hostname);
	emit_str(m, "distance", distance_names[p->plan.distance]);
	emit_str(m, "exit", p->plan.exit);
	emit_u64(m, "id_base", p->plan.ids.base);
	emit_u64(m, "id_count", p->plan.ids.count);
	emit_str(m, "cgroup", p->plan.cgroup);
	emit_open_list(m, "apps");
	for (size_t i = 0; i < p->plan.apps.n; i++) {
		if (!p->app || strcmp(p->app, p->plan.apps.v[i].name) == 0)
			emit_app(m, &p->plan.apps.v[i], status_of(p, p->plan.apps.v[i].name));
	}
	emit_close(m);
	emit_open_list(m, "holes");
	for (size_t i = 0; i < p->plan.holes.n; i++) {
		if (ledger_is_open(&p->plan.holes.v[i]))
			emit_hole(m, p, &p->plan.holes.v[i]);
	}
	emit_close(m);
	emit_open_list(m, "volumes");
	for (size_t i = 0; i < p->plan.volumes.n; i++)
		emit_str(m, NULL, p->plan.volumes.v[i].name);
	emit_close(m);
}

static int print(struct cli *cli, const struct pod_look *p)
{
	autoemit m = emit_new(cli);

	if (cli->output == CLI_JSON || cli->output == CLI_YAML) {
		emit_open_map(&m, NULL);
		pod_show_emit_head(&m, p);
		emit_rest(&m, p);
		emit_close(&m);
		return emit_print(&m, cli);
	}
	add_head(&m.out, cli->arena, p);
	add_apps(&m.out, cli, p);
	add_notes(&m.out, p);
	add_holes(&m.out, p);
	return cli_print(cli, m.out.text, m.out.len);
}

static int run(struct cli *cli, int argc, char **argv)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    pod_look_state(cli, &s, &e) < 0 || pod_look_open(cli, &s, words[0], &p, &e) < 0)
		return cli_fail(cli, &e);
	return print(cli, &p);
}

const struct verb cli_verb_status = {
	.name = "status",
	.summary = "show a pod, its apps and its holes",
	.usage = "POD[/APP]",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket status shop\nrocket status shop -o json | jq '.apps[].exit_code'",
	.json = POD_SHOW_HEAD_JSON
		"\nsupervisor_pid: process of the pod's supervisor, null when it does not run\n"
		"hostname: inside the pod\ndistance: joined, close or apart\nexit: when the pod is over: all, first, or an app\n"
		"id_base: first host id of its range\nid_count: how many; 0 without a user namespace\ncgroup: its group\n"
		"apps: list of name, state, ready, pid, exit_code, exit_signal, oom_killed, error, started, finished, restarts, "
		"log_dropped, image, image_digest, distance, argv, uid, gid, labels\n"
		"holes: list of hole, app, from, to, reach, why, origin\nvolumes: names",
	.exits = "4: no such pod or app",
	.documents = true,
	.run = run,
};
