/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image tree: the layers of images, lowest first, and which other images share them. */
#include <string.h>

#include "base/unit.h"
#include "cli/emit.h"
#include "cli/verb_image.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

struct forest {
	const struct store_image *all; /* every name in the store */
	size_t n_all;
};

static bool has_layer(const struct image *img, const char *diff_id)
{
	for (size_t i = 0; i < img->layers.n; i++)
		if (str_equal(img->layers.v[i].diff_id, diff_id))
			return true;
	return false;
}

/* Another image than this, by its content. */
static bool shares(const struct store_image *other, const struct image *img, const char *diff_id)
{
	return !str_equal(other->image.manifest_digest, img->manifest_digest) && has_layer(&other->image, diff_id);
}

static void add_sharers(struct str *out, const struct forest *f, const struct image *img, const char *diff_id)
{
	const char *before = "   also in ";

	for (size_t i = 0; i < f->n_all; i++) {
		if (!shares(&f->all[i], img, diff_id))
			continue;
		str_addf(out, "%s%s", before, f->all[i].name);
		before = ", ";
	}
}

static void add_text(struct cli *cli, struct str *out, const struct forest *f, const struct store_image *found)
{
	const struct image *img = &found->image;

	str_addf(out, "%s   %s\n", found->name ? found->name : img->manifest_digest, image_short_id(cli->arena, img->id));
	for (size_t i = 0; i < img->layers.n; i++) {
		const struct image_layer *l = &img->layers.v[i];

		str_addf(out, "%s %s  ", i + 1 == img->layers.n ? "└─" : "├─", image_short_id(cli->arena, l->diff_id));
		unit_add_size(out, l->tar_size);
		add_sharers(out, f, img, l->diff_id);
		str_add_char(out, '\n');
	}
}

static void emit_tree(struct emit *m, const struct forest *f, const struct store_image *found)
{
	const struct image *img = &found->image;

	emit_open_map(m, NULL);
	emit_str(m, "name", found->name);
	emit_str(m, "id", img->id);
	emit_open_list(m, "layers");
	for (size_t i = 0; i < img->layers.n; i++) {
		emit_open_map(m, NULL);
		emit_str(m, "diff_id", img->layers.v[i].diff_id);
		emit_u64(m, "size", img->layers.v[i].tar_size);
		emit_open_list(m, "shared_by");
		for (size_t k = 0; k < f->n_all; k++)
			if (shares(&f->all[k], img, img->layers.v[i].diff_id))
				emit_str(m, NULL, f->all[k].name);
		emit_close(m);
		emit_close(m);
	}
	emit_close(m);
	emit_close(m);
}

/* The images asked for, or all. */
static int choose(struct cli *cli, const struct store *s, char **words, int n, struct forest *f,
		  const struct store_image **ret, size_t *ret_n, struct err *e)
{
	struct store_image *all = NULL, *chosen;
	int r = store_list_images(s, cli->arena, &all, &f->n_all, e);

	f->all = *ret = all;
	*ret_n = f->n_all;
	if (r < 0 || !n)
		return r;
	chosen = arena_alloc(cli->arena, (size_t)n * sizeof(*chosen));
	for (int i = 0; r == 0 && i < n; i++)
		r = store_find_image(s, cli->arena, words[i], &chosen[i], e);
	*ret = chosen;
	*ret_n = (size_t)n;
	return r;
}

static int print(struct cli *cli, const struct forest *f, const struct store_image *chosen, size_t n)
{
	bool document = cli->output == CLI_JSON || cli->output == CLI_YAML;
	autoemit m = emit_new(cli);

	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < n; i++) {
		if (document)
			emit_tree(&m, f, &chosen[i]);
		else
			add_text(cli, &m.out, f, &chosen[i]);
	}
	if (!document)
		return cli_print(cli, str_text(&m.out), m.out.len);
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct store_image *chosen = NULL;
	autostore store = STORE_NONE;
	struct forest f = {};
	struct err e = {};
	size_t n_chosen = 0;
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 ||
	    image_open_store(cli, &store, &e) < 0 ||
	    choose(cli, &store, words, n, &f, &chosen, &n_chosen, &e) < 0)
		return cli_fail(cli, &e);
	return print(cli, &f, chosen, n_chosen);
}

const struct verb cli_verb_image_tree = {
	.name = "tree",
	.summary = "show the layers of images and who shares them",
	.usage = "[NAME…]",
	.words = (const char *const[]){"image", NULL},
	.example = "rocket image tree nginx",
	.json = "name: as found\nid: digest of the config\nlayers: lowest first: diff_id, size of its tar, and shared_by, the "
		"names of other images that have it",
	.exits = "4: no such image",
	.documents = true,
	.run = run,
};
