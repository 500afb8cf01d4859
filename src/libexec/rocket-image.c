/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-image: the heavy work on images that are in the store: export, extract, verify, and unpacking a
 * view into its directory form. `rocket image …` executes it; its command line is not for people.
 *
 *   rocket-image --dir DIR [--run DIR] [--json] [--quiet] VERB …
 *   rocket-image --dir DIR [--run DIR] --build-tree VIEW
 *   rocket-image --dir DIR [--run DIR] --build-root VIEW --into DIR --shift N
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/unit.h"
#include "libexec/image_tool.h"

enum { OPT_DIR, OPT_RUN, OPT_JSON, OPT_QUIET, OPT_BUILD_TREE, OPT_BUILD_ROOT, OPT_INTO, OPT_SHIFT };

static const struct opt opts[] = {
	{"dir", .id = OPT_DIR, .arg = "DIR", .help = "the image store"},
	{"run", .id = OPT_RUN, .arg = "DIR", .help = "where views are mounted"},
	{"json", .id = OPT_JSON, .help = "results and errors as JSON"},
	{"quiet", .id = OPT_QUIET, .help = "nothing to people"},
	{"build-tree", .id = OPT_BUILD_TREE, .arg = "VIEW", .help = "unpack a view into the store"},
	{"build-root", .id = OPT_BUILD_ROOT, .arg = "VIEW", .help = "unpack a view for one pod"},
	{"into", .id = OPT_INTO, .arg = "DIR", .help = "where, with --build-root"},
	{"shift", .id = OPT_SHIFT, .arg = "N", .help = "added to every id, with --build-root"},
	{},
};

static const struct {
	const char *name;
	int (*run)(struct image_tool *t, int argc, char **argv, struct err *e);
} verbs[] = {
	{"export", image_export},
	{"extract", image_extract},
	{"verify", image_verify},
};

void image_say(const struct image_tool *t, const char *fmt, ...)
{
	va_list ap;

	if (t->quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static const char *way_out(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return "mkdir -p the directory above it";
	case ENOSPC:
	case EDQUOT:
		return "df -h   (the file system that it goes to is full)";
	case EIO:
		return "rocket image verify";
	default:
		return "give a place that you may write to";
	}
}

int (image_err)(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->what)];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	errno = saved;
	err_errno(e, "%s", what);
	return err_try(e, "%s", way_out(saved));
}

int image_print(const char *text, size_t n, struct err *e)
{
	return io_write_all(STDOUT_FILENO, text, n) < 0 ? image_err(e, "can't write to stdout") : 0;
}

struct asked {
	const char *dir, *run, *tree, *root, *into;
	uint64_t shift;
};

static int take(struct image_tool *t, struct asked *asked, int id, const char *value)
{
	switch (id) {
	case OPT_DIR:
		asked->dir = value;
		break;
	case OPT_RUN:
		asked->run = value;
		break;
	case OPT_JSON:
		t->json = true;
		break;
	case OPT_QUIET:
		t->quiet = true;
		break;
	case OPT_BUILD_TREE:
		asked->tree = value;
		break;
	case OPT_BUILD_ROOT:
		asked->root = value;
		break;
	case OPT_INTO:
		asked->into = value;
		break;
	case OPT_SHIFT:
		return unit_parse_u64(value, 0, UINT32_MAX / 2, &asked->shift);
	}
	return 0;
}

static int parse(struct opt_walk *w, struct image_tool *t, struct asked *asked, struct err *e)
{
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(w, &o, &value, e)) > 0)
		if (take(t, asked, o->id, value) < 0)
			return err_new(e, ERR_USAGE, "--%s '%.40s' is no number", o->name, value);
	if (r == 0 && (!asked->dir || (asked->root && !asked->into)))
		r = err_new(e, ERR_USAGE, "rocket-image needs --dir, and --into with --build-root");
	return r;
}

static int dispatch(struct image_tool *t, int argc, char **argv, struct err *e)
{
	for (size_t i = 0; argc && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, argv[0]))
			return verbs[i].run(t, argc - 1, argv + 1, e);
	err_new(e, ERR_USAGE, "rocket-image has no verb %.40s", argc ? argv[0] : "(none)");
	err_because(e, "it knows export, extract and verify");
	return err_try(e, "rocket image --help");
}

static int run(struct image_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc - 1, .argv = argv + 1, .tables = tables};
	struct asked asked = {};
	int r = parse(&w, t, &asked, e);

	if (r == 0)
		r = store_open(asked.dir, asked.run, &t->store, e);
	if (r == 0)
		r = store_lock_shared(&t->store, &t->lock, e);
	if (r < 0)
		return r;
	if (asked.root)
		return image_build_root(t, asked.root, asked.into, (uint32_t)asked.shift, e);
	return asked.tree ? image_build_tree(t, asked.tree, e) : dispatch(t, w.argc - w.at, w.argv + w.at, e);
}

int main(int argc, char **argv)
{
	struct image_tool t = {.store = STORE_NONE, .lock = -1};
	struct rlimit no_core = {};
	struct err e = {};

	/* Names and bytes of images are anybody's: what they might break gains nothing, and leaves no dump. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	int r = run(&t, argc, argv, &e);

	if (r < 0 && e.what[0])
		(t.json ? err_print_json : err_print)(stderr, &e);
	store_close(&t.store);
	arena_free(&t.arena);
	return -r;
}
