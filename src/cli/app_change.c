/* SPDX-License-Identifier: Apache-2.0 */
/* See app_change.h. */
#include "cli/app_change.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "boundary/seccomp.h"
#include "supervise/live_apps.h"

int app_need_running(const struct pod_look *p, struct err *e)
{
	if (p->dir.phase == POD_RUNNING)
		return 0;
	err_new(e, ERR_STATE, "the pod %s does not run", p->word);
	err_because(e, "it is %s", pod_phase_names[p->dir.phase]);
	return err_try(e, p->dir.phase == POD_PREPARED ? "rocket run-prepared %s" : "rocket start %s", p->word);
}

int app_change_hole(struct cli *cli, const struct state *s, struct pod_look *p, const char *verb, const struct hole *h,
		    struct err *e)
{
	const struct control_request request = {
		.verb = arena_strdup(cli->arena, verb), .text = h->text, .why = h->why, .keep = true};
	const char *app = p->app;

	p->app = NULL;
	int r = pod_look_call(cli, s, p, &request, e);

	p->app = app;
	return r;
}

static bool is_network(const struct hole *h)
{
	return h->kind == HOLE_IN || h->kind == HOLE_OUT;
}

static bool starts_with_app(const char *file, const char *app)
{
	size_t n = strlen(app);

	return strncmp(file, app, n) == 0 && file[n] == '/';
}

static bool mounts(const struct plan_app *app, enum mount_kind kind, const char *source)
{
	for (size_t i = 0; i < app->mounts.n; i++)
		if (app->mounts.v[i].kind == kind && str_equal(app->mounts.v[i].source, source))
			return true;
	return false;
}

static void fill_change(struct arena *a, const struct plan *plan, const struct plan_app *app, struct app_change *c)
{
	*list_add(a, &c->apps) = *app;
	for (size_t i = 0; i < plan->volumes.n; i++)
		if (mounts(app, MOUNT_VOLUME, plan->volumes.v[i].name))
			*list_add(a, &c->volumes) = plan->volumes.v[i];
	for (size_t i = 0; i < plan->files.n; i++)
		if (starts_with_app(plan->files.v[i].name, app->name) ||
		    str_has_prefix(plan->files.v[i].name, "kube/"))
			*list_add(a, &c->files) = plan->files.v[i];
	for (size_t i = 0; i < plan->holes.n; i++)
		if (!is_network(&plan->holes.v[i]) && str_equal(plan->holes.v[i].app, app->name))
			*list_add(a, &c->holes) = plan->holes.v[i];
}

static int ask_add(struct pod_making *m, struct pod_look *p, const struct app_change *c, struct err *e)
{
	autostr text = {};
	char verb[] = "app-add";

	record_write(&text, &app_change_set, c, RECORD_COMPACT);
	if (text.len > CONTROL_PACKET_MAX / 2) {
		err_new(e, ERR_FAILED, "the app %s is described by too many words for a running pod", c->apps.v[0].name);
		err_because(e, "its environment, mounts and files take %zu bytes; %d can be sent", text.len,
			    CONTROL_PACKET_MAX / 2);
		return err_try(e, "rocket run -f pod.yaml");
	}
	const struct control_request request = {.verb = verb, .text = text.text};

	p->app = NULL;
	return pod_look_call(m->cli, &m->state, p, &request, e);
}

int app_add(struct pod_making *m, struct pod_look *p, const char *name, struct err *e)
{
	const struct plan_app *app = plan_find_app(&m->plan, name);
	struct app_change c = {};
	int r = seccomp_has_profile(app) ? pod_make_profile(m, &p->dir, app, e) : 0;

	fill_change(m->cli->arena, &m->plan, app, &c);
	if (r == 0)
		r = ask_add(m, p, &c, e);
	for (size_t i = 0; r == 0 && i < m->plan.holes.n; i++) {
		const struct hole *h = &m->plan.holes.v[i];

		if (is_network(h) && str_equal(h->app, name))
			r = app_change_hole(m->cli, &m->state, p, "hole-add", h, e);
	}
	return r;
}

/* What the app had on disk: its layer, and its filter. Its log stays with the pod. */
static void remove_folders(const struct pod_look *p, const char *name)
{
	static const char *const suffixes[] = {"upper", "work", "root", "seccomp"};
	struct err ignored = {};
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(path, sizeof(path), "%s.%s", name, suffixes[i]);
		(void)!io_remove_tree(p->dir.fd, path, &ignored);
	}
}

int app_remove(struct cli *cli, const struct state *s, struct pod_look *p, const char *name, struct err *e)
{
	char verb[] = "app-rm";
	const struct control_request request = {.verb = verb, .app = arena_strdup(cli->arena, name)};
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->plan.holes.n; i++) {
		const struct hole *h = &p->plan.holes.v[i];

		if (is_network(h) && *h->text && str_equal(h->app, name))
			r = app_change_hole(cli, s, p, "hole-rm", h, e);
	}
	if (r == 0) {
		p->app = request.app;
		r = pod_look_call(cli, s, p, &request, e);
		p->app = NULL;
	}
	if (r == 0)
		remove_folders(p, name);
	return r;
}
