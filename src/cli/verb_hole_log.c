/* SPDX-License-Identifier: Apache-2.0 */
/* rocket hole log, suggest: what hit the walls of running pods, and the holes that would have let it through. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/verb_hole.h"
#include "cli/verbs.h"

/* A line of the supervisor's (control.h, hole-log). */
struct entry {
	const char *app, *program, *pid, *to, *port, *protocol, *count, *first, *last, *hole, *name;
};

struct entries {
	LIST(struct entry) v;
	LIST(const char *) blind; /* what can't be seen */
};

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0;
}

static bool split(char *line, struct entry *ret)
{
	const char **fields[] = { &ret->app, &ret->program, &ret->pid, &ret->to, &ret->port, &ret->protocol, &ret->count,
				  &ret->first, &ret->last, &ret->hole, &ret->name };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = strsep(&line, "\t");
		if (!*fields[i])
			return false;
	}
	return true;
}

static int ask(struct cli *cli, const struct state *s, const struct pod_look *p, struct entries *ret, struct err *e)
{
	struct control_request request = { .verb = arena_strdup(cli->arena, "hole-log") };
	struct control_reply reply;
	autoclose int sock = -1;
	char *rest, *line;
	struct entry entry;

	if (p->dir.phase != POD_RUNNING) {
		err_new(e, ERR_STATE, "%s does not run: its record went with it", p->word);
		err_because(e, "what hits a wall is counted in the kernel while the pod runs");
		return err_try(e, "rocket run --learn …   (leaves the list of holes when the pod ends)");
	}
	if (control_connect(s, &p->dir, &sock, e) < 0 ||
	    control_call(sock, cli->arena, &request, &reply, NULL, NULL, e) < 0)
		return -e->code;
	rest = reply.text;
	while (rest && (line = strsep(&rest, "\n")))
		if (*line == '!')
			*list_add(cli->arena, &ret->blind) = line + 1;
		else if (*line && split(line, &entry) && (!p->app || str_equal(entry.app, p->app)))
			*list_add(cli->arena, &ret->v) = entry;
	return 0;
}

/* ---- log ---- */

struct listing {
	struct table table;
	struct emit emit;
	bool document;
};

static const char *time_of(struct cli *cli, const char *ns)
{
	autostr text = {};

	unit_add_timestamp(&text, strtoll(ns, NULL, 10));
	return arena_strdup(cli->arena, str_text(&text));
}

static void add_row(struct cli *cli, struct table *t, const struct pod_look *p, const struct entry *n)
{
	const char *to = *n->name && !str_equal(n->name, n->to) ? arena_printf(t->arena, "%s (%s)", n->name, n->to) : n->to;

	table_add(t, n->app);
	table_add(t, n->program);
	table_add(t, str_equal(n->port, "0") ? to : arena_printf(t->arena, "%s port %s/%s", to, n->port, n->protocol));
	table_add(t, n->count);
	table_add(t, time_of(cli, n->last));
	table_add(t, arena_printf(t->arena, "rocket hole add %s %s", p->plan.name, n->hole));
	table_add(t, n->pid);
	table_add(t, time_of(cli, n->first));
}

static void emit_entry(struct emit *m, const struct pod_look *p, const struct entry *n)
{
	emit_open_map(m, NULL);
	emit_str(m, "pod", p->plan.name);
	emit_str(m, "app", n->app);
	emit_str(m, "program", n->program);
	emit_int(m, "pid", strtoll(n->pid, NULL, 10));
	emit_str(m, "to", n->to);
	emit_str(m, "name", *n->name ? n->name : NULL);
	emit_int(m, "port", strtoll(n->port, NULL, 10));
	emit_str(m, "protocol", n->protocol);
	emit_u64(m, "count", strtoull(n->count, NULL, 10));
	emit_time(m, "first", strtoll(n->first, NULL, 10));
	emit_time(m, "last", strtoll(n->last, NULL, 10));
	emit_str(m, "hole", n->hole);
	emit_close(m);
}

static int log_pod(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	struct listing *l = context;
	struct entries entries = {};
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0 || ask(cli, s, &p, &entries, e) < 0)
		return -e->code;
	for (size_t i = 0; i < entries.blind.n; i++)
		cli_say(cli, "%s: %s", p.plan.name, entries.blind.v[i]);
	for (size_t i = 0; i < entries.v.n; i++)
		if (l->document)
			emit_entry(&l->emit, &p, &entries.v.v[i]);
		else
			add_row(cli, &l->table, &p, &entries.v.v[i]);
	return 0;
}

static const struct column columns[] = {
	{ .title = "APP" },
	{ .title = "PROGRAM" },
	{ .title = "TRIED TO REACH" },
	{ .title = "TIMES", .right = true },
	{ .title = "LAST" },
	{ .title = "WHAT OPENS IT" },
	{ .title = "PID", .right = true, .wide = true },
	{ .title = "FIRST", .wide = true },
};

