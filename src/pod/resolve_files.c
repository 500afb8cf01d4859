/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets and config files of an app: each becomes a file of the plan with the app's user as its owner, and a mount.
 * Also what lies between apps: `after`, and probes. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/params.h"
#include "pod/place.h"
#include "pod/probe_parse.h"
#include "pod/resolve_parts.h"

enum { SECRET_MODE = 0400, CONFIG_MODE = 0444 };

/* ---- files ---- */

static const struct pod_file *find_file(const struct resolve *r, const char *name, bool secret)
{
	for (size_t i = 0; i < r->pod->files.n; i++) {
		const struct pod_file *f = &r->pod->files.v[i];

		if (!f->is_placed && f->secret == secret && !strcmp(f->name, name))
			return f;
	}
	return NULL;
}

static int unknown_file(const struct resolve *r, const struct pod_file_use *u, struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->files.n + 1) * sizeof(*names));
	const char *word = u->secret ? "secret" : "config file", *near;
	size_t n = 0;

	for (size_t i = 0; i < r->pod->files.n; i++)
		if (r->pod->files.v[i].secret == u->secret)
			names[n++] = r->pod->files.v[i].name;
	near = str_nearest(u->name, names);
	err_new(e, ERR_USAGE, "the pod has no %s '%s'", word, u->name);
	err_because(e, "the pod says where it comes from, an app where it wants it");
	if (near)
		err_try(e, "%s", near);
	else
		err_try(e, "%s: {%s: {file: ./%s}} of the pod", u->secret ? "secrets" : "config",
			u->name, u->name);
	return place_err_text(u->place, e);
}

/* One use: the file in the plan. *ret_target: where the app has it. */
int resolve_file_use(struct resolve *r, const struct resolve_app *ra, const struct pod_file_use *u,
		     struct plan_file *ret, char **ret_target, struct err *e)
{
	const struct pod_file *f = find_file(r, u->name, u->secret);

	if (!f)
		return unknown_file(r, u, e);
	*ret = (struct plan_file){
		.name = arena_printf(r->arena, "%s/%s/%s", ra->asked->name,
				     u->secret ? "secrets" : "config", u->name),
		.from = f->from,
		.source = f->source,
		.base64 = f->base64,
		.secret = f->secret,
		.mode = u->mode ? u->mode : u->secret ? SECRET_MODE : CONFIG_MODE,
		.uid = ra->account.uid,
		.gid = ra->account.gid,
	};
	*ret_target = u->target ? u->target : arena_printf(r->arena, "/run/secrets/%s", u->name);
	return 0;
}

static int check_stdin(const struct resolve *r, struct err *e)
{
	const struct pod_file *first = NULL;

	for (size_t i = 0; i < r->pod->files.n; i++) {
		const struct pod_file *f = &r->pod->files.v[i];

		if (f->from != FILE_STDIN)
			continue;
		if (first) {
			err_new(e, ERR_USAGE, "two secrets come from standard input: '%s' and '%s'",
				first->name, f->name);
			err_because(e, "there is one standard input");
			return place_err_text(f->place, e);
		}
		first = f;
	}
	return 0;
}

int resolve_files(struct resolve *r, struct err *e)
{
	for (size_t i = 0; i < r->pod->files.n; i++) {
		const struct pod_file *f = &r->pod->files.v[i];

		for (size_t j = 0; j < i; j++) {
			if (f->secret != r->pod->files.v[j].secret || strcmp(f->name, r->pod->files.v[j].name))
				continue;
			err_new(e, ERR_USAGE, "'%s' is declared twice", f->name);
			return place_err_text(f->place, e);
		}
		if (f->is_placed)
			*list_add(r->arena, &r->plan->files) = (struct plan_file){
				.name = f->name,
				.from = f->from,
				.source = f->source,
				.base64 = f->base64,
				.secret = f->secret,
				.mode = f->mode,
				.gid = f->gid,
			};
	}
	r->plan->deadline_ns = r->pod->deadline_ns;
	return check_stdin(r, e);
}

