/* SPDX-License-Identifier: Apache-2.0 */
/* From a word on the command line to a pod, its plan, its status and its supervisor. */
#include "cli/pod_look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

enum { KILLED = 128 + 9, AT_ONCE = 16 };

void pod_look_close(struct pod_look *p)
{
	pod_dir_close(&p->dir);
}

int pod_look_state(const struct cli *cli, struct state *ret, struct err *e)
{
	return state_open(cli->dir, cli->run_dir, ret, e);
}

static void mark_killed(struct arena *a, struct app_status *app, int64_t when_ns)
{
	if (app->state == APP_EXITED)
		return;
	if (app->pid) {
		app->exit_code = KILLED;
		app->exit_signal = 9;
		app->finished_ns = when_ns;
		app->error = arena_strdup(a, "its supervisor was killed, and it with it");
	}
	app->state = APP_EXITED;
	app->pid = 0;
}

static int read_status(const struct cli *cli, const struct state *s, struct pod_look *p, struct err *e)
{
	struct pod_status status = {.exit_code = -1};

	/* A prepared pod has none; a torn one of a host that went down is as good as none. */
	if (p->dir.phase != POD_PREPARED && status_read(s, &p->dir, cli->arena, &status, e) < 0) {
		status = (struct pod_status){.exit_code = -1};
		*e = (struct err){};
	}
	p->status = status;
	if (p->dir.phase == POD_RUNNING) {
		live_apply(cli->arena, &p->status.live, &p->plan);
		live_links_apply(cli->arena, &p->status.links, &p->plan);
	}
	if (p->dir.phase != POD_EXITED || status.finished_ns)
		return 0;
	for (size_t i = 0; i < p->status.apps.n; i++)
		mark_killed(cli->arena, &p->status.apps.v[i], 0);
	p->status.exit_code = KILLED;
	p->status.supervisor_pid = 0;
	p->status.paused = false;
	return 0;
}

int pod_look_refresh(const struct cli *cli, const struct state *s, struct pod_look *p, struct err *e)
{
	if (state_refresh_phase(s, &p->dir, e) < 0)
		return -e->code;
	return read_status(cli, s, p, e);
}

static int no_app(const struct pod_look *p, struct err *e)
{
	autostr names = {};

	for (size_t i = 0; i < p->plan.apps.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", p->plan.apps.v[i].name);
	err_new(e, ERR_NOT_FOUND, "the pod %s has no app %.63s", p->word, p->app);
	err_because(e, "its apps are: %s", str_text(&names));
	return err_try(e, "rocket status %s", p->word);
}

int pod_look_open(const struct cli *cli, const struct state *s, const char *word, struct pod_look *ret, struct err *e)
{
	const char *slash = strchr(word, '/');
	autolook p = POD_LOOK_NONE;

	p.word = slash ? arena_strndup(cli->arena, word, (size_t)(slash - word)) : word;
	p.app = slash ? slash + 1 : NULL;
	if (state_find_pod(s, p.word, &p.dir, e) < 0 || state_read_plan(&p.dir, cli->arena, &p.plan, e) < 0 ||
	    read_status(cli, s, &p, e) < 0)
		return -e->code;
	if (p.app && !plan_find_app(&p.plan, p.app))
		return no_app(&p, e);
	*ret = p;
	p.dir = (struct pod_dir)POD_DIR_NONE;
	return 0;
}

int pod_look_open_pod(const struct cli *cli, const struct state *s, const char *word, struct pod_look *ret, struct err *e)
{
	const char *slash = strchr(word, '/');

	if (!slash)
		return pod_look_open(cli, s, word, ret, e);
	err_new(e, ERR_USAGE, "%s is for pods, not for one app: %.100s", cli_verb_path(cli), word);
	err_because(e, "a word with '/' names an app of a pod");
	return err_try(e, "%s %.*s", cli_verb_path(cli), (int)(slash - word), word);
}

int pod_look_need_app(struct pod_look *p, const char *example, const struct plan_app **ret, struct err *e)
{
	autostr names = {};

	if (p->app || p->plan.apps.n == 1) {
		*ret = p->app ? plan_find_app(&p->plan, p->app) : &p->plan.apps.v[0];
		p->app = (*ret)->name;
		return 0;
	}
	for (size_t i = 0; i < p->plan.apps.n; i++)
		str_addf(&names, "%s%s/%s", i ? ", " : "", p->word, p->plan.apps.v[i].name);
	err_new(e, ERR_USAGE, "the pod %s has several apps", p->word);
	err_because(e, "one of them is meant: %s", str_text(&names));
	return err_try(e, "%s %s/%s", example, p->word, p->plan.apps.n ? p->plan.apps.v[0].name : "APP");
}

struct app_status *pod_look_app_status(const struct pod_look *p, const char *app)
{
	for (size_t i = 0; i < p->status.apps.n; i++) {
		if (str_equal(p->status.apps.v[i].name, app))
			return &p->status.apps.v[i];
	}
	return NULL;
}

int pod_look_call(const struct cli *cli, const struct state *s, const struct pod_look *p,
		 const struct control_request *request, struct err *e)
{
	struct control_request r = *request;
	struct control_reply reply;
	autoclose int sock = -1;

	r.app = p->app ? arena_strdup(cli->arena, p->app) : NULL;
	if (control_connect(s, &p->dir, &sock, e) < 0)
		return -e->code;
	return control_call(sock, cli->arena, &r, &reply, NULL, NULL, e);
}

int pod_look_stop(const struct cli *cli, const struct state *s, struct pod_look *p, int64_t grace_ns, struct err *e)
{
	char verb[] = "stop";
	const struct control_request request = {.verb = verb, .grace_ns = grace_ns};

	if (p->dir.phase != POD_RUNNING)
		return 0;
	int r = pod_look_call(cli, s, p, &request, e);

	if (r == 0 && p->app)
		return 0;
	/* A pod that ended by itself meanwhile is what was wanted: its supervisor may have had no time to answer. */
	if (r < 0 && e->code != ERR_STATE)
		return r;
	return state_wait_pod(&p->dir, e);
}

int pod_look_each(struct cli *cli, char **words, pod_act_fn *act, void *context)
{
	autostate s = {-1, -1};
	struct err e = {};
	int code = 0;

	if (pod_look_state(cli, &s, &e) < 0)
		return cli_fail(cli, &e);
	for (; *words; words++) {
		struct err one = {};

		if (act(cli, &s, *words, context, &one) == 0)
			continue;
		int failed = cli_fail(cli, &one);

		code = code ? code : failed;
	}
	return code;
}

/* The exit code of a child; one that was killed failed. */
static int child_code(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ERR_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ERR_FAILED;
}

static pid_t start_one(struct cli *cli, char *word, pod_act_fn *act, void *context)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(pod_look_each(cli, (char *[]){word, NULL}, act, context));
	return pid;
}

int pod_look_each_at_once(struct cli *cli, char **words, pod_act_fn *act, void *context)
{
	pid_t pids[AT_ONCE];
	size_t started = 0, ended = 0;
	int code = 0;

	if (!words[0] || !words[1])
		return pod_look_each(cli, words, act, context);
	while (words[started] || ended < started) {
		if (words[started] && started - ended < AT_ONCE) {
			pids[started % AT_ONCE] = start_one(cli, words[started], act, context);
			started++;
			continue;
		}
		pid_t pid = pids[ended % AT_ONCE];
		int failed = pid > 0 ? child_code(pid) : pod_look_each(cli, (char *[]){words[ended], NULL}, act, context);

		code = code ? code : failed;
		ended++;
	}
	return code;
}
