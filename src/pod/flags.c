/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the command line: which word is an image, a flag, an argument, and whom a flag is
 * for. It gathers first and applies then, because only at the end is it known whether there is one
 * image or several, and what the apps are called. Pure but for the files that the caller reads for
 * it.
 */
#include "pod/flags.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/flags_parts.h"
#include "pod/limits.h"
#include "pod/manifest.h"
#include "pod/names.h"
#include "pod/paths.h"

static bool is_of(const struct opt *table, const struct opt *o)
{
	for (; table->name; table++)
		if (table == o)
			return true;
	return false;
}

static bool is_separator(const struct opt_walk *w)
{
	return w->at < w->argc && w->cluster == 0 && !strcmp(w->argv[w->at], "---");
}

static int take_flag(struct flags *f, const struct opt *o, const char *value, int app,
		     struct err *e)
{
	if (f->in->globals && is_of(f->in->globals, o))
		return f->in->take_global(f->in->context, o, value, e);
	*list_add(f->arena, &f->list) = (struct flag){.opt = o, .value = value, .app = app};
	return 0;
}

/* Flags up to the first word that is none. */
static int walk_flags(struct flags *f, struct opt_walk *w, int app, struct err *e)
{
	const struct opt *o;
	const char *value;
	int rc;

	while (!is_separator(w)) {
		rc = opt_next(w, &o, &value, e);
		if (rc <= 0)
			return rc;
		rc = take_flag(f, o, value, app, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int walk_image(struct flags *f, struct opt_walk *w, struct err *e)
{
	const char *word = w->at < w->argc ? w->argv[w->at] : NULL;

	if (!word || *word == '-' || !*word) {
		err_new(e, ERR_USAGE, "an image is missing");
		err_because(e, "'%.80s' stands where it should be", word ? word : "nothing");
		return err_try(e, "rocket run IMAGE … --- IMAGE …");
	}
	list_add(f->arena, &f->pod.apps)->image = arena_strdup(f->arena, word);
	w->at++;
	return 0;
}

/* The app's own arguments, up to "---" or the end. */
static void walk_args(struct flags *f, struct opt_walk *w)
{
	struct pod_app *app = &f->pod.apps.v[f->pod.apps.n - 1];

	for (; w->at < w->argc && !is_separator(w); w->at++)
		arena_strv_add(f->arena, &app->args, w->argv[w->at]);
}

/* "IMAGE [APP FLAGS] [--] [ARG…]" */
static int walk_app(struct flags *f, struct opt_walk *w, struct err *e)
{
	const struct opt *tables[] = {flags_app_options, flags_pod_options, f->in->globals, NULL};
	const struct opt *const *before = w->tables;
	int rc = walk_image(f, w, e);

	if (rc)
		return rc;
	w->tables = tables;
	rc = walk_flags(f, w, (int)f->pod.apps.n - 1, e);
	w->tables = before;
	if (!rc)
		walk_args(f, w);
	return rc;
}

static int walk_line(struct flags *f, struct err *e)
{
	const struct opt *tables[] = {flags_pod_options, flags_app_options, f->in->globals, NULL};
	struct opt_walk w = {.argc = f->in->argc, .argv = f->in->argv, .at = 1, .tables = tables};
	int rc = walk_flags(f, &w, -1, e);

	if (rc || w.at == w.argc)
		return rc;
	if ((rc = walk_app(f, &w, e)))
		return rc;
	while (w.at < w.argc) {
		w.at++; /* the separator: what "--" ended, it begins again */
		w.ended = false;
		if ((rc = walk_app(f, &w, e)))
			return rc;
	}
	return 0;
}

/* ---- whom a flag is for ---- */

char *flag_text(const struct flags *f, const struct flag *flag)
{
	const struct opt *o = flag->opt;
	char *name = o->letter ? arena_printf(f->arena, "-%c", o->letter)
			       : arena_printf(f->arena, "--%s", o->name);

	return flag->value ? arena_printf(f->arena, "%s %s", name, flag->value) : name;
}

static bool is_app_flag(const struct flag *flag)
{
	return is_of(flags_app_options, flag->opt);
}

static int check_place(const struct flags *f, const struct flag *flag, struct err *e)
{
	size_t apps = f->pod.apps.n;
	const char *first = apps ? f->pod.apps.v[0].image : NULL;
	const char *text = flag_text(f, flag);

	if (f->run.file && is_app_flag(flag)) {
		err_new(e, ERR_USAGE, "%s is a flag of one app, and there is -f", text);
		err_because(e, "with -f the manifest says what the apps are");
		return err_try(e, "write it into %s, or --hole for a hole", f->run.file);
	}
	if (apps < 2)
		return 0;
	if (is_app_flag(flag) && flag->app < 0) {
		err_new(e, ERR_USAGE, "%s is a flag of one app, and the pod has %zu", text, apps);
		err_because(e, "before the first image it does not say which app it is for");
		return err_try(e, "rocket run … %s %s … (behind the image that it is for)", first,
			       text);
	}
	if (!is_app_flag(flag) && flag->app >= 0) {
		err_new(e, ERR_USAGE, "%s is a flag of the whole pod, and stands behind an image",
			text);
		err_because(e, "in a pod of %zu apps it would read like that app's alone", apps);
		return err_try(e, "rocket run %s %s … (before the first image)", text, first);
	}
	return 0;
}

static int check_places(const struct flags *f, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->list.n && !rc; i++)
		rc = check_place(f, &f->list.v[i], e);
	return rc;
}

/* ---- -f ---- */

static int find_file(struct flags *f, struct err *e)
{
	for (size_t i = 0; i < f->list.n; i++) {
		const struct flag *flag = &f->list.v[i];

		if (!is_of(flags_pod_options, flag->opt) || strcmp(flag->opt->name, "file"))
			continue;
		if (f->run.file)
			return flag_bad(f, flag, e,
					"one manifest describes one pod: -f is given once");
		f->run.file = flag->value;
	}
	return 0;
}

static bool has_flag(const struct flags *f, const char *name)
{
	for (size_t i = 0; i < f->list.n; i++)
		if (!strcmp(f->list.v[i].opt->name, name))
			return true;
	return false;
}

/* The folder that a manifest's relative paths start from. */
static char *dir_of(struct arena *a, const char *base, const char *file)
{
	char *path = path_clean(a, base, file);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (!slash || !strcmp(file, "-"))
		return arena_strdup(a, base);
	slash[slash == path] = 0;
	return path;
}

static int read_manifest(struct flags *f, struct err *e)
{
	struct native_input in = {.arena = f->arena, .file = f->run.file};
	const char *text;
	size_t len;
	int rc;

	if (f->pod.apps.n) {
		err_new(e, ERR_USAGE, "-f %s and the image %s can't go together", f->run.file,
			f->pod.apps.v[0].image);
		return err_because(e, "with -f the manifest says what the apps are");
	}
	if ((rc = f->in->read_file(f->in->context, f->run.file, &text, &len, e)))
		return rc;
	in.base_dir = dir_of(f->arena, f->in->base_dir, f->run.file);
	in.warn = has_flag(f, "ignore-unknown") ? f->in->warn : NULL;
	return manifest_parse(&in, text, len, &f->pod, e);
}

/* ---- names first, then everything else ---- */

static int is_app_name(const struct flag *flag)
{
	return is_app_flag(flag) && !strcmp(flag->opt->name, "name");
}

static int name_apps(struct flags *f, struct err *e)
{
	int rc;

	for (size_t i = 0; i < f->list.n; i++) {
		const struct flag *flag = &f->list.v[i];

		if (!is_app_name(flag))
			continue;
		if ((rc = name_check(NAME_APP, flag->value, e)))
			return rc;
		f->pod.apps.v[flag->app < 0 ? 0 : flag->app].name =
			arena_strdup(f->arena, flag->value);
	}
	for (size_t i = 0; i < f->pod.apps.n; i++)
		if (!f->pod.apps.v[i].name)
			f->pod.apps.v[i].name =
				pod_free_app_name(f->arena, &f->pod, f->pod.apps.v[i].image);
	return 0;
}

static int apply_all(struct flags *f, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->list.n && !rc; i++) {
		const struct flag *flag = &f->list.v[i];

		if (is_app_flag(flag))
			rc = flags_apply_app(f, flag, &f->pod.apps.v[flag->app < 0 ? 0 : flag->app],
					     e);
		else
			rc = flags_apply_pod(f, flag, e);
	}
	return rc;
}

static int check_limits(const struct flags *f, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->pod.apps.n && !rc; i++) {
		rc = flags_settle_swap(&f->pod.apps.v[i], e);
		if (!rc)
			rc = limits_check(&f->pod.apps.v[i].limits, e);
	}
	return rc;
}

static int nothing_to_run(struct err *e)
{
	err_new(e, ERR_USAGE, "there is nothing to run");
	err_because(e, "neither an image nor -f FILE is given");
	return err_try(e, "rocket run IMAGE [ARG…]");
}

int flags_parse(const struct flags_input *in, struct pod *ret_pod, struct run_flags *ret_run,
		struct err *e)
{
	struct flags f = {.in = in, .arena = in->arena};
	int rc = walk_line(&f, e);

	if (rc)
		return rc;
	if ((rc = find_file(&f, e)) || (rc = check_places(&f, e)))
		return rc;
	if (f.run.file && (rc = read_manifest(&f, e)))
		return rc;
	if (!f.pod.apps.n)
		return nothing_to_run(e);
	if ((rc = name_apps(&f, e)) || (rc = apply_all(&f, e)) || (rc = check_limits(&f, e)))
		return rc;
	*ret_pod = f.pod;
	*ret_run = f.run;
	return 0;
}
