/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image tag: one more name for an image. */
#include "base/cleanup.h"
#include "cli/verb_image.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* The store's lock is held from the lookup to the new name: no sweep comes between. */
static int tag(const struct cli *cli, const char *image, const char *name, struct err *e)
{
	autostore store = STORE_NONE;
	autoclose int lock = -1;
	struct store_image found;

	if (image_open_store(cli, &store, e) < 0 || store_lock_shared(&store, &lock, e) < 0 ||
	    store_find_image(&store, cli->arena, image, &found, e) < 0)
		return -e->code;
	return store_tag_image(&store, name, found.image.manifest_digest, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 ||
	    cli_check_words(cli, n, 2, 2, &e) < 0 || tag(cli, words[0], words[1], &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_image_tag = {
	.name = "tag",
	.summary = "give an image one more name; a name that exists moves to it",
	.usage = "IMAGE NAME",
	.words = (const char *const[]){"image", "image", NULL},
	.example = "rocket image tag nginx:1.27 nginx:stable",
	.exits = "4: no such image",
	.run = run,
};
