/* SPDX-License-Identifier: Apache-2.0 */
/* rocket manifest: a pod as pod.yaml, with the holes that it has now. */
#include "base/str.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"
#include "pod/manifest_write.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static int run(struct cli *cli, int argc, char **argv)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	autostr text = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    pod_look_state(cli, &s, &e) < 0 || pod_look_open_pod(cli, &s, words[0], &p, &e) < 0)
		return cli_fail(cli, &e);
	manifest_write(&text, &p.plan);
	return cli_print(cli, str_text(&text), text.len);
}

const struct verb cli_verb_manifest = {
	.name = "manifest",
	.summary = "print a pod as a manifest that runs it again, with its present holes",
	.usage = "POD",
	.words = (const char *const[]){"pod", NULL},
	.example = "rocket manifest shop > pod.yaml\nrocket run -f pod.yaml",
	.exits = "4: no such pod",
	.run = run,
};
