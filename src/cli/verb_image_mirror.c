/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image mirror: a name from one registry to another. rocket-fetch does it. */
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/verb_image.h"

static const struct opt mirror_opts[] = {
	{"auth-file", .id = 'a', .arg = "FILE", .help = "where credentials are, instead of where docker and podman keep them",
	 .complete = "file"},
	{},
};
static const struct opt *const tables[] = {mirror_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(const char **)context = value;
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *auth_file = NULL;
	char **words, **args = NULL;
	struct err e = {};
	int n;

	if (cli_parse(cli, argc, argv, take, &auth_file, &words, &n, &e) < 0 || cli_check_words(cli, n, 2, 2, &e) < 0)
		return cli_fail(cli, &e);
	pull_add_risks(cli, auth_file, &args);
	arena_strv_add(cli->arena, &args, "mirror");
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	arena_strv_add(cli->arena, &args, words[1]);
	if (libexec_become(cli, "rocket-fetch", args, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_image_mirror = {
	.name = "mirror",
	.summary = "copy an image from one registry to another, with all platforms and signatures",
	.usage = "NAME NAME",
	.options = tables,
	.example = "rocket image mirror docker.io/library/nginx:1.27 registry.example.com/mirror/nginx:1.27",
	.json = "name: where it is now\ndigest: of what the name means, the same at both\nmanifests: that were sent\nblobs: that were "
		"sent\nsignatures: manifests of signatures, attestations and the like\nsent_bytes: of blobs",
	.exits = "4: no such image\n5: registries.conf blocks one of them\n6: a registry or the way to it failed",
	.documents = true,
	.run = run,
};
