/* SPDX-License-Identifier: Apache-2.0 */
/* POD and POD/APP. See pod_ref.h. */
#include "cli/pod_ref.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "supervise/control.h"

static char *app_names(struct arena *a, const struct plan *p)
{
	autostr names = {};

	for (size_t i = 0; i < p->apps.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", p->apps.v[i].name);
	return arena_strdup(a, str_text(&names));
}

static int choose_app(struct arena *a, struct pod_ref *r, const char *app, struct err *e)
{
	r->app = plan_find_app(&r->plan, app);
	if (r->app)
		return 0;
	err_new(e, ERR_NOT_FOUND, "the pod %s has no app %.64s", r->plan.name, app);
	err_because(e, "its apps are %s", app_names(a, &r->plan));
	return err_try(e, "rocket status %s", r->plan.name);
}

int pod_ref_open(struct cli *cli, const char *word, struct pod_ref *ret, struct err *e)
{
	struct pod_ref r = POD_REF_NONE;
	const char *slash = strchr(word, '/');
	char *pod = slash ? arena_strndup(cli->arena, word, (size_t)(slash - word)) : arena_strdup(cli->arena, word);
	int err = state_open(cli->dir, cli->run_dir, &r.state, e);

	if (err == 0)
		err = state_find_pod(&r.state, pod, &r.pod, e);
	if (err == 0)
		err = state_read_plan(&r.pod, cli->arena, &r.plan, e);
	if (err == 0 && slash)
		err = choose_app(cli->arena, &r, slash + 1, e);
	if (err < 0) {
		pod_ref_close(&r);
		return err;
	}
	*ret = r;
	return 0;
}

void pod_ref_close(struct pod_ref *r)
{
	pod_dir_close(&r->pod);
	state_close(&r->state);
}

int pod_ref_need_app(struct pod_ref *r, const char *word, struct err *e)
{
	autoarena a = {};

	if (r->app)
		return 0;
	if (r->plan.apps.n == 1) {
		r->app = &r->plan.apps.v[0];
		return 0;
	}
	err_new(e, ERR_USAGE, "the pod %s has several apps: which one?", r->plan.name);
	err_because(e, "its apps are %s", app_names(&a, &r->plan));
	return err_try(e, "%s/%s", word, r->plan.apps.v[0].name);
}

int pod_ref_app_pidfd(struct cli *cli, const struct pod_ref *r, int *ret_pidfd, int64_t *ret_pid, struct err *e)
{
	const struct control_request request = { .verb = (char *)"app", .app = r->app->name };
	struct control_reply reply = {};
	autoclose int sock = -1;
	int fd = -1;
	size_t n = 1;
	int err;

	if (r->pod.phase != POD_RUNNING) {
		err_new(e, ERR_STATE, "the pod %s does not run", r->plan.name);
		err_because(e, "it is %s", pod_phase_names[r->pod.phase]);
		return err_try(e, "rocket %s %s", r->pod.phase == POD_PREPARED ? "run-prepared" : "start", r->plan.name);
	}
	err = control_connect(&r->state, &r->pod, &sock, e);
	if (err == 0)
		err = control_call(sock, cli->arena, &request, &reply, &fd, &n, e);
	if (err < 0)
		return err;
	if (n != 1)
		return err_new(e, ERR_FAILED, "the pod's supervisor sent no process");
	*ret_pidfd = fd;
	*ret_pid = reply.text ? strtoll(reply.text, NULL, 10) : 0;
	return 0;
}
