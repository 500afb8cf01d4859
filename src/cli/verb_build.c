/* SPDX-License-Identifier: Apache-2.0 */
/* rocket build: images from recipes. rocket-build does it; nothing of what is put in is executed. */
#include "cli/libexec.h"
#include "cli/verbs.h"

enum { OPT_FILE, OPT_TAG, OPT_FROM };

static const struct opt build_opts[] = {
	{"file", 'f', .id = OPT_FILE, .arg = "RECIPE", .help = "the recipe, instead of recipe.yaml in DIR", .complete = "file"},
	{"tag", 't', .id = OPT_TAG, .arg = "NAME", .help = "the image's name, instead of the recipe's", .complete = "image"},
	{"from", .id = OPT_FROM, .arg = "TREE",
	 .help = "the directory tree that files and libraries come from, instead of the recipe's (else: this host)",
	 .complete = "dir"},
	{},
};
static const struct opt *const tables[] = {build_opts, NULL};

struct asked {
	struct cli *cli;
	char **args;
};

/* The options are rocket-build's own: they are handed on as they are. */
static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	arena_strv_add(asked->cli->arena, &asked->args, arena_printf(asked->cli->arena, "--%s", o->name));
	arena_strv_add(asked->cli->arena, &asked->args, value);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {.cli = cli};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	arena_strv_add(cli->arena, &asked.args, "--");
	for (int i = 0; i < n; i++)
		arena_strv_add(cli->arena, &asked.args, words[i]);
	if (libexec_become(cli, "rocket-build", asked.args, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_build = {
	.name = "build",
	.summary = "make images by hand: from named files and the libraries they need",
	.usage = "[-f RECIPE] [-t NAME] [--from TREE] DIR…",
	.words = (const char *const[]){"dir", NULL},
	.options = tables,
	.example = "rocket build demo/nginx\nrocket build -t shop/web:2 --from ./debian-tree web\n"
		   "SOURCE_DATE_EPOCH=1700000000 rocket build web",
	.json = "name: full name\nid: digest of the config\ndigest: of the manifest\nsize: bytes of all layers\n"
		"layer_size: bytes of the layer that was made\nfiles: entries of that layer\nlayers: their number",
	.exits = "4: a file, a library or the base is not there\n5: the recipe is a Dockerfile",
	.documents = true,
	.run = run,
};
