/* SPDX-License-Identifier: Apache-2.0 */
/* rocket push: an image of the store to a registry. rocket-fetch does it. */
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/verbs.h"

static const struct opt push_opts[] = {
	{"compression", .id = 'c', .arg = "HOW", .help = "of layers that the registry lacks: gzip (default), zstd, or none",
	 .complete = "gzip|zstd|none"},
	{"auth-file", .id = 'a', .arg = "FILE", .help = "where credentials are, instead of where docker and podman keep them",
	 .complete = "file"},
	{},
};
static const struct opt *const tables[] = {push_opts, NULL};

struct asked {
	const char *compression, *auth_file;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	*(o->id == 'c' ? &asked->compression : &asked->auth_file) = value;
	return 0;
}

static int become(struct cli *cli, char **words, int n, const struct asked *asked, struct err *e)
{
	char **args = NULL;

	pull_add_risks(cli, asked->auth_file, &args);
	arena_strv_add(cli->arena, &args, "push");
	if (asked->compression) {
		arena_strv_add(cli->arena, &args, "--compression");
		arena_strv_add(cli->arena, &args, asked->compression);
	}
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	arena_strv_add(cli->arena, &args, n > 1 ? words[1] : words[0]);
	return libexec_become(cli, "rocket-fetch", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 2, &e) < 0 ||
	    become(cli, words, n, &asked, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_push = {
	.name = "push",
	.summary = "send an image to a registry",
	.usage = "IMAGE [NAME]",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket push registry.example.com/team/app:1.0\nrocket push app registry.example.com/team/app:1.0",
	.json = "name: at the registry\ndigest: of the manifest that was sent\noriginal_digest: of the image's own manifest\n"
		"exact: whether they are the same bytes\nsent_bytes: of layers",
	.exits = "4: no such image\n5: registries.conf blocks it\n6: the registry or the way to it failed",
	.documents = true,
	.run = run,
};
