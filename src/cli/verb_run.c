/* SPDX-License-Identifier: Apache-2.0 */
/* rocket run: from images or a manifest to a running pod. The command becomes the pod's supervisor. */
#include "base/cleanup.h"
#include "cli/pod_make.h"

static int run(struct cli *cli, int argc, char **argv)
{
	automaking m = POD_MAKING_NONE;
	struct err e = {};
	int r = pod_make_parse(&m, cli, argc, argv, &e);

	if (r == 0 && m.flags.wait && !m.flags.detach) {
		err_new(&e, ERR_USAGE, "--wait goes with -d");
		err_because(&e, "in the foreground rocket stays until the pod is over");
		r = err_try(&e, "rocket run -d --wait …");
	}
	/* A mistake in the command line is the caller's (2); what goes wrong after is Rocket's word (125). */
	if (r < 0)
		return cli_fail(cli, &e);
	r = pod_make(&m, &e);
	if (r == 0)
		r = pod_make_commit(&m, POD_RUNNING, &e);
	if (r == 0)
		r = pod_make_launch(cli, &m.state, &m.dir, &m.plan, m.flags.detach, m.flags.wait, &m.timing, &e);
	return r < 0 ? cli_fail_run(cli, &e) : r;
}

const struct verb cli_verb_run = {
	.name = "run",
	.summary = "run images as one sealed pod",
	.usage = "[POD FLAGS] IMAGE [APP FLAGS] [--] [ARG…] [--- IMAGE …] | -f FILE [POD FLAGS]",
	.words = (const char *const[]){ "image", NULL },
	.options = (const struct opt *const[]){ flags_pod_options, flags_app_options, NULL },
	.titles = (const char *const[]){ "Pod flags, before the first image", "App flags, behind an image" },
	.example = "rocket run --rm alpine ls -l /\n"
		   "rocket run -d --name shop nginx -p 8080:80 --- redis\n"
		   "rocket run -f pod.yaml",
	.exits = "125: Rocket itself failed\n126: the program can't be executed\n127: there is no such program\n"
		 "128+N: signal N ended it",
	.run = run,
};
