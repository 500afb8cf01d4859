/* SPDX-License-Identifier: Apache-2.0 */
/* rocket pause, unpause: one word to the pod's supervisor. */
#include "cli/pod_look.h"
#include "cli/verbs.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verbs have no options of their own */
}

/* They are for pods: a freezer group is the pod's. */
static int ask_pod(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	autolook p = POD_LOOK_NONE;

	if (pod_look_open_pod(cli, s, word, &p, e) < 0)
		return -e->code;
	return pod_look_call(cli, s, &p, context, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct control_request request = {.verb = arena_strdup(cli->arena, cli->verb->name)};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each(cli, words, ask_pod, &request);
}

const struct verb cli_verb_pause = {
	.name = "pause",
	.summary = "freeze every process of pods",
	.usage = "POD…",
	.words = (const char *const[]){"pod", NULL},
	.example = "rocket pause shop",
	.exits = "3: it does not run\n4: no such pod",
	.run = run,
};

const struct verb cli_verb_unpause = {
	.name = "unpause",
	.summary = "let the processes of paused pods go on",
	.usage = "POD…",
	.words = (const char *const[]){"pod", NULL},
	.example = "rocket unpause shop",
	.exits = "3: it does not run\n4: no such pod",
	.run = run,
};