/* ---- after ---- */

static int index_of_app(const struct pod *p, const char *name)
{
	const struct pod_app *app = pod_find_app(p, name);

	return app ? (int)(app - p->apps.v) : -1;
}

static int unknown_after(const struct resolve *r, const struct pod_app *app, const char *word,
			 struct err *e)
{
	const char **names = arena_alloc(r->arena, (r->pod->apps.n + 1) * sizeof(*names));
	const char *near;

	for (size_t i = 0; i < r->pod->apps.n; i++)
		names[i] = r->pod->apps.v[i].name;
	near = str_nearest(word, names);
	err_new(e, ERR_USAGE, "app '%s' starts after '%.60s', and the pod has no such app", app->name,
		word);
	err_because(e, "after names apps of the same pod");
	if (near)
		err_try(e, "after: [%s]", near);
	return place_err_text(app->place, e);
}

enum mark { FRESH, ON_THE_WAY, DONE };

/* Depth first over who waits for whom; an app that is met on its own way waits for itself. */
static int visit(const struct resolve *r, size_t i, unsigned char *marks, struct str *way,
		 struct err *e)
{
	const struct pod_app *app = &r->pod->apps.v[i];
	size_t before = way->len;
	int rc = 0;

	if (marks[i] == DONE)
		return 0;
	str_addf(way, "%s%s", way->len ? " → " : "", app->name);
	if (marks[i] == ON_THE_WAY) {
		err_new(e, ERR_USAGE, "the apps wait for each other, and none would ever start");
		err_because(e, "after: %.300s", str_text(way));
		err_try(e, "take one of these out of `after`");
		return place_err_text(app->place, e);
	}
	marks[i] = ON_THE_WAY;
	for (char **w = app->after; w && *w && !rc; w++) {
		int next = index_of_app(r->pod, *w);

		if (next < 0)
			return unknown_after(r, app, *w, e);
		if (app->kind != APP_MAIN && r->pod->apps.v[next].kind == APP_MAIN) {
			err_new(e, ERR_USAGE, "app '%s' is of kind %s and can't start after '%s'", app->name,
				app_kind_names[app->kind], *w);
			err_because(e, "inits and sidecars start before all other apps");
			return place_err_text(app->place, e);
		}
		rc = visit(r, (size_t)next, marks, way, e);
	}
	marks[i] = DONE;
	if (!rc) {
		way->len = before;
		if (way->text)
			way->text[before] = 0;
	}
	return rc;
}

int resolve_order(struct resolve *r, struct err *e)
{
	unsigned char *marks = arena_alloc(r->arena, r->pod->apps.n);
	int rc = 0;

	for (size_t i = 0; i < r->pod->apps.n && !rc; i++) {
		autostr way = {};

		rc = visit(r, i, marks, &way, e);
	}
	return rc;
}

/* ---- an app's probes ---- */

int resolve_probes(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_app *asked = ra->asked;
	struct plan_app *app = &ra->app;
	struct plan_probe *hooks[] = {&app->post_start, &app->pre_stop};

	app->ready = asked->ready;
	app->alive = asked->alive;
	app->started = asked->started;
	app->post_start = asked->post_start;
	app->pre_stop = asked->pre_stop;
	app->after = asked->after;
	probe_set_defaults(&app->ready);
	probe_set_defaults(&app->alive);
	probe_set_defaults(&app->started);
	/* A hook runs once and has the time that it needs, as far as a stop's grace lets it. */
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i]->kind != PROBE_NONE && !hooks[i]->timeout_ns)
			hooks[i]->timeout_ns = INT64_C(3600) * 1000000000;
	if (app->kind == APP_INIT && (app->ready.kind || app->alive.kind || app->started.kind)) {
		err_new(e, ERR_USAGE, "app '%s' is of kind init and can't have probes", asked->name);
		return err_because(e, "it is done when it ends; nobody waits for it to be ready");
	}
	return params_apply(r, ra, e);
}
