/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-import: an image from a file, a directory or stdin into the store. `rocket image import` executes
 * it. All that it reads is hostile: it opens what it needs, gives up every privilege that writing the
 * store does not need (import_confine.h), and only then looks at the first byte.
 *
 *   rocket-import --dir DIR [--run DIR] [--name NAME] [--ref REF] [--json | -o json] [--quiet] FILE|DIR|-
 *
 * Prints a line an image: its name; with --json an object (name, id, digest) each.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/rootless.h"
#include "base/str.h"
#include "base/unit.h"
#include "libexec/import_confine.h"
#include "store/import.h"
#include "store/store.h"

enum { OPT_DIR, OPT_RUN, OPT_NAME, OPT_REF, OPT_JSON, OPT_OUTPUT, OPT_QUIET };

static const struct opt opts[] = {
	{"dir", .id = OPT_DIR, .arg = "DIR", .help = "the image store"},
	{"run", .id = OPT_RUN, .arg = "DIR", .help = "where views are mounted"},
	{"name", .id = OPT_NAME, .arg = "NAME", .help = "what to call the image"},
	{"ref", .id = OPT_REF, .arg = "REF", .help = "which image, when there are several"},
	{"json", .id = OPT_JSON, .help = "results and errors as JSON"},
	{"output", 'o', .id = OPT_OUTPUT, .arg = "FORMAT", .help = "name or json"},
	{"quiet", 'q', .id = OPT_QUIET, .help = "no progress"},
	{},
};

struct asked {
	const char *dir, *run, *name, *ref, *source;
	bool json, quiet;
};

static int take_output(struct asked *a, const char *value, struct err *e)
{
	if (strcmp(value, "json") && strcmp(value, "name"))
		return err_new(e, ERR_USAGE, "rocket-import has no output format '%.40s': name or json", value);
	a->json = !strcmp(value, "json");
	return 0;
}

static int take_option(struct asked *a, int id, const char *value, struct err *e)
{
	const char **text[] = {[OPT_DIR] = &a->dir, [OPT_RUN] = &a->run, [OPT_NAME] = &a->name, [OPT_REF] = &a->ref};

	if (id <= OPT_REF)
		*text[id] = value;
	else if (id == OPT_OUTPUT)
		return take_output(a, value, e);
	else if (id == OPT_JSON)
		a->json = true;
	else
		a->quiet = true;
	return 0;
}

static int parse(int argc, char **argv, struct asked *a, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc - 1, .argv = argv + 1, .tables = tables};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		if ((r = take_option(a, o->id, value, e)) < 0)
			break;
	if (r < 0)
		return r;
	if (!a->dir || w.argc - w.at != 1)
		return err_new(e, ERR_USAGE, "rocket-import needs --dir DIR and one FILE, DIR or -");
	a->source = w.argv[w.at];
	return 0;
}

static int open_source(const struct asked *a, int *ret_fd, struct err *e)
{
	bool is_stdin = !strcmp(a->source, "-");
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(a->source, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (is_stdin && isatty(STDIN_FILENO)) {
		err_new(e, ERR_USAGE, "can't import from stdin");
		err_because(e, "it is a terminal");
		return err_try(e, "docker save IMAGE | rocket image import - NAME");
	}
	if (fd < 0 && errno == ENOENT) {
		err_new(e, ERR_NOT_FOUND, "can't import %.200s", a->source);
		err_because(e, "there is no such file");
		return err_try(e, "ls %.200s*", a->source);
	}
	if (fd < 0)
		return err_errno(e, "can't open %.200s", a->source);
	*ret_fd = fd;
	return 0;
}

/* Who vouches for the image by importing it: behind sudo, the person. */
static const char *user_name(void)
{
	const char *sudo = rootless_is_host_root() ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(rootless_user());

	return sudo && *sudo ? sudo : pw ? pw->pw_name : "unknown";
}

static void show_progress(void *ctx, unsigned done, unsigned layers, uint64_t bytes, uint64_t total)
{
	int64_t start_ns = *(const int64_t *)ctx, ns = io_monotonic_ns() - start_ns;
	autostr s = {};

	str_addf(&s, "\r\033[Kimporting: layer %u of %u, ", done < layers ? done + 1 : layers, layers);
	unit_add_size(&s, bytes);
	if (total) {
		str_add(&s, " of ");
		unit_add_size(&s, total);
	}
	if (ns > 500000000) {
		str_add(&s, ", ");
		unit_add_size(&s, (uint64_t)((double)bytes * 1e9 / (double)ns));
		str_add(&s, "/s");
	}
	fputs(s.text, stderr);
}

static void print_done(const struct import_result *result, bool json)
{
	autostr s = {};

	for (size_t i = 0; i < result->images.n; i++) {
		const struct import_done *d = &result->images.v[i];

		if (!json) {
			str_addf(&s, "%s\n", d->name ? d->name : d->image.manifest_digest);
			continue;
		}
		str_add(&s, "{\"name\":");
		str_add_json(&s, d->name ? d->name : d->image.manifest_digest);
		str_add(&s, ",\"id\":");
		str_add_json(&s, d->image.id);
		str_add(&s, ",\"digest\":");
		str_add_json(&s, d->image.manifest_digest);
		str_add(&s, "}\n");
	}
	fputs(str_text(&s), stdout);
}

static void note(const char *text)
{
	autostr visible = {};

	str_add_visible(&visible, text);
	fprintf(stderr, "note: %s\n", str_text(&visible));
}

static int import(const struct asked *a, const struct store *s, int fd, struct err *e)
{
	autoarena arena = {};
	autoclose int lock = -1;
	autofree char *origin = realpath(a->source, NULL);
	int64_t start_ns = io_monotonic_ns();
	struct import_progress progress = {show_progress, &start_ns};
	bool shown = !a->quiet && isatty(STDERR_FILENO);
	struct import_request request = {
		.fd = fd,
		.source = a->source,
		.origin = origin,
		.name = a->name,
		.ref = a->ref,
		.who = user_name(),
		.progress = shown ? &progress : NULL,
		.note = a->quiet ? NULL : note,
	};
	struct import_result result = {};
	int r = import_confine(s, fd, e);

	if (!r)
		r = store_lock_shared(s, &lock, e);
	if (!r)
		r = import_run(s, &arena, &request, &result, e);
	if (shown)
		fputs("\r\033[K", stderr);
	if (!r)
		print_done(&result, a->json);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = err_errno(e, "can't write the result");
	return r;
}

static int run(const struct asked *a, struct err *e)
{
	autostore store = STORE_NONE;
	autoclose int fd = -1;
	int r = open_source(a, &fd, e);

	if (!r)
		r = store_open(a->dir, a->run, &store, e);
	return r ? r : import(a, &store, fd, e);
}

/* Three lines, whatever failed: a parser deep down knows no file name and no way out. */
static void complete_error(const struct asked *a, struct err *e)
{
	if (!e->because[0] && a->source) {
		char what[sizeof(e->what)];

		memcpy(what, e->what, sizeof(what));
		err_new(e, e->code, "can't import %.200s", a->source);
		err_because(e, "%s", what);
	}
	if (!e->hint[0] && a->source)
		err_try(e, "tar -tvf %.150s   (what is in it), then make it or get it again", a->source);
}

int main(int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	int r = parse(argc, argv, &asked, &e);

	if (!r)
		r = run(&asked, &e);
	if (r)
		complete_error(&asked, &e);
	if (r)
		(asked.json ? err_print_json : err_print)(stderr, &e);
	return -r;
}
