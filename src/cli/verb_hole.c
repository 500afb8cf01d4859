/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket hole list: the ledger of what a pod's wall lets through, from its record and the changes since,
 * with what the running relay itself says of each network hole.
 */
#include "cli/verb_hole.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"
#include "supervise/ledger.h"

struct listing {
	struct table table;
	struct emit emit;
	bool document;
};

struct counts {
	bool known, gone;       /* gone: the kernel has no rules for it */
	uint64_t accepted, refused, living;
};

/* The supervisor's line about this hole, if it has one (control.h, hole-count). */
static struct counts counts_find(const char *lines, const char *hole)
{
	struct counts n = {};
	size_t len = strlen(hole);

	while (lines && *lines) {
		const char *end = strchr(lines, '\n');

		if (strncmp(lines, hole, len) == 0 && lines[len] == '\t') {
			char *at;

			n.gone = strncmp(lines + len, "\tgone", 5) == 0;
			if (n.gone)
				return n;
			n.accepted = strtoull(lines + len, &at, 10);
			n.refused = strtoull(at, &at, 10);
			n.living = strtoull(at, &at, 10);
			n.known = true;
			return n;
		}
		lines = end ? end + 1 : NULL;
	}
	return n;
}

/* What the relay says; NULL where there is nobody to ask. */
static const char *counts_ask(struct cli *cli, const struct state *s, const struct pod_look *p)
{
	struct control_request request = {.verb = arena_strdup(cli->arena, "hole-count")};
	struct control_reply reply;
	struct err ignored = {};
	autoclose int sock = -1;

	if (p->dir.phase != POD_RUNNING || control_connect(s, &p->dir, &sock, &ignored) < 0 ||
	    control_call(sock, cli->arena, &request, &reply, NULL, NULL, &ignored) < 0)
		return NULL;
	return reply.text;
}

static int64_t closes_ns(const struct pod_look *p, const struct hole *h)
{
	const struct live_hole *l = live_find(&p->status.live, h->text);

	return l && !l->closed ? l->until_ns : 0;
}

static void add_row(struct table *t, const struct pod_look *p, const struct hole *h, const struct counts *n)
{
	autostr from = {}, to = {}, left = {};

	ledger_add_from(&from, h, &p->status);
	ledger_add_to(&to, &p->plan, h);
	if (closes_ns(p, h))
		unit_add_time(&left, (closes_ns(p, h) - io_now_ns()) / 1000000000 * 1000000000);
	table_add(t, h->text);
	table_add(t, p->plan.name);
	table_add(t, str_text(&from));
	table_add(t, str_text(&to));
	table_add(t, n->gone ? "SHUT: the kernel has no rules for it" : ledger_reach(h));
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->living) : NULL);
	table_add(t, str_text(&left));
	table_add(t, h->why);
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->accepted) : NULL);
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->refused) : NULL);
	table_add(t, h->origin);
}

static void emit_count(struct emit *m, const char *key, bool known, uint64_t value)
{
	if (known)
		emit_u64(m, key, value);
	else
		emit_null(m, key);
}

static void emit_hole(struct emit *m, const struct pod_look *p, const struct hole *h, const struct counts *n)
{
	autostr from = {}, to = {};

	ledger_add_from(&from, h, &p->status);
	ledger_add_to(&to, &p->plan, h);
	emit_open_map(m, NULL);
	emit_str(m, "hole", h->text);
	emit_str(m, "pod", p->plan.name);
	emit_str(m, "pod_id", p->dir.id);
	emit_str(m, "kind", ledger_kind(h));
	emit_str(m, "app", h->app);
	emit_str(m, "from", str_text(&from));
	emit_str(m, "to", str_text(&to));
	emit_str(m, "reach", ledger_reach(h));
	emit_bool(m, "shut", n->gone);
	emit_time(m, "closes", closes_ns(p, h));
	emit_str(m, "why", h->why);
	emit_str(m, "origin", h->origin);
	emit_count(m, "connections", n->known, n->living);
	emit_count(m, "accepted", n->known, n->accepted);
	emit_count(m, "refused", n->known, n->refused);
	emit_close(m);
}

