/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image verify: are the bytes in the store still what they were? rocket-image hashes and compares. */
#include "cli/libexec.h"
#include "cli/verb_image.h"

static const struct opt verify_opts[] = {
	{"repair", .id = 'r', .help = "build views anew; take damaged blobs away, so that they can come again"},
	{},
};
static const struct opt *const tables[] = {verify_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(bool *)context = true;
	return 0;
}

static int become(struct cli *cli, char **words, bool repair, struct err *e)
{
	char **args = NULL;

	arena_strv_add(cli->arena, &args, "verify");
	if (repair)
		arena_strv_add(cli->arena, &args, "--repair");
	arena_strv_add(cli->arena, &args, "--");
	for (; *words; words++)
		arena_strv_add(cli->arena, &args, *words);
	return libexec_become(cli, "rocket-image", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	bool repair = false;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &repair, &words, &n, &e) < 0 || become(cli, words, repair, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_image_verify = {
	.name = "verify",
	.summary = "check images against their digests: every blob, and the view rebuilt and compared",
	.usage = "[NAME…]",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket image verify\nrocket image verify nginx -o json",
	.json = "name: of the image\nid: digest of the config\ngood: whether all of it is\nfaults: kind (blob, view), name, and "
		"state (missing, damaged, unreadable, removed) of each part that is not",
	.exits = "4: no such image\n8: something is damaged",
	.documents = true,
	.run = run,
};
