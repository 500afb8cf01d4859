/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image extract: the root file system of an image into a directory. rocket-image does it. */
#include "cli/libexec.h"
#include "cli/verb_image.h"

static const struct opt extract_opts[] = {
	{"force", 'f', .id = 'f', .help = "into a directory that is not empty: files of the same name are replaced"},
	{},
};
static const struct opt *const tables[] = {extract_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(bool *)context = true;
	return 0;
}

static int become(struct cli *cli, char **words, bool force, struct err *e)
{
	char **args = NULL;

	arena_strv_add(cli->arena, &args, "extract");
	if (force)
		arena_strv_add(cli->arena, &args, "--force");
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	arena_strv_add(cli->arena, &args, words[1]);
	return libexec_become(cli, "rocket-image", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	bool force = false;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &force, &words, &n, &e) < 0 || cli_check_words(cli, n, 2, 2, &e) < 0 ||
	    become(cli, words, force, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_image_extract = {
	.name = "extract",
	.summary = "write the root file system of an image into a directory",
	.usage = "NAME DIR",
	.words = (const char *const[]){"image", "dir", NULL},
	.options = tables,
	.example = "rocket image extract nginx ./root",
	.json = "name: as found\nid: digest of the config\nto: the directory\nfiles: written\nbytes: of their content\nleft_out: "
		"owners, devices and attributes that needed privilege",
	.exits = "3: the directory is not empty\n4: no such image",
	.documents = true,
	.run = run,
};
