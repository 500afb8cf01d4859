/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running pod gets and loses apps. The places for apps are reserved when the pod starts, because descriptors and clients
 * point at them; lists of the plan and of the status may move, and who points into them is told. A removed app keeps its
 * place, over for good, until the pod ends.
 */
#include <string.h>

#include "base/cleanup.h"
#include "supervise/live_apps.h"
#include "supervise/supervisor.h"

/* ---- adding ---- */

static int refuse(const struct supervisor *s, const struct app_change *c, struct err *e)
{
	const struct plan_app *app = c->apps.n == 1 ? &c->apps.v[0] : NULL;

	if (!app || !app->name || !app->argv)
		return err_new(e, ERR_USAGE, "an app is added by itself");
	if (s->stopping) {
		err_new(e, ERR_STATE, "can't add an app to the pod %s", s->plan.name);
		err_because(e, "it is being stopped");
		return err_try(e, "rocket wait %s", s->plan.name);
	}
	if (supervisor_find_app((struct supervisor *)(uintptr_t)s, app->name)) {
		err_new(e, ERR_USAGE, "the pod %s has an app %s already", s->plan.name, app->name);
		err_because(e, "an app's name is its host name in the pod");
		return err_try(e, "rocket app add %s IMAGE --name OTHER", s->plan.name);
	}
	if (s->plan.apps.n >= s->n_places) {
		err_new(e, ERR_FAILED, "the pod %s can't have one more app while it runs", s->plan.name);
		err_because(e, "%zu apps were added to and taken from it since its start", (size_t)SUPERVISOR_SPARE_APPS);
		return err_try(e, "rocket restart %s", s->plan.name);
	}
	if (app->distance != DISTANCE_APART || app->beside)
		return 0;
	err_new(e, ERR_USAGE, "the app %s would stand apart, and the pod runs", app->name);
	err_because(e, "the namespaces of apps that stand apart are made when the pod starts");
	return err_try(e, "rocket app add --distance close …, or rocket run -f pod.yaml");
}

/* Lists have moved: who points into them looks again. */
static void point_again(struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++) {
		struct app *a = &s->apps[i];

		a->plan = &s->plan.apps.v[i];
		a->status = &s->status.apps.v[i];
		probes_point_again(a);
	}
}

static void grow_volumes(struct supervisor *s, const struct app_change *c)
{
	size_t n = s->plan.volumes.n;
	int *fds = arena_alloc(&s->arena, (n + c->volumes.n + 1) * sizeof(*fds));
	struct view *views = arena_alloc(&s->arena, (s->n_views + c->volumes.n + 2) * sizeof(*views));

	memcpy(fds, s->volume_fds, n * sizeof(*fds));
	memcpy(views, s->views, s->n_views * sizeof(*views));
	for (size_t i = n; i <= n + c->volumes.n; i++)
		fds[i] = -1;
	s->volume_fds = fds;
	s->views = views;
}

int pod_add_app(struct supervisor *s, struct app_change *c, struct err *e)
{
	size_t n = s->plan.apps.n, files = s->plan.files.n;
	int r = refuse(s, c, e);

	if (r == 0)
		r = app_change_keep(s->pod.fd, c, e);
	if (r < 0)
		return r;
	grow_volumes(s, c);
	app_change_apply(&s->arena, c, &s->plan);
	supervisor_init_app(s, n);
	point_again(s);
	r = pod_add_files(s, files, e);
	if (r == 0)
		r = circle_rewrite_hosts(s, 0, e);
	supervisor_event(s, "app-added", &s->apps[n], NULL);
	if (r == 0)
		r = order_start_next(s, e);
	supervisor_save_status(s);
	return r;
}

/* ---- taking away ---- */

static size_t count_apps(const struct supervisor *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.apps.n; i++)
		n += !s->apps[i].removed;
	return n;
}

int pod_remove_app(struct supervisor *s, struct app *a, struct err *e)
{
	struct app_change c = { .remove = a->plan->name };

	if (count_apps(s) == 1) {
		err_new(e, ERR_USAGE, "%s is the only app of the pod %s", a->plan->name, s->plan.name);
		err_because(e, "a pod has at least one app");
		return err_try(e, "rocket rm -f %s", s->plan.name);
	}
	if (strcmp(s->plan.exit ?: "all", a->plan->name) == 0) {
		err_new(e, ERR_USAGE, "the pod %s is over when its app %s is", s->plan.name, a->plan->name);
		err_because(e, "exit: %s", a->plan->name);
		return err_try(e, "rocket rm -f %s", s->plan.name);
	}
	int r = app_change_keep(s->pod.fd, &c, e);
	if (r < 0)
		return r;
	a->removed = true;
	supervisor_event(s, "app-removed", a, NULL);
	if (a->status->state == APP_EXITED)
		pod_forget_app(s, a);
	else
		app_stop(a, -1);
	return 0;
}

void pod_forget_app(struct supervisor *s, struct app *a)
{
	struct err e = {};

	static char nobody[] = "";

	app_close(a);
	a->has_cgroup = false;
	/* Its name is free for another. */
	a->status->name = nobody;
	a->status->error = NULL;
	if (circle_rewrite_hosts(s, 0, &e) < 0)
		supervisor_event(s, "cleanup-failed", a, e.what);
}
