/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image inspect: everything that the store knows about images, as a document. */
#include "cli/emit.h"
#include "cli/verb_image.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static void emit_names(struct emit *m, const struct store_image *all, size_t n, const struct image *img)
{
	emit_open_list(m, "names");
	for (size_t i = 0; i < n; i++)
		if (str_equal(all[i].image.manifest_digest, img->manifest_digest))
			emit_str(m, NULL, all[i].name);
	emit_close(m);
}

static void emit_config(struct emit *m, const struct image_config *c)
{
	emit_open_map(m, "config");
	emit_strv(m, "entrypoint", c->entrypoint);
	emit_strv(m, "cmd", c->cmd);
	emit_strv(m, "env", c->env);
	emit_str(m, "user", c->user);
	emit_strv(m, "groups", c->groups);
	emit_str(m, "workdir", c->workdir);
	emit_strv(m, "volumes", c->volumes);
	emit_strv(m, "ports", c->ports);
	emit_str(m, "stop_signal", c->stop_signal);
	emit_pairs(m, "labels", c->labels);
	emit_str(m, "os", c->os);
	emit_str(m, "arch", c->arch);
	emit_str(m, "variant", c->variant);
	emit_str(m, "created", c->created);
	emit_str(m, "author", c->author);
	emit_close(m);
}

static void emit_layers(struct emit *m, const struct image *img)
{
	emit_open_list(m, "layers");
	for (size_t i = 0; i < img->layers.n; i++) {
		const struct image_layer *l = &img->layers.v[i];

		emit_open_map(m, NULL);
		emit_str(m, "diff_id", l->diff_id);
		emit_str(m, "digest", l->digest);
		emit_str(m, "media_type", l->media_type);
		emit_u64(m, "size", l->size);
		emit_u64(m, "tar_size", l->tar_size);
		emit_close(m);
	}
	emit_close(m);
}

static void emit_vouch(struct emit *m, const struct image_vouch *v)
{
	if (!v->how) {
		emit_null(m, "vouched");
		return;
	}
	emit_open_map(m, "vouched");
	emit_str(m, "how", v->how);
	emit_str(m, "who", v->who);
	emit_str(m, "source", v->source);
	emit_time(m, "when", v->when_ns);
	emit_close(m);
}

static void emit_image(struct emit *m, const struct image *img, const struct store_image *all, size_t n)
{
	emit_open_map(m, NULL);
	emit_str(m, "id", img->id);
	emit_str(m, "digest", img->manifest_digest);
	emit_str(m, "manifest_type", img->manifest_type);
	emit_names(m, all, n, img);
	emit_str(m, "format", image_format_names[img->format]);
	emit_u64(m, "size", img->size);
	emit_str(m, "view", img->view);
	emit_u64(m, "max_id", img->max_id);
	emit_vouch(m, &img->vouch);
	emit_config(m, &img->config);
	emit_layers(m, img);
	emit_close(m);
}

static int inspect(struct cli *cli, const struct store *s, char **words, int n, struct emit *m, struct err *e)
{
	struct store_image *all = NULL;
	size_t n_all = 0;
	int r = store_list_images(s, cli->arena, &all, &n_all, e);

	emit_open_list(m, NULL);
	for (int i = 0; r == 0 && i < n; i++) {
		struct store_image found;

		r = store_find_image(s, cli->arena, words[i], &found, e);
		if (r == 0)
			emit_image(m, &found.image, all, n_all);
	}
	emit_close(m);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	autoemit m = emit_new(cli);
	autostore store = STORE_NONE;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 ||
	    cli_check_words(cli, n, 1, -1, &e) < 0 || image_open_store(cli, &store, &e) < 0 ||
	    inspect(cli, &store, words, n, &m, &e) < 0)
		return cli_fail(cli, &e);
	return emit_print(&m, cli);
}

const struct verb cli_verb_image_inspect = {
	.name = "inspect",
	.summary = "print all that is known about images: config, layers, who vouched",
	.usage = "NAME…",
	.words = (const char *const[]){"image", NULL},
	.example = "rocket image inspect nginx\nrocket image inspect nginx -o yaml",
	.json = "id: digest of the config, or an ACI's image ID\ndigest: of the manifest\nmanifest_type: its media type\n"
		"names: all names of this image\nformat: what it came as\nsize: bytes on disk\nview: id of its merged view\n"
		"max_id: largest user or group id that owns a file\nvouched: how, who, source, when; or null\n"
		"config: what to run, as whom; labels\nlayers: diff_id, digest, media_type, size, tar_size of each",
	.exits = "4: no such image",
	.documents = true,
	.run = run,
};
