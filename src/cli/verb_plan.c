/* SPDX-License-Identifier: Apache-2.0 */
/* rocket plan: what run would do with these words, nothing left open and nothing made. */
#include "base/cleanup.h"
#include "base/record.h"
#include "cli/emit.h"
#include "cli/pod_make.h"

/* What stands in a manifest as a secret is nothing to look at. */
static void hide_secrets(struct plan *p)
{
	static char hidden[] = "(not shown)";

	for (size_t i = 0; i < p->files.n; i++)
		if (p->files.v[i].secret && p->files.v[i].from == FILE_TEXT)
			p->files.v[i].source = hidden;
}

static int run(struct cli *cli, int argc, char **argv)
{
	automaking m = POD_MAKING_NONE;
	struct err e = {};
	int r = pod_make_parse(&m, cli, argc, argv, &e);

	m.dry = true;
	if (r == 0)
		r = pod_make(&m, &e);
	if (r < 0)
		return cli_fail(cli, &e);
	hide_secrets(&m.plan);
	autoemit out = emit_new(cli);

	emit_fields(&out, NULL, &plan_set, &m.plan);
	return emit_print(&out, cli);
}

const struct verb cli_verb_plan = {
	.name = "plan",
	.summary = "show what run would do, with nothing left to decide",
	.usage = "[POD FLAGS] IMAGE [APP FLAGS] [--] [ARG…] [--- IMAGE …] | -f FILE [POD FLAGS]",
	.words = (const char *const[]){ "image", NULL },
	.options = (const struct opt *const[]){ flags_pod_options, flags_app_options, NULL },
	.titles = (const char *const[]){ "Pod flags, before the first image", "App flags, behind an image" },
	.example = "rocket plan -f pod.yaml\nrocket plan -o yaml -p 8080:80 nginx",
	.json = "name: of the pod\nhostname: inside the pod\nexit: when the pod is over\ndistance: between its apps\n"
		"ids: base and count of the host's ids\nlimits: of the whole pod; sizes in bytes, times in ns\n"
		"cgroup: below each hierarchy\n"
		"apps: list of name, image, image_digest, argv, env, user ids, mounts, devices, limits and all else\n"
		"volumes: list of name, keep and what fills them\nholes: list of what is open, as hole list has it\n"
		"what is zero, false or empty is left out",
	.documents = true,
	.run = run,
};
