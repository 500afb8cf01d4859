/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image list: every name and the image that it means. */
#include <string.h>

#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/verb_image.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

/* A word picks the names that begin with it, as a whole or behind the last slash. */
static bool is_asked(const struct store_image *image, char **words, int n)
{
	const char *slash = strrchr(image->name, '/');

	for (int i = 0; i < n; i++)
		if (str_has_prefix(image->name, words[i]) || (slash && str_has_prefix(slash + 1, words[i])))
			return true;
	return n == 0;
}

static void add_row(struct table *t, const struct store_image *i)
{
	const struct image *img = &i->image;
	autostr size = {}, age = {};

	unit_add_size(&size, img->size);
	unit_add_age(&age, io_now_ns() - i->tagged_ns);
	table_add(t, i->name);
	table_add(t, image_short_id(t->arena, img->id));
	table_add(t, str_text(&size));
	table_addf(t, "%s ago", str_text(&age));
	table_add(t, img->vouch.how ? img->vouch.how : "no");
	table_add(t, img->vouch.source);
	table_addf(t, "%zu", img->layers.n);
	table_add(t, image_format_names[img->format]);
	table_add(t, img->config.arch);
	table_add(t, img->manifest_digest);
}

static int print_table(struct cli *cli, const struct store_image *images, size_t n_images, char **words, int n)
{
	static const struct column columns[] = {
		{.title = "NAME"},
		{.title = "ID"},
		{.title = "SIZE", .right = true},
		{.title = "ADDED"},
		{.title = "VOUCHED"},
		{.title = "SOURCE", .wide = true},
		{.title = "LAYERS", .right = true, .wide = true},
		{.title = "FORMAT", .wide = true},
		{.title = "ARCH", .wide = true},
		{.title = "DIGEST", .wide = true},
	};
	struct table t = {.columns = columns, .n_columns = 10, .arena = cli->arena};

	for (size_t i = 0; i < n_images; i++)
		if (is_asked(&images[i], words, n))
			add_row(&t, &images[i]);
	return table_print(&t, cli);
}

static void emit_image(struct emit *m, const struct store_image *i)
{
	const struct image *img = &i->image;

	emit_open_map(m, NULL);
	emit_str(m, "name", i->name);
	emit_str(m, "id", img->id);
	emit_str(m, "digest", img->manifest_digest);
	emit_u64(m, "size", img->size);
	emit_time(m, "added", i->tagged_ns);
	emit_str(m, "created", img->config.created);
	emit_str(m, "format", image_format_names[img->format]);
	emit_str(m, "os", img->config.os);
	emit_str(m, "arch", img->config.arch);
	emit_u64(m, "layers", img->layers.n);
	emit_str(m, "vouched", img->vouch.how);
	emit_close(m);
}

static int print_document(struct cli *cli, const struct store_image *images, size_t n_images, char **words, int n)
{
	autoemit m = emit_new(cli);

	emit_open_list(&m, NULL);
	for (size_t i = 0; i < n_images; i++)
		if (is_asked(&images[i], words, n))
			emit_image(&m, &images[i]);
	emit_close(&m);
	return emit_print(&m, cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct store_image *images = NULL;
	autostore store = STORE_NONE;
	struct err e = {};
	size_t n_images = 0;
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 ||
	    image_open_store(cli, &store, &e) < 0 ||
	    store_list_images(&store, cli->arena, &images, &n_images, &e) < 0)
		return cli_fail(cli, &e);
	for (size_t i = 0; i < n_images; i++)
		images[i].image.vouch.how = image_vouched(cli->arena, &store, &images[i]);
	if (cli->output == CLI_JSON || cli->output == CLI_YAML)
		return print_document(cli, images, n_images, words, n);
	return print_table(cli, images, n_images, words, n);
}

const struct verb cli_verb_image_list = {
	.name = "list",
	.summary = "list the images that have a name",
	.usage = "[NAME…]",
	.words = (const char *const[]){"image", NULL},
	.example = "rocket image list\nrocket image list nginx -o json",
	.json = "name: full name\nid: digest of the config\ndigest: of the manifest\nsize: bytes on disk, shared layers "
		"included\nadded: when the name was given\ncreated: as the image says, or null\nformat: what it came as\n"
		"os: of the image\narch: of the image\nlayers: how many\nvouched: how somebody vouched for it, or null",
	.lists = true,
	.run = run,
};
