/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket trust add, list, rm: who may sign what, and what is taken as it is. Keys are read by rocket-verify; list
 * and rm need no library but show the host's policy.json beside the rules of our own.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/libexec.h"
#include "cli/verbs.h"
#include "trust/policy.h"
#include "trust/rules.h"

/* ---- add ---- */

static const struct opt add_opts[] = {
	{"prefix", .id = 'p', .arg = "NAME", .help = "the names that it is trusted for: NAME and all below it", .complete = "image"},
	{"any", .id = 'a', .help = "instead of a key: everything below --prefix, signed or not"},
	{"digest", .id = 'd', .arg = "NAME[@DIGEST]", .help = "instead of a key: exactly this image", .complete = "image"},
	{"why", .id = 'w', .arg = "TEXT", .help = "a remark, shown by list"},
	{},
};

struct adding {
	struct arena *a;
	char **args;
};

static int take_add(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct adding *adding = context;

	arena_strv_add(adding->a, &adding->args, arena_printf(adding->a, "--%s", o->name));
	if (value)
		arena_strv_add(adding->a, &adding->args, value);
	return 0;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct adding adding = {.a = cli->arena};
	struct err e = {};
	char **words;
	int n;

	arena_strv_add(cli->arena, &adding.args, "add");
	if (cli_parse(cli, argc, argv, take_add, &adding, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 1, &e) < 0)
		return cli_fail(cli, &e);
	if (n) {
		arena_strv_add(cli->arena, &adding.args, "--");
		arena_strv_add(cli->arena, &adding.args, words[0]);
	}
	(void)!libexec_become(cli, "rocket-verify", adding.args, &e);
	return cli_fail(cli, &e);
}

/* ---- list ---- */

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static const char *const requirement_names[] = {
	[POLICY_ACCEPT] = "any",
	[POLICY_REJECT] = "reject",
	[POLICY_SIGNED_BY] = "key (openpgp)",
	[POLICY_SIGSTORE] = "key (sigstore)",
	[POLICY_UNSUPPORTED] = "unsupported",
};

static const char *kind_text(struct arena *a, const struct rule *r)
{
	if (r->kind != RULE_KEY)
		return rule_kind_names[r->kind];
	return arena_printf(a, "key (%s)", rule_key_kind_names[r->key_kind]);
}

/* "SHA256:0123456789abcdef…": the whole with -o wide and in documents. */
static const char *shortened(struct arena *a, const char *text)
{
	return text && strlen(text) > 26 ? arena_printf(a, "%.23s…", text) : text;
}

static void add_rule_row(struct table *t, const struct cli *cli, const struct rule *r)
{
	const char *what = r->kind == RULE_PIN ? r->digest : r->fingerprint;
	autostr age = {};

	table_add(t, r->id);
	table_add(t, kind_text(t->arena, r));
	table_add(t, r->prefix ? r->prefix : r->name);
	table_add(t, cli->output == CLI_WIDE ? what : shortened(t->arena, what));
	if (r->added_ns)
		unit_add_age(&age, io_now_ns() - r->added_ns);
	table_add(t, age.len ? arena_printf(t->arena, "%s ago", age.text) : NULL);
	table_add(t, r->who);
	table_add(t, r->place);
	table_add(t, r->why);
}

static void add_scope_rows(struct table *t, const struct policy *p, const struct policy_scope *s)
{
	for (size_t i = 0; i < s->all.n; i++) {
		const struct policy_requirement *q = &s->all.v[i];
		const char *what = q->unsupported;

		if (q->keys.n)
			what = q->keys.v[0].path ? q->keys.v[0].path : "in the file";
		table_add(t, "-");
		table_add(t, requirement_names[q->type]);
		table_add(t, s->transport ? arena_printf(t->arena, "%s:%s", s->transport, s->scope) : "default");
		table_add(t, what);
		table_add(t, NULL);
		table_add(t, NULL);
		table_add(t, p->path);
		table_add(t, NULL);
	}
}

static int print_table(struct cli *cli, const struct rules *rules, const struct policy *p)
{
	static const struct column columns[] = {
		{.title = "ID"},	{.title = "KIND"},  {.title = "FOR"},		     {.title = "KEY OR DIGEST"},
		{.title = "ADDED"}, {.title = "BY"},    {.title = "PLACE", .wide = true}, {.title = "WHY", .wide = true},
	};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena};
	bool names = cli->output == CLI_NAME || cli->quiet;

	for (size_t i = 0; i < rules->list.n; i++)
		add_rule_row(&t, cli, &rules->list.v[i]);
	for (size_t i = 0; p->is_there && !names && i < p->scopes.n; i++)
		add_scope_rows(&t, p, &p->scopes.v[i]);
	if (p->is_there && !names)
		add_scope_rows(&t, p, &p->fallback);
	return table_print(&t, cli);
}

