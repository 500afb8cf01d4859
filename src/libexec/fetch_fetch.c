/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-fetch fetch: images by name into the store. What a short name stands for, credentials, certificates and helper
 * programs come first; then privileges go, and only then does a registry speak.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/opt.h"
#include "base/rootless.h"
#include "base/str.h"
#include "base/unit.h"
#include "libexec/fetch_confine.h"
#include "libexec/fetch_tool.h"

enum { OPT_PLATFORM, OPT_NAME, NAMES_MAX = 100 };

static const struct opt opts[] = {
	{"platform", .id = OPT_PLATFORM, .arg = "OS/ARCH", .help = "for another machine than this one"},
	{"name", .id = OPT_NAME, .arg = "NAME", .help = "what to call the image"},
	{},
};

/* One name as it was typed, and what it may stand for. */
struct wanted {
	const char *typed;
	struct reference *refs;
	struct registry_repo **repos;
	size_t n;
};

static int prepare(struct fetch_tool *t, const char *typed, struct wanted *w, struct err *e)
{
	struct arena *a = &t->arena;
	struct reference ref;
	int r = reference_parse(a, typed, &ref, e);

	if (!r && ref.transport != REFERENCE_REGISTRY)
		r = err_new(e, ERR_USAGE, "rocket-fetch does not fetch '%.100s'", typed);
	w->typed = typed;
	if (!r)
		r = registry_complete(t->registry, a, &ref, &w->refs, &w->n, e);
	w->repos = arena_alloc(a, (w->n + 1) * sizeof(struct registry_repo *));
	for (size_t i = 0; i < w->n && !r; i++)
		r = registry_find(t->registry, &w->refs[i], false, &w->repos[i], e);
	return r;
}

static void print_done(const struct fetch_tool *t, const struct fetch_done *d)
{
	autostr s = {};

	if (!t->json) {
		printf("%s\n", d->name);
		return;
	}
	str_add(&s, "{\"name\":");
	str_add_json(&s, d->name);
	str_add(&s, ",\"id\":");
	str_add_json(&s, d->image.id);
	str_add(&s, ",\"digest\":");
	str_add_json(&s, d->image.manifest_digest);
	str_add(&s, ",\"source_digest\":");
	str_add_json(&s, d->digest);
	str_addf(&s, ",\"fetched_bytes\":%llu,\"was_there\":%s}\n", (unsigned long long)d->bytes, d->was_there ? "true" : "false");
	fputs(s.text, stdout);
}

static void say_done(struct fetch_tool *t, const struct fetch_done *d)
{
	struct arena *a = &t->arena;
	autostr s = {};

	if (t->quiet)
		return;
	if (d->was_there)
		str_add(&s, "is there already");
	else
		unit_add_size(&s, d->bytes);
	fprintf(stderr, "%s: %s%s, %.19s\n", d->name, d->was_there ? "" : "fetched ", s.text, d->image.manifest_digest);
	if (d->missing)
		t->options.note(arena_printf(a, "signatures may be missing: %s", d->missing));
}

const char *fetch_user_name(void)
{
	const char *sudo = rootless_is_host_root() ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(rootless_user());

	return sudo && *sudo ? sudo : pw ? pw->pw_name : "unknown";
}

/* A plain name with a host that speaks no registry's language may be one of appc. */
static bool is_appc_name(const struct wanted *w)
{
	return w->n == 1 && !w->refs[0].is_explicit && !w->refs[0].digest && !registry_is_one(w->repos[0]);
}

/* The first of what it may stand for that is there. */
static int fetch_one(struct fetch_tool *t, const struct wanted *w, const char *platform, const char *name, const char *who,
		     struct err *e)
{
	struct fetch_done done = {};
	int r = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct fetch_display *display = fetch_display_begin(t, w->typed);
		struct fetch_progress progress = {fetch_display_show, display};
		struct fetch_request request = {
			.store = &t->store,
			.repo = w->repos[i],
			.ref = &w->refs[i],
			.platform = platform,
			.name = name,
			.who = who,
			.progress = display ? &progress : NULL,
		};

		*e = (struct err){};
		r = fetch_image(&t->arena, &request, &done, e);
		fetch_display_end(display);
		if (r != -ERR_NOT_FOUND)
			break;
	}
	if (r == -ERR_NOT_FOUND && is_appc_name(w)) {
		struct err why = {};

		if (t->options.note)
			t->options.note(arena_printf(&t->arena, "%s is no registry: looking for an ACI", w->refs[0].host));
		if (!fetch_aci_one(t, w->typed, platform, name, who, &why))
			return 0;
		*e = why;
		return -e->code;
	}
	if (!r) {
		say_done(t, &done);
		print_done(t, &done);
	}
	return r;
}

static int run(struct fetch_tool *t, char **names, int n, const char *platform, const char *name, struct err *e)
{
	struct wanted *wanted = arena_alloc(&t->arena, ((size_t)n + 1) * sizeof(*wanted));
	const char *who = arena_strdup(&t->arena, fetch_user_name()); /* while passwd can be read */
	int r = fetch_open_store(t, e);

	if (!r)
		r = fetch_open_registry(t, e);
	for (int i = 0; i < n && !r; i++)
		r = prepare(t, names[i], &wanted[i], e);
	if (!r)
		r = fetch_confine(&t->store, e);
	for (int i = 0; i < n && !r; i++)
		r = fetch_one(t, &wanted[i], platform, name, who, e);
	return r;
}

int fetch_verb_fetch(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const char *value, *platform = NULL, *name = NULL;
	const struct opt *o;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		*(o->id == OPT_PLATFORM ? &platform : &name) = value;
	if (!r && (w.argc - w.at < 1 || w.argc - w.at > NAMES_MAX || (name && w.argc - w.at > 1)))
		r = err_new(e, ERR_USAGE, "fetch needs 1 to %d names, and with --name one", NAMES_MAX);
	return r ? r : run(t, w.argv + w.at, w.argc - w.at, platform, name, e);
}
