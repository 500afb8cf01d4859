/* SPDX-License-Identifier: Apache-2.0 */
/* rocket fetch: images from registries and other places. rocket-fetch does it, without privileges to spare. */
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/verbs.h"

static const struct opt fetch_opts[] = {
	{"platform", .id = 'p', .arg = "OS/ARCH", .help = "for another machine than this one, such as linux/arm64"},
	{"name", .id = 'n', .arg = "NAME", .help = "what to call the image, instead of its own name"},
	{"auth-file", .id = 'a', .arg = "FILE", .help = "where credentials are, instead of where docker and podman keep them",
	 .complete = "file"},
	{},
};
static const struct opt *const tables[] = {fetch_opts, NULL};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct pull *how = context;

	*(o->id == 'p' ? &how->platform : o->id == 'n' ? &how->name : &how->auth_file) = value;
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct pull how = {};
	const char *program;
	char **words, **args = NULL;
	struct err e = {};
	int n;

	if (cli_parse(cli, argc, argv, take, &how, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0 ||
	    pull_words(cli, &how, words[0], words + 1, &program, &args, &e) < 0 || libexec_become(cli, program, args, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_fetch = {
	.name = "fetch",
	.summary = "bring images from a registry, by an appc name, or from a file or directory",
	.usage = "NAME…",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket fetch docker.io/library/nginx:1.27\nrocket fetch --platform linux/arm64 registry.example.com/team/app:1.0\n"
		   "rocket fetch oci:./nginx.oci",
	.json = "name: in the store\nid: digest of the config\ndigest: of the manifest\nsource_digest: what the name meant at the "
		"registry: of the index, when it was one\nfetched_bytes: that came in for layers\nwas_there: nothing had to be fetched",
	.exits = "4: the registry has no such image\n5: registries.conf blocks it\n6: the registry or the way to it failed",
	.documents = true,
	.run = run,
};
