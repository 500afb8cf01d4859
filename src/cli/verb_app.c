/* SPDX-License-Identifier: Apache-2.0 */
/* rocket app: apps of a running pod are added, started, stopped and removed, while the others go on. */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app_change.h"
#include "cli/user_half.h"
#include "cli/verbs.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* ---- add ---- */

static int refuse_pod_flags(const struct pod_making *m, struct err *e)
{
	const struct pod *p = &m->pod;

	if (p->apps.n == 1 && !m->flags.file && !m->flags.detach && !m->flags.wait && !p->name && !p->hostname &&
	    !p->labels && !p->remove && !p->exit && !p->dns.servers && !p->ids && !p->distance)
		return 0;
	err_new(e, ERR_USAGE, "one app is added to a pod that is what it is");
	err_because(e, "flags of the whole pod, a manifest and several images have no place here");
	return err_try(e, "rocket app add POD IMAGE [APP FLAGS]   (or rocket apply -f pod.yaml)");
}

static int check_holes(const struct pod_making *m, struct err *e)
{
	for (size_t i = 0; i < m->plan.holes.n; i++) {
		if (m->plan.holes.v[i].app)
			continue;
		err_new(e, ERR_USAGE, "the hole %s is the whole pod's", m->plan.holes.v[i].text);
		err_because(e, "an app that is added brings holes of its own alone");
		return err_try(e, "rocket app add POD IMAGE --hole …   (behind the image)");
	}
	return 0;
}

static int add(struct cli *cli, const char *word, int argc, char **argv, struct err *e)
{
	automaking m = POD_MAKING_NONE;
	autolook p = POD_LOOK_NONE;
	autostate s = {-1, -1};
	int r = pod_make_parse(&m, cli, argc, argv, e);

	if (r == 0)
		r = refuse_pod_flags(&m, e);
	if (r == 0)
		r = user_half_enter(cli, e);
	if (r == 0)
		r = pod_look_state(cli, &s, e);
	if (r == 0)
		r = pod_look_open_pod(cli, &s, word, &p, e);
	if (r == 0)
		r = app_need_running(&p, e);
	if (r < 0)
		return r;
	m.pod.name = p.plan.name;
	m.pod.hostname = p.plan.hostname;
	m.pod.distance = p.plan.distance + 1;
	for (size_t i = 0; i < m.pod.holes.n; i++)
		if (!m.pod.holes.v[i].app)
			m.pod.holes.v[i].app = m.pod.apps.v[0].name;
	r = pod_make_beside(&m, &p.dir, &p.plan, e);
	if (r == 0)
		r = check_holes(&m, e);
	return r < 0 ? r : app_add(&m, &p, m.plan.apps.v[0].name, e);
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct err e = {};

	if (argc < 3 || argv[1][0] == '-') {
		err_new(&e, ERR_USAGE, "rocket app add needs a pod and an image");
		err_because(&e, "the pod comes first, then the image with its flags, as behind run");
		err_try(&e, "rocket app add shop redis:7 -m 128m");
		return cli_fail(cli, &e);
	}
	int r = add(cli, argv[1], argc - 1, argv + 1, &e);

	return r < 0 ? cli_fail(cli, &e) : 0;
}

/* ---- start, stop, rm ---- */

static int open_app(const struct cli *cli, const struct state *s, const char *word, struct pod_look *p, struct err *e)
{
	const struct plan_app *app;

	if (pod_look_open(cli, s, word, p, e) < 0 || app_need_running(p, e) < 0 ||
	    pod_look_need_app(p, "rocket app stop", &app, e) < 0)
		return -e->code;
	p->app = app->name;
	return 0;
}

static int start_one(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	char verb[] = "app-start";
	const struct control_request request = {.verb = verb};
	autolook p = POD_LOOK_NONE;
	int r = open_app(cli, s, word, &p, e);

	return r < 0 ? r : pod_look_call(cli, s, &p, &request, e);
}

static int stop_one(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	autolook p = POD_LOOK_NONE;
	int r = open_app(cli, s, word, &p, e);

	return r < 0 ? r : pod_look_stop(cli, s, &p, -1, e);
}

static int rm_one(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	autolook p = POD_LOOK_NONE;
	int r = open_app(cli, s, word, &p, e);

	return r < 0 ? r : app_remove(cli, s, &p, p.app, e);
}

static int run_each(struct cli *cli, int argc, char **argv, pod_act_fn *act)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	return pod_look_each(cli, words, act, NULL);
}

static int run_start(struct cli *cli, int argc, char **argv)
{
	return run_each(cli, argc, argv, start_one);
}

static int run_stop(struct cli *cli, int argc, char **argv)
{
	return run_each(cli, argc, argv, stop_one);
}

static int run_rm(struct cli *cli, int argc, char **argv)
{
	return run_each(cli, argc, argv, rm_one);
}

#define EXITS "3: the pod does not run\n4: no such pod or app"

static const struct verb verb_add = {
	.name = "add",
	.summary = "add an app to a running pod, and keep it there",
	.usage = "POD IMAGE [APP FLAGS] [--] [ARG…]",
	.words = (const char *const[]){"pod", "image", NULL},
	.options = (const struct opt *const[]){flags_app_options, NULL},
	.titles = (const char *const[]){"App flags, behind the image"},
	.example = "rocket app add shop redis:7 --name cache -m 128m\nrocket app add shop busybox -- httpd -f -p 8081",
	.exits = EXITS,
	.run = run_add,
};

static const struct verb verb_start = {
	.name = "start",
	.summary = "start apps of a running pod that have ended",
	.usage = "POD/APP…",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket app start shop/web",
	.exits = EXITS,
	.run = run_start,
};

static const struct verb verb_stop = {
	.name = "stop",
	.summary = "stop apps of a running pod, each with its signal and grace",
	.usage = "POD/APP…",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket app stop shop/web",
	.exits = EXITS,
	.run = run_stop,
};

static const struct verb verb_rm = {
	.name = "rm",
	.summary = "stop apps of a running pod and take them out of it, with their holes",
	.usage = "POD/APP…",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket app rm shop/cache",
	.exits = EXITS,
	.run = run_rm,
};

static const struct verb *const verbs[] = {&verb_add, &verb_rm, &verb_start, &verb_stop, NULL};

const struct verb cli_verb_app = {
	.name = "app",
	.summary = "apps of a running pod: add, start, stop, remove",
	.usage = "VERB …",
	.verbs = verbs,
	.example = "rocket app add shop redis:7 --name cache",
};
