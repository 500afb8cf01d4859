/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket debug: tools beside a running app that has none itself. They come from an image of their own, and run as a visitor:
 * in the app's process table, network and IPC, as its user, with its capabilities, filter and limits. The app's files are
 * below /proc/PID/root. The visitor is gone when this command ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/app_change.h"
#include "cli/user_half.h"
#include "cli/verbs.h"

enum { OPT_IMAGE = 1, OPT_TTY, OPT_STDIN };

static const struct opt options[] = {
	{"image", 0, "IMAGE", "where the tools are (default: busybox, when it is here)", OPT_IMAGE, "image"},
	{"tty", 't', NULL, "give them a terminal", OPT_TTY, NULL},
	{"interactive", 'i', NULL, "pass on standard input", OPT_STDIN, NULL},
	{},
};

struct debug {
	struct cli *cli;
	const char *image;
	bool tty, interactive;
	struct pod_making m;
	struct pod_look p;
	struct state s;
	const struct plan_app *app; /* that is looked at */
	char *name;                 /* the visitor's */
};

static int parse(struct debug *d, int argc, char **argv, int *ret_at, struct err *e)
{
	struct opt_walk w = cli_walk(d->cli, argc, argv);
	const struct opt *o;
	const char *value;
	int r;

	while ((r = cli_next(d->cli, &w, &o, &value, e)) > 0) {
		if (o->id == OPT_IMAGE)
			d->image = value;
		else if (o->id == OPT_TTY)
			d->tty = true;
		else
			d->interactive = true;
	}
	*ret_at = w.at;
	return r;
}

/* ---- the visitor ---- */

static const char default_image[] = "busybox";

/* The words of a run of the tools' image; what stands behind POD/APP is its program. */
static int make_pod(struct debug *d, int argc, char **argv, struct err *e)
{
	struct arena *a = d->cli->arena;
	char **words = NULL;

	arena_strv_add(a, &words, "debug");
	arena_strv_add(a, &words, d->image);
	arena_strv_add(a, &words, "--name");
	arena_strv_add(a, &words, d->name);
	/* What nobody named is not fetched behind his back. */
	if (str_equal(d->image, default_image)) {
		arena_strv_add(a, &words, "--pull");
		arena_strv_add(a, &words, "never");
	}
	if (d->tty)
		arena_strv_add(a, &words, "--tty");
	if (d->interactive || d->tty)
		arena_strv_add(a, &words, "--interactive");
	arena_strv_add(a, &words, "--");
	for (int i = 0; i < argc; i++)
		arena_strv_add(a, &words, argv[i]);
	return pod_make_parse(&d->m, d->cli, (int)strv_len(words), words, e);
}

/* Everything that confines the app confines its visitor. */
static void confine_like(struct plan_app *visitor, const struct plan_app *app)
{
	visitor->beside = app->name;
	visitor->kind = APP_SIDECAR;
	visitor->distance = app->distance;
	visitor->hostname = app->hostname;
	visitor->uid = app->uid;
	visitor->gid = app->gid;
	visitor->groups = app->groups;
	visitor->caps = app->caps;
	visitor->new_privs = app->new_privs;
	visitor->seccomp = app->seccomp;
	visitor->limits = app->limits;
	visitor->rlimits.v = app->rlimits.v;
	visitor->rlimits.n = app->rlimits.n;
	visitor->oom_score = app->oom_score;
	visitor->restart = RESTART_NEVER;
	visitor->stop_grace_ns = 0;
}

static int open_pod(struct debug *d, const char *word, struct err *e)
{
	if (user_half_enter_for(d->cli, word, e) < 0 || pod_look_state(d->cli, &d->s, e) < 0 ||
	    pod_look_open(d->cli, &d->s, word, &d->p, e) < 0 || app_need_running(&d->p, e) < 0 ||
	    pod_look_need_app(&d->p, "rocket debug", &d->app, e) < 0)
		return -e->code;
	const struct app_status *s = pod_look_app_status(&d->p, d->app->name);

	if (s && s->pid)
		return 0;
	err_new(e, ERR_STATE, "the app %s does not run", d->app->name);
	err_because(e, "tools stand beside a running app");
	return err_try(e, "rocket logs %s/%s", d->p.plan.name, d->app->name);
}

/* ---- while it is there ---- */

