/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket restart: apps stopped and started in place, while their pod goes on. The supervisor answers at
 * once; this command waits until each app was started anew, as whoever restarts something wants to use it next.
 */
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"

enum { PAUSE_MS = 5 };

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

struct before {
	int64_t asked_ns;    /* when the request was made */
	int64_t *started_ns; /* of each app's last start until then, in the order of the plan */
};

static bool is_meant(const struct pod_look *p, size_t i)
{
	return !p->app || strcmp(p->app, p->plan.apps.v[i].name) == 0;
}

static int64_t started_ns(const struct pod_look *p, size_t i)
{
	const struct app_status *s = pod_look_app_status(p, p->plan.apps.v[i].name);

	return s ? s->started_ns : 0;
}

/* Its error is of this restart, not of an earlier one. */
static bool has_failed(const struct app_status *s, const struct before *before)
{
	return s->error && s->finished_ns >= before->asked_ns;
}

/* Started since, whatever became of it, or shown to be unable to. */
static bool is_over(const struct pod_look *p, const struct before *before, size_t i)
{
	const struct app_status *s = pod_look_app_status(p, p->plan.apps.v[i].name);

	if (!is_meant(p, i))
		return true;
	return s && (has_failed(s, before) || (s->started_ns != before->started_ns[i] && s->state != APP_STARTING));
}

static int check_app(const struct pod_look *p, const struct before *before, size_t i, struct err *e)
{
	const struct app_status *s = pod_look_app_status(p, p->plan.apps.v[i].name);

	if (!is_meant(p, i) || !s || !has_failed(s, before))
		return 0;
	err_new(e, ERR_FAILED, "%s/%s did not start again", p->word, s->name);
	err_because(e, "%s", s->error);
	return err_try(e, "rocket logs %s/%s", p->word, s->name);
}

static int wait_for_all(struct cli *cli, const struct state *s, struct pod_look *p, const struct before *before,
			struct err *e)
{
	for (size_t i = 0; i < p->plan.apps.n;) {
		if (p->dir.phase != POD_RUNNING) {
			err_new(e, ERR_STATE, "the pod %s ended while it was restarted", p->word);
			err_because(e, "its exit rule says so: %s", p->plan.exit ? p->plan.exit : "all");
			return err_try(e, "rocket start %s", p->word);
		}
		if (is_over(p, before, i)) {
			if (check_app(p, before, i, e) < 0)
				return -e->code;
			i++;
			continue;
		}
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
		if (pod_look_refresh(cli, s, p, e) < 0)
			return -e->code;
	}
	return 0;
}

static int restart(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	char verb[] = "restart";
	const struct control_request request = {.verb = verb};
	autolook p = POD_LOOK_NONE;
	struct before before;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return -e->code;
	before.started_ns = arena_alloc(cli->arena, p.plan.apps.n * sizeof(*before.started_ns));
	for (size_t i = 0; i < p.plan.apps.n; i++)
		before.started_ns[i] = started_ns(&p, i);
	before.asked_ns = io_now_ns();
	if (pod_look_call(cli, s, &p, &request, e) < 0 || pod_look_refresh(cli, s, &p, e) < 0)
		return -e->code;
	return wait_for_all(cli, s, &p, &before, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each_at_once(cli, words, restart, NULL);
}

const struct verb cli_verb_restart = {
	.name = "restart",
	.summary = "stop and start the apps of running pods, in place",
	.usage = "POD[/APP]…",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket restart shop/web",
	.exits = "3: the pod does not run (rocket start runs it again)\n4: no such pod or app",
	.run = run,
};
