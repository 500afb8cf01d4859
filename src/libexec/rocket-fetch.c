/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-fetch: everything that speaks with registries. `rocket fetch`, `push`, `login`, `logout` and `image mirror` execute
 * it; its command line is not for people.
 *
 *   rocket-fetch --dir DIR [--run DIR] [--json] [--quiet] [--insecure tls,http] [--auth-file FILE] VERB …
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/opt.h"
#include "base/str.h"
#include "libexec/fetch_tool.h"

enum { OPT_DIR, OPT_RUN, OPT_JSON, OPT_QUIET, OPT_TLS, OPT_HTTP, OPT_AUTH_FILE };

static const struct opt opts[] = {
	{"dir", .id = OPT_DIR, .arg = "DIR", .help = "the image store"},
	{"run", .id = OPT_RUN, .arg = "DIR", .help = "where views are mounted"},
	{"json", .id = OPT_JSON, .help = "results and errors as JSON"},
	{"quiet", .id = OPT_QUIET, .help = "nothing to people"},
	{"insecure-tls", .id = OPT_TLS, .help = "certificates that nobody knows are taken"},
	{"insecure-http", .id = OPT_HTTP, .help = "without TLS where there is none"},
	{"auth-file", .id = OPT_AUTH_FILE, .arg = "FILE", .help = "where credentials are"},
	{},
};

static const struct {
	const char *name;
	int (*run)(struct fetch_tool *t, int argc, char **argv, struct err *e);
} verbs[] = {
	{"fetch", fetch_verb_fetch},
	{"fetch-aci", fetch_verb_aci},
	{"login", fetch_verb_login},
	{"logout", fetch_verb_logout},
	{"mirror", fetch_verb_mirror},
	{"push", fetch_verb_push},
	{"signatures", fetch_verb_signatures},
};

int fetch_open_store(struct fetch_tool *t, struct err *e)
{
	int r = store_open(t->dir, t->run, &t->store, e);

	return r ? r : store_lock_shared(&t->store, &t->lock, e);
}

static void note(const char *text)
{
	autostr visible = {};

	str_add_visible(&visible, text);
	fprintf(stderr, "note: %s\n", str_text(&visible));
}

int fetch_open_registry(struct fetch_tool *t, struct err *e)
{
	t->options.note = t->quiet ? NULL : note;
	return registry_open(&t->options, &t->registry, e);
}

static void take(struct fetch_tool *t, int id, const char *value)
{
	switch (id) {
	case OPT_DIR:
		t->dir = value;
		break;
	case OPT_RUN:
		t->run = value;
		break;
	case OPT_JSON:
		t->json = true;
		break;
	case OPT_QUIET:
		t->quiet = true;
		break;
	case OPT_TLS:
		t->options.insecure_tls = true;
		break;
	case OPT_HTTP:
		t->options.insecure_http = true;
		break;
	case OPT_AUTH_FILE:
		t->options.auth_file = value;
		break;
	}
}

static int run(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc - 1, .argv = argv + 1, .tables = tables};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		take(t, o->id, value);
	if (r < 0)
		return r;
	if (!t->dir || w.at >= w.argc)
		return err_new(e, ERR_USAGE, "rocket-fetch needs --dir DIR and a verb");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, w.argv[w.at]))
			return verbs[i].run(t, w.argc - w.at - 1, w.argv + w.at + 1, e);
	return err_new(e, ERR_USAGE, "rocket-fetch has no verb %.40s", w.argv[w.at]);
}

/* Three lines, whatever failed: a parser deep down knows no way out. */
static void complete_error(struct err *e)
{
	if (!e->because[0]) {
		char what[sizeof(e->what)];

		memcpy(what, e->what, sizeof(what));
		err_new(e, e->code, "the image can't be had");
		err_because(e, "%s", what);
	}
	if (!e->hint[0])
		err_try(e, "rocket help fetch");
}

int main(int argc, char **argv)
{
	struct fetch_tool t = {.store = STORE_NONE, .lock = -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct err e = {};

	sigaction(SIGPIPE, &ignore, NULL); /* a pipe that the import has closed is an error like others */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* passwords are in our memory */
	int r = run(&t, argc, argv, &e);

	if (!r && (fflush(stdout) || ferror(stdout)))
		r = err_errno(&e, "can't write the result");
	if (r) {
		complete_error(&e);
		(t.json ? err_print_json : err_print)(stderr, &e);
	}
	registry_close(t.registry);
	store_close(&t.store);
	cleanup_close(&t.lock);
	arena_free(&t.arena);
	return -r;
}
