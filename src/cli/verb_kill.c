/* SPDX-License-Identifier: Apache-2.0 */
/* rocket kill: any signal to every app of a pod, or to one. */
#include "cli/pod_look.h"
#include "cli/verbs.h"
#include "pod/signals.h"

enum { OPT_SIGNAL = 1 };

static const struct opt options[] = {
	{"signal", 's', "SIGNAL", "this one instead of KILL, by name or number", OPT_SIGNAL,
	 "HUP|INT|QUIT|KILL|USR1|USR2|TERM|CONT|STOP|WINCH"},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	return signal_parse(value, context, e);
}

static int send(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	const uint32_t *signal = context;
	char verb[] = "kill";
	const struct control_request request = {.verb = verb, .signal = *signal};
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return -e->code;
	return pod_look_call(cli, s, &p, &request, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	uint32_t signal = 9;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &signal, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each(cli, words, send, &signal);
}

const struct verb cli_verb_kill = {
	.name = "kill",
	.summary = "send a signal to the apps of pods",
	.usage = "[-s SIGNAL] POD[/APP]…",
	.words = (const char *const[]){"app", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket kill -s HUP shop/web",
	.exits = "3: it does not run\n4: no such pod or app",
	.run = run,
};