/* The app's pid in its own process table: the last number of NSpid (proc(5)). */
static long inner_pid(const struct debug *d)
{
	const struct app_status *s = pod_look_app_status(&d->p, d->app->name);
	autofree char *text = NULL;
	struct err ignored = {};
	size_t n;
	const char *line, *last;

	if (io_read_file(AT_FDCWD, arena_printf(d->cli->arena, "/proc/%lld/status", (long long)s->pid), 1 << 16, &text, &n,
			 &ignored) < 0)
		return 1;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 1;
	last = line + strlen("\nNSpid:");
	for (const char *c = last; *c && *c != '\n'; c++)
		if (*c == '\t')
			last = c + 1;
	return strtol(last, NULL, 10);
}

static void wait_for_end(struct debug *d)
{
	struct err ignored = {};
	const struct app_status *s;

	while (pod_look_refresh(d->cli, &d->s, &d->p, &ignored) == 0 && d->p.dir.phase == POD_RUNNING &&
	       (s = pod_look_app_status(&d->p, d->name)) && s->state != APP_EXITED)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Rocket's own attach; or what they wrote, in the end, where nothing is typed. */
static int watch(struct debug *d, struct err *e)
{
	char **words = NULL;
	struct arena *a = d->cli->arena;
	pid_t pid;

	if (!d->tty && !d->interactive)
		wait_for_end(d);
	arena_strv_add(a, &words, "rocket");
	if (strcmp(d->cli->dir, "/var/lib/rocket") != 0) {
		arena_strv_add(a, &words, "--dir");
		arena_strv_add(a, &words, d->cli->dir);
	}
	arena_strv_add(a, &words, d->tty || d->interactive ? "attach" : "logs");
	arena_strv_add(a, &words, arena_printf(a, "%s/%s", d->p.plan.name, d->name));
	pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", words);
		_exit(ERR_ROCKET);
	}
	if (pid < 0)
		return err_errno(e, "can't watch the tools");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int visit(struct debug *d, struct err *e)
{
	const struct app_status *s;
	struct err ignored = {};
	int code = ERR_ROCKET;

	if (app_add(&d->m, &d->p, d->name, e) < 0)
		return -e->code;
	cli_say(d->cli, "tools of %s beside %s/%s, whose files are below /proc/%ld/root", d->image, d->p.plan.name,
		d->app->name, inner_pid(d));
	int r = watch(d, e);

	if (pod_look_refresh(d->cli, &d->s, &d->p, &ignored) == 0 &&
	    (s = pod_look_app_status(&d->p, d->name)) && s->exit_code >= 0)
		code = (int)s->exit_code;
	(void)!app_remove(d->cli, &d->s, &d->p, d->name, &ignored);
	return r < 0 ? r : code;
}

static int debug(struct debug *d, const char *word, int argc, char **argv, struct err *e)
{
	int r = open_pod(d, word, e);

	if (r < 0)
		return r;
	d->name = arena_printf(d->cli->arena, "debug-%d", (int)getpid());
	r = make_pod(d, argc, argv, e);
	if (r < 0)
		return r;
	d->m.pod.name = d->p.plan.name;
	d->m.pod.hostname = d->p.plan.hostname;
	d->p.app = NULL;
	r = pod_make_beside(&d->m, &d->p.dir, &d->p.plan, e);
	if (r == -ERR_NOT_FOUND)
		err_try(e, "rocket debug --image IMAGE %s   (one that has tools)", word);
	if (r < 0)
		return r;
	confine_like(&d->m.plan.apps.v[0], d->app);
	return visit(d, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct debug d = {.cli = cli, .image = default_image, .m = POD_MAKING_NONE, .p = POD_LOOK_NONE, .s = {-1, -1}};
	struct err e = {};
	int at, r = parse(&d, argc, argv, &at, &e);

	if (r == 0 && at >= argc)
		r = cli_check_words(cli, 0, 1, -1, &e);
	if (r == 0)
		r = debug(&d, argv[at], argc - at - 1, argv + at + 1, &e);
	pod_make_close(&d.m);
	pod_look_close(&d.p);
	state_close(&d.s);
	return r < 0 ? cli_fail_run(cli, &e) : r;
}

const struct verb cli_verb_debug = {
	.name = "debug",
	.summary = "put tools beside a running app, under the app's own confinement",
	.usage = "[-it] [--image IMAGE] POD[/APP] [PROGRAM [ARG…]]",
	.words = (const char *const[]){"app", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket debug -it shop/web\nrocket debug --image tools shop/web ls -l /proc/1/root/etc",
	.exits = "2: the pod has several apps and none was named\n3: the app does not run\n4: no such pod, app or image\n"
		 "other codes are the program's own",
	.run = run,
};
