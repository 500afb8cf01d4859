/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image import: bytes from this host into the store. rocket-import does it, without privileges to spare. */
#include "cli/libexec.h"
#include "cli/verb_image.h"

static const struct opt import_opts[] = {
	{"name", .id = 'n', .arg = "NAME", .help = "the image's name, instead of those inside"},
	{"ref", .id = 'r', .arg = "REF", .help = "the one with this name or tag, when there are several"},
	{},
};
static const struct opt *const tables[] = {import_opts, NULL};

struct asked {
	const char *name, *ref;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	*(o->id == 'r' ? &asked->ref : &asked->name) = value;
	return 0;
}

static int become(struct cli *cli, char **words, int n, const struct asked *asked, struct err *e)
{
	const char *name = asked->name;
	char **args = NULL;

	if (n > 1 && name) {
		err_new(e, ERR_USAGE, "import takes one name");
		err_because(e, "it was given '%.60s' and '%.60s'", name, words[1]);
		return err_try(e, "rocket image import %.80s %.80s", words[0], name);
	}
	if (n > 1)
		name = words[1];
	if (name) {
		char *full = NULL;

		/* A bad name shows before the file is read. */
		if (store_normalise_name(cli->arena, name, &full, e) < 0)
			return -e->code;
		arena_strv_add(cli->arena, &args, "--name");
		arena_strv_add(cli->arena, &args, full);
	}
	if (asked->ref) {
		arena_strv_add(cli->arena, &args, "--ref");
		arena_strv_add(cli->arena, &args, asked->ref);
	}
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	return libexec_become(cli, "rocket-import", args, e);
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

const struct verb cli_verb_image_import = {
	.name = "import",
	.summary = "bring in an image: OCI layout, docker-archive, ACI, or a root file system's tar",
	.usage = "FILE|DIR|- [NAME]",
	.words = (const char *const[]){"file", "image", NULL},
	.options = tables,
	.example = "rocket image import nginx.oci.tar\ndocker save nginx | rocket image import - nginx:1.27",
	.json = "name: or null\nid: digest of the config\ndigest: of the manifest",
	.documents = true,
	.run = run,
};
