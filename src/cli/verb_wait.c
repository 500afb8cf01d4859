/* SPDX-License-Identifier: Apache-2.0 */
/* rocket wait: until pods are over; prints each one's exit code, and ends with it. */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"

enum { PAUSE_MS = 20 };

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* The app's process now, as a descriptor that becomes readable at its end; -1 between two of them. */
static int app_pidfd(const struct cli *cli, const struct state *s, const struct pod_look *p)
{
	char verb[] = "app";
	struct control_request request = {.verb = verb, .app = arena_strdup(cli->arena, p->app)};
	struct control_reply reply;
	struct err ignored = {};
	autoclose int sock = -1;
	int fd = -1;
	size_t n = 1;

	if (control_connect(s, &p->dir, &sock, &ignored) < 0 ||
	    control_call(sock, cli->arena, &request, &reply, &fd, &n, &ignored) < 0 || n == 0)
		return -1;
	return fd;
}

/* Until the app is over for good: it may be restarted in between. */
static int wait_app(const struct cli *cli, const struct state *s, struct pod_look *p, struct err *e)
{
	for (;;) {
		const struct app_status *app = pod_look_app_status(p, p->app);

		if (p->dir.phase != POD_RUNNING || (app && app->state == APP_EXITED))
			return 0;
		autoclose int fd = app_pidfd(cli, s, p);
		struct pollfd end = {.fd = fd, .events = POLLIN};

		if (fd >= 0)
			poll(&end, 1, -1);
		/* The supervisor needs a moment to write what it knows of it; a back-off has no process at all. */
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
		if (pod_look_refresh(cli, s, p, e) < 0)
			return -e->code;
	}
}

static int exit_code_of(const struct pod_look *p, int *ret, struct err *e)
{
	const struct app_status *app = p->app ? pod_look_app_status(p, p->app) : NULL;
	int64_t code = p->app ? (app ? app->exit_code : -1) : p->status.exit_code;

	if (code >= 0) {
		*ret = (int)code;
		return 0;
	}
	err_new(e, ERR_ROCKET, "%s%s%s never ended", p->word, p->app ? "/" : "", p->app ? p->app : "");
	err_because(e, p->dir.phase == POD_PREPARED ? "the pod is prepared, it was not started" : "it was not started");
	return err_try(e, "rocket status %s", p->word);
}

/* The supervisor's own word, which a pod of --rm leaves nowhere else. False when there was none to be had. */
static bool ask_supervisor(struct cli *cli, const struct state *s, struct pod_look *p, int *ret)
{
	const struct control_request request = {.verb = (char *)"wait"};
	struct control_reply reply = {};
	struct err ignored = {};
	autoclose int sock = -1;

	if (control_connect(s, &p->dir, &sock, &ignored) < 0 ||
	    control_call(sock, cli->arena, &request, &reply, NULL, NULL, &ignored) < 0 || !reply.text)
		return false;
	*ret = (int)strtol(reply.text, NULL, 10);
	return true;
}

static int wait_for(struct cli *cli, const struct state *s, const char *word, int *ret, struct err *e)
{
	autolook p = POD_LOOK_NONE;

	if (pod_look_open(cli, s, word, &p, e) < 0)
		return -e->code;
	if (p.app && wait_app(cli, s, &p, e) < 0)
		return -e->code;
	if (!p.app && p.dir.phase == POD_RUNNING && ask_supervisor(cli, s, &p, ret))
		return 0;
	if (!p.app && p.dir.phase == POD_RUNNING &&
	    (state_wait_pod(&p.dir, e) < 0 || pod_look_refresh(cli, s, &p, e) < 0))
		return -e->code;
	return exit_code_of(&p, ret, e);
}

struct waiting {
	int code; /* of the first that did not end well */
};

static int wait_one(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e)
{
	struct waiting *w = context;
	autostr line = {};
	int code = 0;

	if (wait_for(cli, s, word, &code, e) < 0)
		return err_recode(e, ERR_ROCKET);
	str_addf(&line, "%d\n", code);
	w->code = w->code ? w->code : code;
	return cli_print(cli, line.text, line.len);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct waiting w = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	int failed = pod_look_each(cli, words, wait_one, &w);

	return failed ? failed : w.code;
}

const struct verb cli_verb_wait = {
	.name = "wait",
	.summary = "wait until pods or apps are over, print their exit codes and end with it",
	.usage = "POD[/APP]…",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket wait shop\ncode=$(rocket wait shop/web)",
	.exits = "0 to 255: the exit code, of the first that is not 0\n125: Rocket failed, or there is no such pod",
	.run = run,
};
