/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image export: an image out of the store, for other tools or another Rocket. rocket-image does it. */
#include "cli/libexec.h"
#include "cli/verb_image.h"

static const struct opt export_opts[] = {
	{"format", 'f', .id = 'f', .arg = "FORMAT",
	 .help = "oci (a directory), oci-archive (its tar), docker-archive or aci; else by the destination",
	 .complete = "oci|oci-archive|docker-archive|aci"},
	{"all", .id = 'a', .help = "all images with their signatures, for another Rocket"},
	{},
};
static const struct opt *const tables[] = {export_opts, NULL};

struct asked {
	const char *format;
	bool all;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	if (o->id == 'a')
		asked->all = true;
	else
		asked->format = value;
	return 0;
}

static int become(struct cli *cli, char **words, int n, const struct asked *asked, struct err *e)
{
	char **args = NULL;

	arena_strv_add(cli->arena, &args, "export");
	if (asked->format) {
		arena_strv_add(cli->arena, &args, "--format");
		arena_strv_add(cli->arena, &args, asked->format);
	}
	if (asked->all)
		arena_strv_add(cli->arena, &args, "--all");
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	if (!asked->all)
		arena_strv_add(cli->arena, &args, n > 1 ? words[1] : "-");
	return libexec_become(cli, "rocket-image", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, asked.all ? 1 : 2, &e) < 0 ||
	    become(cli, words, n, &asked, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_image_export = {
	.name = "export",
	.summary = "write an image to a file, a directory or stdout",
	.usage = "NAME [FILE|DIR/|-] | --all DIR/|FILE",
	.words = (const char *const[]){"image", "file", NULL},
	.options = tables,
	.example = "rocket image export nginx nginx.oci.tar\nrocket image export --format docker-archive nginx | docker load\n"
		   "rocket image export --all /media/usb/images/",
	.json = "name: as found\nid: digest of the config\nformat: that it was written in\nto: where\noriginal_manifest_digest: "
		"of the manifest that it came with\nmanifest_digest: of the one that was written (oci, oci-archive)\nexact: whether "
		"they are the same bytes",
	.exits = "3: the directory is not empty\n4: no such image",
	.documents = true,
	.run = run,
};
