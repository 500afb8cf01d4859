/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket apply: a running pod is made to match its manifest, with the fewest changes. Both are plans; they are compared app
 * by app and hole by hole. What only a new start can change is told.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "cli/app_change.h"
#include "cli/user_half.h"
#include "cli/verbs.h"

enum { OPT_DRY = 1, OPT_FILE };

static const struct opt options[] = {
	{"file", 'f', "FILE", "the manifest", OPT_FILE, "file"},
	{"dry-run", 'n', NULL, "show what would change, and change nothing", OPT_DRY, NULL},
	{},
};

struct apply {
	struct cli *cli;
	const char *file;
	bool dry;
	struct pod_making m;
	struct pod_look p;
	struct state s;
	unsigned changes;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct apply *ap = context;

	if (o->id == OPT_FILE)
		ap->file = value;
	else
		ap->dry = true;
	return 0;
}

/* ---- comparing ---- */

static bool same_field(const struct field *f, const void *a, const void *b)
{
	const struct field_set one = {.name = "one", .fields = f, .n = 1};
	autostr x = {}, y = {};

	record_write(&x, &one, a, RECORD_COMPACT);
	record_write(&y, &one, b, RECORD_COMPACT);
	return str_equal(str_text(&x), str_text(&y));
}

/* The keys in which two structs of one table differ, but for those in `without`. */
static void add_differences(struct str *out, const struct field_set *set, const void *a, const void *b,
			    const char *const *without)
{
	for (size_t i = 0; i < set->n; i++) {
		bool skip = false;

		for (const char *const *w = without; *w; w++)
			skip |= strcmp(*w, set->fields[i].key) == 0;
		if (!skip && !same_field(&set->fields[i], a, b))
			str_addf(out, "%s%s", out->len ? ", " : "", set->fields[i].key);
	}
}

/* What an app's files are made of belongs to it, too. */
static bool same_files(const struct plan *a, const struct plan *b, const char *app)
{
	autostr x = {}, y = {};
	const struct plan *const plans[] = {a, b};
	struct str *const texts[] = {&x, &y};

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < plans[k]->files.n; i++) {
			const struct plan_file *f = &plans[k]->files.v[i];
			size_t n = strlen(app);

			if (strncmp(f->name, app, n) == 0 && f->name[n] == '/')
				record_write(texts[k], &plan_file_set, f, RECORD_COMPACT);
		}
	return str_equal(str_text(&x), str_text(&y));
}

static void app_differences(const struct apply *ap, const struct plan_app *old, const struct plan_app *new,
			    struct str *out)
{
	static const char *const none[] = {NULL};

	add_differences(out, &plan_app_set, old, new, none);
	if (!same_files(&ap->p.plan, &ap->m.plan, old->name))
		str_addf(out, "%ssecrets or config", out->len ? ", " : "");
}

static int refuse_pod_changes(const struct apply *ap, struct err *e)
{
	/* What is compared by itself, or is this start's alone. */
	static const char *const without[] = {"apps", "volumes", "files", "holes", "links", "ids", "id", "created_ns",
					      "boot_id", "cgroup", "remove", "labels", NULL};
	autostr keys = {};

	add_differences(&keys, &plan_set, &ap->p.plan, &ap->m.plan, without);
	if (!same_field(&(struct field)FIELD(struct plan, links, "links", FIELD_LIST, .sub = &link_set), &ap->p.plan,
			&ap->m.plan))
		str_addf(&keys, "%slinks", keys.len ? ", " : "");
	if (!keys.len)
		return 0;
	err_new(e, ERR_STATE, "the running pod %s can't be made to match", ap->p.plan.name);
	err_because(e, "these are settled when a pod starts, and differ: %s", str_text(&keys));
	return err_try(e, "rocket rm -f %s && rocket run -d -f %s", ap->p.plan.name, ap->file);
}

/* ---- the changes, shown and done ---- */

static const struct hole *find_hole(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->holes.n; i++)
		if (str_equal(p->holes.v[i].text, text))
			return &p->holes.v[i];
	return NULL;
}

static void say(struct apply *ap, const char *sign, const char *what, const char *name, const char *why)
{
	ap->changes++;
	cli_say(ap->cli, "%s %s %s%s%s", sign, what, name, *why ? "   " : "", why);
}

static int remove_gone(struct apply *ap, bool act, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ap->p.plan.apps.n; i++) {
		const char *name = ap->p.plan.apps.v[i].name;

		if (plan_find_app(&ap->m.plan, name))
			continue;
		if (!act)
			say(ap, "-", "app", name, "");
		else
			r = app_remove(ap->cli, &ap->s, &ap->p, name, e);
	}
	return r;
}

