/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image gc: what no name and no pod needs goes. `rocket gc` does this and pods too. */
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/image_pods.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"

enum { OPT_GRACE, OPT_DRY_RUN };

static const struct opt gc_opts[] = {
	{"grace-period", .id = OPT_GRACE, .arg = "TIME", .help = "leave what is younger (30m)"},
	{"dry-run", 'n', .id = OPT_DRY_RUN, .help = "only say what would go"},
	{},
};
static const struct opt *const tables[] = {gc_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct store_sweep *w = context;

	if (o->id == OPT_DRY_RUN) {
		w->dry_run = true;
		return 0;
	}
	if (str_equal(value, "0")) {
		w->grace_ns = 0;
		return 0;
	}
	if (unit_parse_time(value, &w->grace_ns) == 0 && w->grace_ns >= 0)
		return 0;
	err_new(e, ERR_USAGE, "--grace-period '%.40s' is no time", value);
	err_because(e, "a time carries its unit, as 30m, 12h or 2d; 0 is none");
	return err_try(e, "--grace-period 30m");
}

static int print(const struct cli *cli, const struct store_sweep *w)
{
	autoemit m = emit_new(cli);
	autostr size = {};

	if (cli->output == CLI_TABLE) {
		unit_add_size(&size, w->freed_bytes);
		cli_say(cli, w->dry_run ? "would free %s in %llu files" : "freed %s in %llu files", str_text(&size),
			(unsigned long long)w->freed_files);
		return 0;
	}
	emit_open_map(&m, NULL);
	emit_u64(&m, "freed_bytes", w->freed_bytes);
	emit_u64(&m, "freed_files", w->freed_files);
	emit_bool(&m, "dry_run", w->dry_run);
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct store_sweep w = {.list_pods = image_pods_list, .context = cli, .grace_ns = 1800 * 1000000000LL};
	autostore store = STORE_NONE;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &w, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0 ||
	    user_half_enter(cli, &e) < 0 || image_open_store(cli, &store, &e) < 0 || store_sweep(&store, &w, &e) < 0)
		return cli_fail(cli, &e);
	return print(cli, &w);
}

const struct verb cli_verb_image_gc = {
	.name = "gc",
	.summary = "remove content that no name and no pod needs",
	.usage = "",
	.options = tables,
	.example = "rocket image gc\nrocket image gc --grace-period 0",
	.json = "freed_bytes: on disk\nfreed_files: how many\ndry_run: whether they are still there",
	.exits = "7: an import or a start is under way",
	.documents = true,
	.run = run,
};
