/* SPDX-License-Identifier: Apache-2.0 */
/* rocket rm: pods and all that is theirs; named volumes stay. */
#include <unistd.h>

#include "cli/pod_look.h"
#include "cli/user_half.h"
#include "cli/verbs.h"

enum { OPT_FORCE = 1 };

static const struct opt options[] = {
	{"force", 'f', NULL, "kill it first when it runs; no error when there is none", OPT_FORCE, NULL},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	bool *force = context;

	*force = true;
	return 0;
}

static int refuse_running(const struct pod_look *p, struct err *e)
{
	err_new(e, ERR_STATE, "the pod %s runs", p->word);
	err_because(e, "rm takes what is exited or prepared");
	return err_try(e, "rocket rm -f %s", p->word);
}

/* Its supervisor does both, while it still has all of the pod at hand; what it could not remove is left to us. */
static int kill_and_remove(struct cli *cli, const struct state *s, struct pod_look *p, struct err *e)
{
	char verb[] = "rm";
	const struct control_request request = {.verb = verb};

	if (pod_look_call(cli, s, p, &request, e) < 0)
		return pod_look_stop(cli, s, p, 0, e);
	return 0;
}

static int remove_pod(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	const bool *force = context;
	autolook p = POD_LOOK_NONE;

	if (pod_look_open_pod(cli, s, word, &p, e) < 0)
		return e->code == ERR_NOT_FOUND && *force ? 0 : -e->code;
	if (p.dir.phase == POD_RUNNING && !*force)
		return refuse_running(&p, e);
	if (p.dir.phase == POD_RUNNING) {
		if (kill_and_remove(cli, s, &p, e) < 0)
			return -e->code;
		if (pod_look_refresh(cli, s, &p, e) < 0) {
			if (e->code != ERR_NOT_FOUND)
				return -e->code;
			state_log_event(s, "removed", p.dir.id, p.plan.name, NULL, NULL);
			return 0;
		}
	}
	if (user_half_enter(cli, e) < 0 || state_remove_pod(s, &p.dir, e) < 0)
		return -e->code;
	state_log_event(s, "removed", p.dir.id, p.plan.name, NULL, NULL);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	autostate s = {-1, -1};
	bool force = false;
	struct err e = {}, ignored = {};
	unsigned swept;
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &force, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	int code = pod_look_each_at_once(cli, words, remove_pod, &force);

	/*
	 * Each rm sweeps at most one pod that died on the way; what it can't remove is gc's to report. An ordinary user's
	 * does when it was inside his half of the host anyway.
	 */
	if (geteuid() == 0 && pod_look_state(cli, &s, &ignored) == 0)
		(void)!state_sweep_dead(&s, 1, &swept, &ignored);
	return code;
}

const struct verb cli_verb_rm = {
	.name = "rm",
	.summary = "remove pods with their files; named volumes stay",
	.usage = "[-f] POD…",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket rm shop\nrocket rm -f $(rocket list -q)",
	.exits = "3: it runs\n4: no such pod\n7: another command uses it",
	.run = run,
};