static int change_app(struct apply *ap, const struct plan_app *new, bool act, struct err *e)
{
	const struct plan_app *old = plan_find_app(&ap->p.plan, new->name);
	autostr keys = {};

	if (!old) {
		if (!act)
			say(ap, "+", "app", new->name, new->image);
		return act ? app_add(&ap->m, &ap->p, new->name, e) : 0;
	}
	app_differences(ap, old, new, &keys);
	if (!keys.len)
		return 0;
	if (!act) {
		say(ap, "~", "app", new->name, str_text(&keys));
		return 0;
	}
	int r = app_remove(ap->cli, &ap->s, &ap->p, new->name, e);

	return r < 0 ? r : app_add(&ap->m, &ap->p, new->name, e);
}

/* An app that is made anew takes its holes along: those are no changes of their own. */
static bool goes_with_app(struct apply *ap, const struct hole *h)
{
	const struct plan_app *old = h->app ? plan_find_app(&ap->p.plan, h->app) : NULL;
	const struct plan_app *new = h->app ? plan_find_app(&ap->m.plan, h->app) : NULL;
	autostr keys = {};

	if (!h->app)
		return false;
	if (!old || !new)
		return true;
	app_differences(ap, old, new, &keys);
	return keys.len;
}

static int change_holes(struct apply *ap, const struct plan *from, const struct plan *to, const char *verb,
			const char *sign, bool act, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->holes.n; i++) {
		const struct hole *h = &from->holes.v[i];
		bool network = h->kind == HOLE_IN || h->kind == HOLE_OUT;

		if (!*h->text || find_hole(to, h->text) || !network || goes_with_app(ap, h))
			continue;
		if (!act)
			say(ap, sign, "hole", h->text, "");
		else
			r = app_change_hole(ap->cli, &ap->s, &ap->p, verb, h, e);
	}
	return r;
}

static int walk(struct apply *ap, bool act, struct err *e)
{
	int r = change_holes(ap, &ap->p.plan, &ap->m.plan, "hole-rm", "-", act, e);

	/* New apps first: a pod is never without one. */
	for (size_t i = 0; r == 0 && i < ap->m.plan.apps.n; i++)
		r = change_app(ap, &ap->m.plan.apps.v[i], act, e);
	if (r == 0)
		r = remove_gone(ap, act, e);
	if (r == 0)
		r = change_holes(ap, &ap->m.plan, &ap->p.plan, "hole-add", "+", act, e);
	return r;
}

static int parse_manifest(struct apply *ap, struct err *e)
{
	char verb[] = "apply", flag[] = "-f", *argv[] = {verb, flag, (char *)(uintptr_t)ap->file, NULL};

	if (pod_make_parse(&ap->m, ap->cli, 3, argv, e) < 0)
		return -e->code;
	if (ap->m.pod.name)
		return 0;
	err_new(e, ERR_USAGE, "%s does not say which pod it is", ap->file);
	err_because(e, "apply finds the pod by the name in the manifest");
	return err_try(e, "pod: NAME");
}

static int apply(struct apply *ap, struct err *e)
{
	int r = parse_manifest(ap, e);

	if (r == 0)
		r = user_half_enter(ap->cli, e);
	if (r == 0)
		r = pod_look_state(ap->cli, &ap->s, e);
	if (r == 0)
		r = pod_look_open_pod(ap->cli, &ap->s, ap->m.pod.name, &ap->p, e);
	if (r == -ERR_NOT_FOUND)
		return err_try(e, "rocket run -d -f %s", ap->file);
	if (r == 0)
		r = app_need_running(&ap->p, e);
	if (r == 0)
		r = pod_make_beside(&ap->m, &ap->p.dir, &ap->p.plan, e);
	if (r == 0)
		r = refuse_pod_changes(ap, e);
	if (r == 0)
		r = walk(ap, false, e);
	if (r == 0 && !ap->changes)
		cli_say(ap->cli, "the pod %s is as %s says", ap->p.plan.name, ap->file);
	return r < 0 || ap->dry ? r : walk(ap, true, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct apply ap = {.cli = cli, .m = POD_MAKING_NONE, .p = POD_LOOK_NONE, .s = {-1, -1}};
	struct err e = {};
	char **words;
	int n, r;

	r = cli_parse(cli, argc, argv, take, &ap, &words, &n, &e);
	if (r == 0)
		r = cli_check_words(cli, n, 0, 0, &e);
	if (r == 0 && !ap.file) {
		err_new(&e, ERR_USAGE, "rocket apply needs a manifest");
		err_because(&e, "there is no -f");
		r = err_try(&e, "rocket apply -f pod.yaml");
	}
	if (r == 0)
		r = apply(&ap, &e);
	pod_make_close(&ap.m);
	pod_look_close(&ap.p);
	state_close(&ap.s);
	return r < 0 ? cli_fail(cli, &e) : 0;
}

const struct verb cli_verb_apply = {
	.name = "apply",
	.summary = "make a running pod match its manifest, with the fewest changes",
	.usage = "[-n] -f FILE",
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket apply -n -f pod.yaml   (only show)\nrocket apply -f pod.yaml",
	.exits = "3: the pod does not run, or what differs is settled when a pod starts\n4: no such pod",
	.run = run,
};
