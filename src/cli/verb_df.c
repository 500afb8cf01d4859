/* SPDX-License-Identifier: Apache-2.0 */
/* rocket df: what images, pods and volumes take on disk, and what gc would free. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/image_pods.h"
#include "cli/pod_look.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"
#include "cli/verbs.h"
#include "cli/volumes.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

struct usage {
	const char *kind;
	uint64_t count, bytes, free_bytes;
};

enum { IMAGES, PODS, VOLUMES, KINDS };

static int measure_images(struct cli *cli, struct usage *u, struct err *e)
{
	struct store_sweep sweep = {.list_pods = image_pods_list, .context = cli, .dry_run = true};
	autostore store = STORE_NONE;
	struct store_usage usage;
	struct err busy = {};

	if (image_open_store(cli, &store, e) < 0 || store_measure(&store, &usage, e) < 0)
		return -e->code;
	u->count = usage.images;
	u->bytes = usage.blob_bytes + usage.view_bytes + usage.tree_bytes + usage.dead_bytes;
	/* While an import is under way nobody can say what is needed: then nothing counts as free. */
	if (store_sweep(&store, &sweep, &busy) == 0)
		u->free_bytes = sweep.freed_bytes;
	return 0;
}

static int measure_pods(struct cli *cli, const struct state *s, struct usage *u, struct err *e)
{
	struct pod_entry *pods;
	size_t n;

	if (state_list_pods(s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		autolook p = POD_LOOK_NONE;
		struct err gone = {};
		uint64_t bytes;

		if (pod_look_open(cli, s, pods[i].id, &p, &gone) < 0 ||
		    io_disk_usage(p.dir.fd, ".", &bytes, &gone) < 0)
			continue;
		u->count++;
		u->bytes += bytes;
		u->free_bytes += p.dir.phase == POD_EXITED ? bytes : 0;
	}
	return 0;
}

static int measure_volumes(struct cli *cli, const struct state *s, struct usage *u, struct err *e)
{
	struct volumes v = {};

	if (volumes_list(cli, s, &v, e) < 0)
		return -e->code;
	for (size_t i = 0; i < v.list.n; i++) {
		struct err gone = {};
		uint64_t bytes;

		if (volumes_measure(s, v.list.v[i].name, &bytes, &gone) < 0)
			continue;
		u->count++;
		u->bytes += bytes;
	}
	return 0;
}

static void add_size(struct table *t, uint64_t bytes)
{
	autostr text = {};

	unit_add_size(&text, bytes);
	table_add(t, text.text);
}

static int print_table(struct cli *cli, const struct usage *u)
{
	static const struct column columns[] = {{.title = "KIND"},
						{.title = "COUNT", .right = true},
						{.title = "ON DISK", .right = true},
						{.title = "GC FREES", .right = true}};
	struct table t = {.columns = columns, .n_columns = ARRAY_SIZE(columns), .arena = cli->arena};

	for (int i = 0; i < KINDS; i++) {
		table_add(&t, u[i].kind);
		table_addf(&t, "%llu", (unsigned long long)u[i].count);
		add_size(&t, u[i].bytes);
		add_size(&t, u[i].free_bytes);
	}
	return table_print(&t, cli);
}

static int print_document(struct cli *cli, const struct usage *u)
{
	autoemit m = emit_new(cli);

	emit_open_list(&m, NULL);
	for (int i = 0; i < KINDS; i++) {
		emit_open_map(&m, NULL);
		emit_str(&m, "kind", u[i].kind);
		emit_u64(&m, "count", u[i].count);
		emit_u64(&m, "bytes", u[i].bytes);
		emit_u64(&m, "gc_frees_bytes", u[i].free_bytes);
		emit_close(&m);
	}
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct usage usage[KINDS] = {[IMAGES] = {.kind = "images"}, [PODS] = {.kind = "pods"},
				     [VOLUMES] = {.kind = "volumes"}};
	autostate s = {-1, -1};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0 ||
	    user_half_enter(cli, &e) < 0 || measure_images(cli, &usage[IMAGES], &e) < 0 || pod_look_state(cli, &s, &e) < 0 ||
	    measure_pods(cli, &s, &usage[PODS], &e) < 0 || measure_volumes(cli, &s, &usage[VOLUMES], &e) < 0)
		return cli_fail(cli, &e);
	if (cli->output == CLI_JSON || cli->output == CLI_YAML)
		return print_document(cli, usage);
	return print_table(cli, usage);
}

const struct verb cli_verb_df = {
	.name = "df",
	.summary = "show what images, pods and volumes take on disk",
	.usage = "",
	.example = "rocket df\nrocket df -o json",
	.json = "kind: images, pods or volumes\ncount: how many\nbytes: on disk\ngc_frees_bytes: what rocket gc --grace-period 0 would free",
	.lists = true,
	.run = run,
};
