/* SPDX-License-Identifier: Apache-2.0 */
/* rocket stop: the apps' own stop signals and grace, in reverse order; back when they are down. */
#include "base/unit.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"

enum { OPT_TIMEOUT = 1, OPT_FORCE };

static const struct opt options[] = {
	{"timeout", 't', "TIME", "kill what still runs after TIME (10s; a bare number is seconds)", OPT_TIMEOUT, NULL},
	{"force", 'f', NULL, "kill at once", OPT_FORCE, NULL},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	int64_t *grace_ns = context;
	uint64_t seconds;

	if (o->id == OPT_FORCE) {
		*grace_ns = 0;
		return 0;
	}
	if (unit_parse_u64(value, 0, 1000000, &seconds) == 0) { /* docker's */
		*grace_ns = (int64_t)seconds * 1000000000;
		return 0;
	}
	if (unit_parse_time(value, grace_ns) == 0)
		return 0;
	err_new(e, ERR_USAGE, "--timeout must be a time such as 10s");
	err_because(e, "it is %.60s", value);
	return err_try(e, "rocket stop --timeout 10s POD");
}

static int stop(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	const int64_t *grace_ns = context;
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return -e->code;
	return pod_look_stop(cli, s, &p, *grace_ns, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	int64_t grace_ns = -1;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &grace_ns, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each_at_once(cli, words, stop, &grace_ns);
}

const struct verb cli_verb_stop = {
	.name = "stop",
	.summary = "stop pods, or one app of a pod",
	.usage = "[-t TIME] POD[/APP]…",
	.words = (const char *const[]){"app", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket stop shop\nrocket stop -t 30s shop/web",
	.exits = "4: no such pod or app",
	.run = run,
};
