/* SPDX-License-Identifier: Apache-2.0 */
/* rocket link list: the declared channels between the apps of pods, and how each is carried. */
#include "cli/verb_link.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"

struct listing {
	struct table table;
	struct emit emit;
	bool document;
};

struct counts {
	bool known;
	uint64_t accepted, refused, living;
};

/* The supervisor's line about this link, if it has one (control.h, link-count). */
static struct counts counts_find(const char *lines, const char *link)
{
	struct counts n = {};
	size_t len = strlen(link);

	while (lines && *lines) {
		const char *end = strchr(lines, '\n');

		if (strncmp(lines, link, len) == 0 && lines[len] == '\t') {
			char *at;

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

/* What the relays say; NULL where there is nobody to ask. */
static const char *counts_ask(struct cli *cli, const struct state *s, const struct pod_look *p)
{
	struct control_request request = {.verb = arena_strdup(cli->arena, "link-count")};
	struct control_reply reply;
	struct err ignored = {};
	autoclose int sock = -1;

	if (p->dir.phase != POD_RUNNING || p->plan.links.n == 0 || control_connect(s, &p->dir, &sock, &ignored) < 0 ||
	    control_call(sock, cli->arena, &request, &reply, NULL, NULL, &ignored) < 0)
		return NULL;
	return reply.text;
}

/* Where FROM finds it: "127.77.0.2:5432, 127.0.0.1:5432", a path, a file to write to. */
static void add_where(struct str *out, const struct plan *p, const struct link *l)
{
	const struct plan_app *to = plan_find_app(p, l->to);
	bool apart = plan_circle(p, plan_find_app(p, l->from)) != plan_circle(p, to);
	struct in_addr address = {plan_address(p, to)};
	char text[INET_ADDRSTRLEN];

	if (l->port && apart)
		str_addf(out, "%s:%u", inet_ntop(AF_INET, &address, text, sizeof(text)), l->port);
	if (l->port && (!apart || l->loopback))
		str_addf(out, "%slocalhost:%u", apart ? ", " : "", l->port);
	if (l->kind == LINK_SIGNAL)
		str_addf(out, "/run/rocket/signal/%s", l->to);
	else if (l->path)
		str_add(out, l->path);
}

static void add_row(struct table *t, const struct pod_look *p, const struct link *l, const struct counts *n)
{
	autostr where = {};

	add_where(&where, &p->plan, l);
	table_add(t, l->text);
	table_add(t, p->plan.name);
	table_add(t, link_way_names[l->way]);
	table_add(t, str_text(&where));
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->living) : NULL);
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->accepted) : NULL);
	table_add(t, n->known ? arena_printf(t->arena, "%llu", (unsigned long long)n->refused) : NULL);
	table_add(t, l->origin);
}

static void emit_count(struct emit *m, const char *key, bool known, uint64_t value)
{
	if (known)
		emit_u64(m, key, value);
	else
		emit_null(m, key);
}

static void emit_link(struct emit *m, const struct pod_look *p, const struct link *l, const struct counts *n)
{
	autostr where = {};

	add_where(&where, &p->plan, l);
	emit_open_map(m, NULL);
	emit_str(m, "link", l->text);
	emit_str(m, "pod", p->plan.name);
	emit_str(m, "pod_id", p->dir.id);
	emit_str(m, "kind", link_kind_names[l->kind]);
	emit_str(m, "from", l->from);
	emit_str(m, "to", l->to);
	emit_str(m, "way", link_way_names[l->way]);
	emit_str(m, "where", str_text(&where));
	emit_str(m, "origin", l->origin);
	emit_count(m, "connections", n->known, n->living);
	emit_count(m, "accepted", n->known, n->accepted);
	emit_count(m, "refused", n->known, n->refused);
	emit_close(m);
}

static void add_pod(struct cli *cli, const struct state *s, struct listing *l, const struct pod_look *p)
{
	const char *lines = counts_ask(cli, s, p);

	for (size_t i = 0; i < p->plan.links.n; i++) {
		const struct link *link = &p->plan.links.v[i];
		struct counts n = link_is_open(link) ? counts_find(lines, link->text) : (struct counts){};

		if (!link_is_open(link) || (p->app && !str_equal(link->from, p->app) && !str_equal(link->to, p->app)))
			continue;
		if (l->document)
			emit_link(&l->emit, p, link, &n);
		else
			add_row(&l->table, p, link, &n);
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

/* Without a word: every pod that runs. */
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
	{.title = "LINK"},
	{.title = "POD"},
	{.title = "WAY"},
	{.title = "WHERE"},
	{.title = "CONNECTIONS", .right = true},
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
	.summary = "list what the apps of pods have declared with each other",
	.usage = "[POD[/APP]…]",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket link list\nrocket link list shop -o json | jq '.[].way'",
	.json = "link: as in the manifest\npod: name\npod_id: 32 hex digits\nkind: tcp, udp, unix, stdout, stderr, output, fifo, "
		"files, ipc, signal\nfrom: who begins\nto: who is asked\nway: shared (they stand close), relay, folder, pipe, "
		"volume, namespace, signals\nwhere: where FROM finds it\norigin: mounts for a volume that both mount, or null\n"
		"connections: living ones, null where nothing counts them\naccepted: so far\nrefused: so far",
	.exits = "4: no such pod or app",
	.lists = true,
	.run = run_list,
};

static const struct verb *const verbs[] = {&cli_verb_link_add, &verb_list, &cli_verb_link_rm, NULL};

const struct verb cli_verb_link = {
	.name = "link",
	.summary = "the declared channels between a pod's apps: list, add, remove",
	.usage = "VERB …",
	.verbs = verbs,
	.example = "rocket link list shop\nrocket link add shop web cache tcp 6379\nrocket link rm shop web cache tcp 6379",
};
