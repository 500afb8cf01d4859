/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-build: images from recipes into the store. `rocket build` executes it; its command line is not
 * for people.
 *
 *   rocket-build --dir DIR [--run DIR] [--json] [--quiet] [--file RECIPE] [--tag NAME] [--from TREE] [--] DIR…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/unit.h"
#include "build/build.h"

enum { OPT_DIR, OPT_RUN, OPT_JSON, OPT_QUIET, OPT_FILE, OPT_TAG, OPT_FROM };

static const struct opt opts[] = {
	{"dir", .id = OPT_DIR, .arg = "DIR", .help = "the image store"},
	{"run", .id = OPT_RUN, .arg = "DIR", .help = "where views are mounted"},
	{"json", .id = OPT_JSON, .help = "results and errors as JSON"},
	{"quiet", .id = OPT_QUIET, .help = "nothing to people"},
	{"file", .id = OPT_FILE, .arg = "RECIPE", .help = "the recipe"},
	{"tag", .id = OPT_TAG, .arg = "NAME", .help = "the image's name"},
	{"from", .id = OPT_FROM, .arg = "TREE", .help = "where files come from"},
	{},
};

struct asked {
	const char *dir, *run;
	bool json, quiet;
	struct build_request request;
	char **folders;
	int n_folders;
};

static void take(struct asked *asked, int id, const char *value)
{
	switch (id) {
	case OPT_DIR:
		asked->dir = value;
		break;
	case OPT_RUN:
		asked->run = value;
		break;
	case OPT_JSON:
		asked->json = true;
		break;
	case OPT_QUIET:
		asked->quiet = true;
		break;
	case OPT_FILE:
		asked->request.file = value;
		break;
	case OPT_TAG:
		asked->request.name = value;
		break;
	case OPT_FROM:
		asked->request.from = value;
		break;
	}
}

/* One recipe or one name for several folders would make the same image again and again. */
static int check(const struct asked *asked, struct err *e)
{
	if (!asked->dir)
		return err_new(e, ERR_USAGE, "rocket-build needs --dir");
	if (!asked->n_folders) {
		err_new(e, ERR_USAGE, "build needs the folder of a recipe");
		err_because(e, "none was given");
		return err_try(e, "rocket build .");
	}
	if (asked->n_folders > 1 && (asked->request.file || asked->request.name)) {
		err_new(e, ERR_USAGE, "-f and -t are for one folder, and %d were given", asked->n_folders);
		err_because(e, "one recipe, or one name, is for one image");
		return err_try(e, "rocket build %s", asked->folders[0]);
	}
	return 0;
}

static int parse(int argc, char **argv, struct asked *asked, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc - 1, .argv = argv + 1, .tables = tables};
	const struct opt *o;
	const char *value;
	int rc;

	while ((rc = opt_next(&w, &o, &value, e)) > 0)
		take(asked, o->id, value);
	if (rc)
		return rc;
	asked->folders = w.argv + w.at;
	asked->n_folders = w.argc - w.at;
	return check(asked, e);
}

static void note(const char *text)
{
	fprintf(stderr, "note: %s\n", text);
}

static void add_json(struct str *out, const struct built *b)
{
	str_add(out, "{\"name\":");
	str_add_json(out, b->name);
	str_add(out, ",\"id\":");
	str_add_json(out, b->id);
	str_add(out, ",\"digest\":");
	str_add_json(out, b->manifest_digest);
	str_addf(out, ",\"size\":%llu,\"layer_size\":%llu,\"files\":%zu,\"layers\":%zu}\n",
		 (unsigned long long)b->size, (unsigned long long)b->layer_size, b->n_files, b->n_layers);
}

/* Data to stdout: the id alone; what people want to know, to stderr. */
static int tell(const struct asked *asked, const struct built *b, struct err *e)
{
	autostr out = {}, size = {};

	unit_add_size(&size, b->size);
	if (!asked->quiet && !asked->json)
		fprintf(stderr, "built %s: %s, %zu files in the layer made here\n", b->name, size.text, b->n_files);
	if (asked->json)
		add_json(&out, b);
	else
		str_addf(&out, "%s\n", b->id);
	return io_write_all(STDOUT_FILENO, out.text, out.len) ? err_errno(e, "cannot write to stdout") : 0;
}

static int build_folder(const struct asked *asked, const struct store *s, const char *folder, struct err *e)
{
	struct build_request request = asked->request;
	struct built built = {};
	autoarena a = {};
	int rc;

	request.folder = folder;
	request.note = asked->quiet || asked->json ? NULL : note;
	rc = build_image(&a, s, &request, &built, e);
	return rc ? rc : tell(asked, &built, e);
}

static int run(const struct asked *asked, struct err *e)
{
	autostore s = STORE_NONE;
	int rc = store_open(asked->dir, asked->run, &s, e);

	for (int i = 0; !rc && i < asked->n_folders; i++)
		rc = build_folder(asked, &s, asked->folders[i], e);
	return rc;
}

int main(int argc, char **argv)
{
	struct rlimit no_core = {};
	struct asked asked = {};
	struct err e = {};
	int rc;

	/* The tree may be anybody's: what its files might break gains nothing, and leaves no dump. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	rc = parse(argc, argv, &asked, &e);
	if (!rc)
		rc = build_time(getenv("SOURCE_DATE_EPOCH"), &asked.request.time_s, &e);
	if (!rc)
		rc = run(&asked, &e);
	if (rc && !e.hint[0])
		(void)err_try(&e, "rocket help build, or: man rocket-recipe");
	if (rc)
		(asked.json ? err_print_json : err_print)(stderr, &e);
	return -rc;
}