static void emit_rule(struct emit *m, const struct rule *r)
{
	emit_open_map(m, NULL);
	emit_str(m, "id", r->id);
	emit_str(m, "kind", rule_kind_names[r->kind]);
	emit_str(m, "for", r->prefix ? r->prefix : r->name);
	emit_str(m, "digest", r->digest);
	emit_str(m, "key_kind", r->kind == RULE_KEY ? rule_key_kind_names[r->key_kind] : NULL);
	emit_str(m, "fingerprint", r->fingerprint);
	emit_str(m, "key", r->key);
	emit_time(m, "added", r->added_ns);
	emit_str(m, "who", r->who);
	emit_str(m, "why", r->why);
	emit_str(m, "place", r->place);
	emit_close(m);
}

static void emit_scope(struct emit *m, const struct policy *p, const struct policy_scope *s)
{
	for (size_t i = 0; i < s->all.n; i++) {
		const struct policy_requirement *q = &s->all.v[i];

		emit_open_map(m, NULL);
		emit_null(m, "id");
		emit_str(m, "kind", q->type == POLICY_SIGNED_BY || q->type == POLICY_SIGSTORE ? "key" : requirement_names[q->type]);
		emit_str(m, "for", s->transport ? arena_printf(m->cli->arena, "%s:%s", s->transport, s->scope) : "default");
		emit_str(m, "key_kind", q->type == POLICY_SIGNED_BY ? "openpgp" : q->type == POLICY_SIGSTORE ? "sigstore" : NULL);
		emit_open_list(m, "keys");
		for (size_t k = 0; k < q->keys.n; k++)
			emit_str(m, NULL, q->keys.v[k].path ? q->keys.v[k].path : "in the file");
		emit_close(m);
		emit_str(m, "unsupported", q->unsupported);
		emit_str(m, "place", p->path);
		emit_close(m);
	}
}

static int print_document(struct cli *cli, const struct rules *rules, const struct policy *p)
{
	autoemit m = emit_new(cli);

	emit_open_list(&m, NULL);
	for (size_t i = 0; i < rules->list.n; i++)
		emit_rule(&m, &rules->list.v[i]);
	for (size_t i = 0; p->is_there && i < p->scopes.n; i++)
		emit_scope(&m, p, &p->scopes.v[i]);
	if (p->is_there)
		emit_scope(&m, p, &p->fallback);
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct policy policy = {};
	struct rules rules = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0 ||
	    rules_load(cli->arena, cli->dir, RULES_IN_FORCE, &rules, &e) < 0 || policy_load(cli->arena, &policy, &e) < 0)
		return cli_fail(cli, &e);
	return cli->output == CLI_JSON || cli->output == CLI_YAML ? print_document(cli, &rules, &policy) :
								    print_table(cli, &rules, &policy);
}

/* ---- rm ---- */

static int run_rm(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	for (; *words; words++) {
		bool masked = false;

		if (rules_remove(cli->arena, cli->dir, *words, &masked, &e) < 0)
			return cli_fail(cli, &e);
		cli_say(cli, masked ? "%s is masked: it lies in another place than %s/trust" : "%s is no longer trusted", *words,
			cli->dir);
	}
	return 0;
}

/* ---- the verbs ---- */

static const struct verb verb_add = {
	.name = "add",
	.summary = "trust a key for names, names without a signature, or one image by its digest",
	.usage = "KEY --prefix NAME | --any --prefix NAME | --digest NAME[@DIGEST]",
	.words = (const char *const[]){"file", NULL},
	.options = (const struct opt *const[]){add_opts, NULL},
	.example = "rocket trust add cosign.pub --prefix registry.example.com/team\n"
		   "rocket trust add --digest docker.io/library/nginx:1.27",
	.json = "id: of the rule\nkind: key, any or pin\nfingerprint: of the key, or null\ndigest: of the image, or null",
	.exits = "4: no such image",
	.documents = true,
	.run = run_add,
};

static const struct verb verb_list = {
	.name = "list",
	.summary = "list who and what is trusted, with the host's policy.json",
	.usage = "",
	.example = "rocket trust list\nrocket trust list -o wide",
	.json = "id: of a rule; null for what policy.json says\nkind: key, any, pin, reject or unsupported\n"
		"for: the names, or the image of a pin\ndigest: of a pin\nkey_kind: sigstore or openpgp\n"
		"fingerprint: of the key\nkey: the public key\nkeys: files of policy.json's keys\nadded: when\nwho: added it\n"
		"why: the remark\nunsupported: what policy.json asks for and Rocket can't check\nplace: where it is written down",
	.lists = true,
	.run = run_list,
};

static const struct verb verb_rm = {
	.name = "rm",
	.summary = "trust no longer; a rule that others installed is masked",
	.usage = "ID…",
	.example = "rocket trust rm 3f2a9c",
	.exits = "4: no such rule",
	.run = run_rm,
};

static const struct verb *const trust_verbs[] = {&verb_add, &verb_list, &verb_rm, NULL};

const struct verb cli_verb_trust = {
	.name = "trust",
	.summary = "whose signatures are accepted for which images",
	.usage = "VERB …",
	.example = "rocket trust add cosign.pub --prefix registry.example.com/team\nrocket trust list",
	.verbs = trust_verbs,
};
