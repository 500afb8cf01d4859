/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket gc: exited pods after a grace period, what died on its way, and then the content that no name and
 * no pod needs. Named volumes never. It works on a full disk: pods go by rename and unlink alone.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/config.h"
#include "cli/emit.h"
#include "cli/image_pods.h"
#include "cli/pod_look.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"
#include "cli/verbs.h"
#include "cli/volumes.h"

enum { OPT_GRACE = 1, OPT_DRY_RUN };

static const struct opt options[] = {
	{"grace-period", 0, "TIME", "leave what is younger (30m; see rocket config)", OPT_GRACE, NULL},
	{"dry-run", 'n', NULL, "only say what would go", OPT_DRY_RUN, NULL},
	{},
};

struct collection {
	int64_t grace_ns;
	bool grace_given, dry_run;
	char **removed; /* ids */
	unsigned dead;  /* embryos and garbage */
	struct store_sweep sweep;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct collection *c = context;

	if (o->id == OPT_DRY_RUN) {
		c->dry_run = true;
		return 0;
	}
	c->grace_given = true;
	if (unit_parse_time(value, &c->grace_ns) == 0)
		return 0;
	err_new(e, ERR_USAGE, "--grace-period must be a time such as 30m");
	err_because(e, "it is %.60s", value);
	return err_try(e, "rocket gc --grace-period 30m");
}

/* A pod whose supervisor was killed has no end of its own; it ended after its start at the earliest. */
static int64_t end_of(const struct pod_look *p)
{
	if (p->status.finished_ns)
		return p->status.finished_ns;
	return p->status.started_ns ? p->status.started_ns : p->plan.created_ns;
}

static int collect_pod(struct cli *cli, const struct state *s, const char *id, struct collection *c, struct err *e)
{
	autolook p = POD_LOOK_NONE;
	struct err gone = {};

	/* What can't be read is no pod that this version made; it is left for its user to look at. */
	if (pod_look_open(cli, s, id, &p, &gone) < 0)
		return gone.code == ERR_NOT_FOUND ? 0 : (*e = gone, -gone.code);
	if (p.dir.phase != POD_EXITED || io_now_ns() - end_of(&p) < c->grace_ns)
		return 0;
	/* Somebody starts or removes it right now: not ours. */
	if (!c->dry_run && state_remove_pod(s, &p.dir, e) < 0)
		return e->code == ERR_BUSY ? 0 : -e->code;
	arena_strv_add(cli->arena, &c->removed, id);
	if (!c->dry_run)
		state_log_event(s, "removed", p.dir.id, p.plan.name, NULL, "gc");
	return 0;
}

/* Every pod is tried; the first error is told at the end. */
static int collect_pods(struct cli *cli, struct collection *c, struct err *e)
{
	autostate s = {-1, -1};
	struct err first = {};
	struct pod_entry *pods;
	size_t n;

	if (pod_look_state(cli, &s, e) < 0 || state_list_pods(&s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		struct err one = {};

		if (collect_pod(cli, &s, pods[i].id, c, &one) < 0 && !first.code)
			first = one;
	}
	if (!c->dry_run && (state_sweep_dead(&s, UINT_MAX, &c->dead, e) < 0 || volumes_sweep(&s, e) < 0))
		return -e->code;
	if (first.code)
		*e = first;
	return -first.code;
}

static int collect_content(struct cli *cli, struct collection *c, struct err *e)
{
	autostore store = STORE_NONE;

	c->sweep = (struct store_sweep){
		.list_pods = image_pods_list, .context = cli, .grace_ns = c->grace_ns, .dry_run = c->dry_run};
	if (image_open_store(cli, &store, e) < 0)
		return -e->code;
	return store_sweep(&store, &c->sweep, e);
}

static int print(const struct cli *cli, const struct collection *c)
{
	autoemit m = emit_new(cli);
	autostr size = {};

	if (cli->output == CLI_TABLE) {
		unit_add_size(&size, c->sweep.freed_bytes);
		cli_say(cli, "%s %zu pods, and %s of images", c->dry_run ? "would remove" : "removed", strv_len(c->removed),
			size.text);
		return 0;
	}
	emit_open_map(&m, NULL);
	emit_strv(&m, "pods", c->removed);
	emit_u64(&m, "dead", c->dead);
	emit_u64(&m, "freed_bytes", c->sweep.freed_bytes);
	emit_u64(&m, "freed_files", c->sweep.freed_files);
	emit_bool(&m, "dry_run", c->dry_run);
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct collection c = {};
	struct err pods = {}, content = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &c, &words, &n, &pods) < 0 || cli_check_words(cli, n, 0, 0, &pods) < 0 ||
	    user_half_enter(cli, &pods) < 0)
		return cli_fail(cli, &pods);
	if (!c.grace_given)
		(void)!unit_parse_time(config_get(cli->config, "grace_period"), &c.grace_ns);
	/* A pod that can't be removed must not keep the disk full. */
	int r = collect_pods(cli, &c, &pods);

	if (collect_content(cli, &c, &content) < 0)
		return cli_fail(cli, r < 0 ? &pods : &content);
	if (r < 0)
		return cli_fail(cli, &pods);
	return print(cli, &c);
}

const struct verb cli_verb_gc = {
	.name = "gc",
	.summary = "remove exited pods and content that nothing needs; named volumes stay",
	.usage = "[--grace-period TIME] [-n]",
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket gc\nrocket gc --grace-period 0 -n",
	.json = "pods: ids of the exited pods that went\ndead: half-made and half-removed pods that went\n"
		"freed_bytes: of image content\nfreed_files: how many\ndry_run: whether all of it is still there",
	.exits = "7: an import or a start is under way",
	.documents = true,
	.run = run,
};
