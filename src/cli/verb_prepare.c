/* SPDX-License-Identifier: Apache-2.0 */
/* rocket prepare: everything that run does before the start, kept on disk; run-prepared starts it. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/pod_make.h"

static int run(struct cli *cli, int argc, char **argv)
{
	automaking m = POD_MAKING_NONE;
	struct err e = {};
	int r = pod_make_parse(&m, cli, argc, argv, &e);

	if (r == 0)
		r = pod_make(&m, &e);
	if (r == 0)
		r = pod_make_commit(&m, POD_PREPARED, &e);
	if (r < 0)
		return cli_fail(cli, &e);
	state_log_event(&m.state, "prepared", m.dir.id, m.plan.name, NULL, NULL);
	return cli_print(cli, arena_printf(cli->arena, "%s\n", m.plan.id), strlen(m.plan.id) + 1);
}

const struct verb cli_verb_prepare = {
	.name = "prepare",
	.summary = "make a pod ready on disk without starting it, and print its id",
	.usage = "[POD FLAGS] IMAGE [APP FLAGS] [--] [ARG…] [--- IMAGE …] | -f FILE [POD FLAGS]",
	.words = (const char *const[]){ "image", NULL },
	.options = (const struct opt *const[]){ flags_pod_options, flags_app_options, NULL },
	.titles = (const char *const[]){ "Pod flags, before the first image", "App flags, behind an image" },
	.example = "rocket prepare --name shop -f pod.yaml\nrocket run-prepared shop",
	.exits = "4: no such image\n5: refused by policy",
	.run = run,
};