static void add_pod(struct cli *cli, const struct state *s, struct listing *l, const struct pod_look *p)
{
	const char *lines = counts_ask(cli, s, p);

	for (size_t i = 0; i < p->plan.holes.n; i++) {
		const struct hole *h = &p->plan.holes.v[i];
		struct counts n = ledger_is_open(h) ? counts_find(lines, h->text) : (struct counts){};

		if (!ledger_is_open(h) || (p->app && !hole_is_for(h, p->app)))
			continue;
		if (l->document)
			emit_hole(&l->emit, p, h, &n);
		else
			add_row(&l->table, p, h, &n);
	}
}

static int add_named(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return -e->code;
	add_pod(cli, s, context, &p);
	return 0;
}

/* Without a word: every pod that runs. One that ends meanwhile has no holes any more. */
static int add_running(struct cli *cli, struct listing *l, struct err *e)
{
	autostate s = {-1, -1};
	struct pod_entry *pods;
	size_t n;

	if (pod_look_state(cli, &s, e) < 0 || state_list_pods(&s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		autolook p = POD_LOOK_NONE;
		struct err ignored = {};

		if (pods[i].phase == POD_RUNNING && pod_look_open(cli, &s, pods[i].id, &p, &ignored) == 0)
			add_pod(cli, &s, l, &p);
	}
	return 0;
}

static const struct column columns[] = {
	{.title = "HOLE"},
	{.title = "POD"},
	{.title = "FROM"},
	{.title = "TO"},
	{.title = "REACH"},
	{.title = "CONNECTIONS", .right = true},
	{.title = "CLOSES IN"},
	{.title = "WHY"},
	{.title = "ACCEPTED", .right = true, .wide = true},
	{.title = "REFUSED", .right = true, .wide = true},
	{.title = "ORIGIN", .wide = true},
};

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct listing l = {
		.table = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena},
		.emit = emit_new(cli),
		.document = cli->output == CLI_JSON || cli->output == CLI_YAML,
	};
	struct err e = {};
	char **words;
	int n, code = 0;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0)
		return cli_fail(cli, &e);
	l.document = cli->output == CLI_JSON || cli->output == CLI_YAML;
	if (l.document)
		emit_open_list(&l.emit, NULL);
	if (n == 0 && add_running(cli, &l, &e) < 0)
		code = cli_fail(cli, &e);
	else if (n)
		code = pod_look_each(cli, words, add_named, &l);
	if (l.document)
		emit_close(&l.emit);
	if (code == 0)
		code = l.document ? emit_print(&l.emit, cli) : table_print(&l.table, cli);
	emit_free(&l.emit);
	return code;
}

static const struct verb verb_list = {
	.name = "list",
	.summary = "list what the walls of pods let through",
	.usage = "[POD[/APP]…]",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket hole list\nrocket hole list shop -o json | jq '.[].from'",
	.json = "hole: in its short form\npod: name\npod_id: 32 hex digits\nkind: in, out, path, dev, socket, cap, newprivs\n"
		"app: the one it is for, null for the pod\nfrom: what is opened\nto: where it leads\nreach: who gets through\nshut: the kernel has no rules for it any more\n"
		"closes: time at which it closes by itself, or null\nwhy: as its owner wrote it\norigin: the flag it came from\n"
		"connections: living ones, null where nothing counts them\naccepted: so far\nrefused: so far",
	.exits = "4: no such pod or app",
	.lists = true,
	.run = run_list,
};

static const struct verb *const verbs[] = {&cli_verb_hole_add, &verb_list, &cli_verb_hole_log, &cli_verb_hole_rm,
					   &cli_verb_hole_suggest, NULL};

const struct verb cli_verb_hole = {
	.name = "hole",
	.summary = "the openings in a pod's wall: list, open, close; what hit it",
	.usage = "VERB …",
	.verbs = verbs,
	.example = "rocket hole list shop\nrocket hole add shop in:8081:80@web\nrocket hole rm shop in:8081:80@web",
};
