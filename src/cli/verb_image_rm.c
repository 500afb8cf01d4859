/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket image rm: names go, and with its last name the image. What other images or pods need stays; what
 * a pod needs goes with the pod.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/image_pods.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"

struct options {
	bool force;
};

static const struct opt rm_opts[] = {
	{"force", 'f', .id = 'f', .help = "what is not there is no error; an image given by its id loses all its names"},
	{},
};
static const struct opt *const tables[] = {rm_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct options *options = context;

	options->force = true;
	return 0;
}

/* All names of the image that a digest or a prefix of an id means. */
static int remove_all_names(struct cli *cli, const struct store *s, const struct image *img, bool force, struct err *e)
{
	struct store_image *all = NULL;
	size_t n = 0, names = 0;
	int r = store_list_images(s, cli->arena, &all, &n, e);

	for (size_t i = 0; i < n; i++)
		names += str_equal(all[i].image.manifest_digest, img->manifest_digest);
	if (r == 0 && names > 1 && !force) {
		err_new(e, ERR_STATE, "the image %s is not removed", image_short_id(cli->arena, img->id));
		err_because(e, "it has %zu names", names);
		return err_try(e, "rocket image rm --force %s   (all of them), or name one",
			       image_short_id(cli->arena, img->id));
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_equal(all[i].image.manifest_digest, img->manifest_digest))
			r = store_untag_image(s, all[i].name, e);
	return r;
}

/* In use at this moment: the name is gone, and the next sweep does the rest. */
static int sweep(struct cli *cli, const struct store *s, const char *digest, uint64_t *freed, struct err *e)
{
	struct store_sweep w = {.list_pods = image_pods_list, .context = cli, .only = digest};
	int r = store_sweep(s, &w, e);

	*freed += w.freed_bytes;
	if (r == -ERR_BUSY) {
		cli_say(cli, "the store is in use: the next gc frees what the image held");
		*e = (struct err){};
		r = 0;
	}
	return r;
}

static int remove_image(struct cli *cli, const struct store *s, const char *word, bool force, uint64_t *freed,
			struct err *e)
{
	struct store_image found = {};
	int r = store_find_image(s, cli->arena, word, &found, e);

	if (r == -ERR_NOT_FOUND && force)
		return 0;
	if (r < 0)
		return r;
	r = found.name ? store_untag_image(s, found.name, e) : remove_all_names(cli, s, &found.image, force, e);
	return r < 0 ? r : sweep(cli, s, found.image.manifest_digest, freed, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct options options = {};
	autostore store = STORE_NONE;
	autostr size = {};
	uint64_t freed = 0;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &options, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0 ||
	    user_half_enter(cli, &e) < 0 || image_open_store(cli, &store, &e) < 0)
		return cli_fail(cli, &e);
	for (int i = 0; i < n; i++)
		if (remove_image(cli, &store, words[i], options.force, &freed, &e) < 0)
			return cli_fail(cli, &e);
	unit_add_size(&size, freed);
	cli_say(cli, "freed %s", str_text(&size));
	return 0;
}

const struct verb cli_verb_image_rm = {
	.name = "rm",
	.summary = "remove names, and images that have none left",
	.usage = "NAME…",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket image rm nginx:1.27\nrocket image rm --force 3b25b682ea82",
	.exits = "3: an id with several names, without --force\n4: no such image",
	.run = run,
};
