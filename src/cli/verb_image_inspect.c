/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image inspect: everything that the store knows about images, as a document. */
#include "base/str.h"
#include "cli/emit.h"
#include "cli/libexec.h"
#include "cli/trust_gate.h"
#include "cli/verb_image.h"
#include "store/artifact.h"

static const struct opt inspect_opts[] = {
	{"sbom", .id = 's', .help = "the bills of materials that came with an image, and whether a trusted key vouches"},
	{"provenance", .id = 'p', .help = "the same of how it was made"},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(const struct opt **)context = o;
	return 0;
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

/* How it was judged under each name that it was fetched as, and what signatures there are. */
static void emit_judged(struct emit *m, const struct trust_record *record, const struct artifacts *artifacts)
{
	emit_open_list(m, "judged");
	for (size_t i = 0; i < record->verdicts.n; i++) {
		const struct trust_verdict *v = &record->verdicts.v[i];

		emit_open_map(m, NULL);
		emit_str(m, "name", v->name);
		emit_bool(m, "accepted", v->accepted);
		emit_str(m, "how", v->how);
		emit_str(m, "rule", v->rule);
		emit_str(m, "key", v->key);
		emit_str(m, "layout", v->layout);
		emit_str(m, "signature", v->signature);
		emit_str(m, "because", v->because);
		emit_time(m, "when", v->judged_ns);
		emit_close(m);
	}
	emit_close(m);
	emit_open_list(m, "artifacts");
	for (size_t i = 0; i < artifacts->list.n; i++) {
		emit_open_map(m, NULL);
		emit_str(m, "kind", artifact_kind_names[artifacts->list.v[i].kind]);
		emit_str(m, "digest", artifacts->list.v[i].blob);
		emit_str(m, "media_type", artifacts->list.v[i].media_type);
		emit_u64(m, "size", artifacts->list.v[i].size);
		emit_close(m);
	}
	emit_close(m);
}

static void emit_image(struct emit *m, const struct image *img, const struct store_image *all, size_t n,
		       const struct trust_record *record, const struct artifacts *artifacts)
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
	emit_judged(m, record, artifacts);
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
		struct trust_record record;
		struct artifacts artifacts;
		struct store_image found;

		r = store_find_image(s, cli->arena, words[i], &found, e);
		if (r == 0)
			r = trust_look(cli, s, &found, &record, e);
		if (r == 0)
			r = artifact_list(s, cli->arena, found.image.manifest_digest, &artifacts, e);
		if (r == 0)
			emit_image(m, &found.image, all, n_all, &record, &artifacts);
	}
	emit_close(m);
	return r;
}

/* SBOMs are other people's documents: a program without privileges reads them. */
static int become(struct cli *cli, const struct opt *what, char **words, struct err *e)
{
	char **args = NULL;

	arena_strv_add(cli->arena, &args, "attestations");
	arena_strv_add(cli->arena, &args, arena_printf(cli->arena, "--%s", what->name));
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	return libexec_become(cli, "rocket-verify", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	autoemit m = emit_new(cli);
	autostore store = STORE_NONE;
	const struct opt *what = NULL;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &what, &words, &n, &e) < 0 ||
	    cli_check_words(cli, n, 1, what ? 1 : -1, &e) < 0 || (what && become(cli, what, words, &e) < 0) ||
	    image_open_store(cli, &store, &e) < 0 ||
	    inspect(cli, &store, words, n, &m, &e) < 0)
		return cli_fail(cli, &e);
	return emit_print(&m, cli);
}

const struct verb cli_verb_image_inspect = {
	.name = "inspect",
	.summary = "print all that is known about images: config, layers, who vouched",
	.usage = "[--sbom|--provenance] NAME…",
	.words = (const char *const[]){"image", NULL},
	.options = (const struct opt *const[]){inspect_opts, NULL},
	.example = "rocket image inspect nginx\nrocket image inspect nginx -o yaml\nrocket image inspect --sbom nginx",
	.json = "id: digest of the config, or an ACI's image ID\ndigest: of the manifest\nmanifest_type: its media type\n"
		"names: all names of this image\nformat: what it came as\nsize: bytes on disk\nview: id of its merged view\n"
		"max_id: largest user or group id that owns a file\nvouched: how, who, source, when; or null\n"
		"judged: under each name that it was fetched as: name, accepted, how, rule, key, layout, signature, because, "
		"when\nartifacts: kind, digest, media_type and size of each signature and attestation\n"
		"config: what to run, as whom; labels\nlayers: diff_id, digest, media_type, size, tar_size of each",
	.exits = "4: no such image",
	.documents = true,
	.run = run,
};