static int run_log(struct cli *cli, int argc, char **argv)
{
	struct listing l = { .table = { .columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena } };
	struct err e = {};
	char **words;
	int n, code;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	l.emit = emit_new(cli);
	l.document = cli->output == CLI_JSON || cli->output == CLI_YAML;
	if (l.document)
		emit_open_list(&l.emit, NULL);
	code = pod_look_each(cli, words, log_pod, &l);
	if (l.document)
		emit_close(&l.emit);
	if (code == 0)
		code = l.document ? emit_print(&l.emit, cli) : table_print(&l.table, cli);
	emit_free(&l.emit);
	return code;
}

/* ---- suggest ---- */

static bool is_first(const struct entries *all, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_equal(all->v.v[k].hole, all->v.v[i].hole))
			return false;
	return true;
}

/* A name alone was asked for; which port it was for nobody knows. */
static bool is_whole(const struct entry *n)
{
	return !str_has_suffix(n->hole, ":PORT");
}

static void suggest_text(struct str *out, const struct pod_look *p, const struct entries *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->v.n; i++)
		if (is_first(all, i) && is_whole(&all->v.v[i]))
			str_addf(out, "%s--hole '%s'", n++ ? " " : "", all->v.v[i].hole);
	str_add(out, n ? "\n\nholes:\n" : "");
	for (size_t i = 0; i < all->v.n; i++)
		if (is_first(all, i) && is_whole(&all->v.v[i]))
			str_addf(out, "  - '%s'\n", all->v.v[i].hole);
	for (size_t i = 0; i < all->v.n; i++)
		if (is_first(all, i) && !is_whole(&all->v.v[i]))
			str_addf(out, "# %s asked for %s; which port it wanted is not known: %s\n", all->v.v[i].app,
				 str_equal(all->v.v[i].to, "names") ? "a name" : all->v.v[i].to, all->v.v[i].hole);
	if (!out->len)
		str_addf(out, "# nothing hit the wall of %s\n", p->plan.name);
}

static int suggest_pod(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	struct entries all = {};
	autolook p = POD_LOOK_NONE;
	autostr text = {};
	autoemit m = emit_new(cli);

	if (pod_look_open(cli, s, word, &p, e) < 0 || ask(cli, s, &p, &all, e) < 0)
		return -e->code;
	for (size_t i = 0; i < all.blind.n; i++)
		cli_say(cli, "%s: %s", p.plan.name, all.blind.v[i]);
	if (cli->output != CLI_JSON && cli->output != CLI_YAML) {
		suggest_text(&text, &p, &all);
		return cli_print(cli, str_text(&text), text.len) == 0 ? 0 : err_new(e, ERR_FAILED, "can't print");
	}
	emit_open_map(&m, NULL);
	emit_open_list(&m, "holes");
	for (size_t i = 0; i < all.v.n; i++)
		if (is_first(&all, i) && is_whole(&all.v.v[i]))
			emit_str(&m, NULL, all.v.v[i].hole);
	emit_close(&m);
	emit_close(&m);
	return emit_print(&m, cli) == 0 ? 0 : err_new(e, ERR_FAILED, "can't print");
}

static int run_suggest(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each(cli, words, suggest_pod, NULL);
}

const struct verb cli_verb_hole_log = {
	.name = "log",
	.summary = "what hit the wall of a running pod, and the command that opens it",
	.usage = "POD[/APP]…",
	.words = (const char *const[]){ "app", NULL },
	.example = "rocket hole log shop\nrocket hole log shop/web -o json | jq -r '.[].hole'",
	.json = "pod: name\napp: whose process it was\nprogram: its name, from the kernel\npid: on the host, of the last one\n"
		"to: address; names where a name was asked for and none is answered\nname: what the pod's resolver was asked for, "
		"or null\nport: 0 where only a name was asked for\nprotocol: tcp, udp, icmp, name\ncount: how often\n"
		"first: time\nlast: time\nhole: what would let it through",
	.exits = "3: the pod does not run\n4: no such pod or app",
	.lists = true,
	.run = run_log,
};

const struct verb cli_verb_hole_suggest = {
	.name = "suggest",
	.summary = "the holes that would have let through what hit the wall",
	.usage = "POD[/APP]",
	.words = (const char *const[]){ "app", NULL },
	.example = "rocket hole suggest shop\nrocket hole suggest shop -o yaml >>pod.yaml",
	.json = "holes: a list, each in its short form",
	.exits = "3: the pod does not run\n4: no such pod or app",
	.lists = true,
	.run = run_suggest,
};
