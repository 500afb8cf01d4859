/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image sign: signatures of an image, kept beside it until they are pushed or exported. rocket-verify makes them. */
#include "base/str.h"
#include "cli/libexec.h"
#include "cli/verb_image.h"

static const struct opt sign_opts[] = {
	{"key", 'k', .id = 'k', .arg = "KEY", .help = "private key: a PEM file, cosign's, or gpg:KEYID", .complete = "file"},
	{"as", .id = 'a', .arg = "NAME", .help = "the name that it is signed for, instead of its own", .complete = "image"},
	{"layout", .id = 'l', .arg = "LAYOUT", .help = "of a file's signature: cosign, bundle, or both (default)",
	 .complete = "cosign|bundle|cosign,bundle"},
	{},
};

struct signing {
	struct arena *a;
	char **args;
	bool has_key;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct signing *s = context;

	s->has_key |= o->id == 'k';
	arena_strv_add(s->a, &s->args, arena_printf(s->a, "--%s=%s", o->name, value));
	return 0;
}

static int err_no_key(struct err *e)
{
	err_new(e, ERR_USAGE, "nothing can be signed without a key");
	err_because(e, "--key is missing");
	return err_try(e, "rocket image sign --key cosign.key NAME");
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct signing s = {.a = cli->arena};
	struct err e = {};
	char **words;
	int n;

	arena_strv_add(cli->arena, &s.args, "sign");
	if (cli_parse(cli, argc, argv, take, &s, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    (!s.has_key && err_no_key(&e) < 0))
		return cli_fail(cli, &e);
	arena_strv_add(cli->arena, &s.args, "--");
	arena_strv_add(cli->arena, &s.args, words[0]);
	(void)!libexec_become(cli, "rocket-verify", s.args, &e);
	return cli_fail(cli, &e);
}

const struct verb cli_verb_image_sign = {
	.name = "sign",
	.summary = "sign an image for its name; cosign and gpg check such signatures",
	.usage = "--key KEY [--as NAME] IMAGE",
	.words = (const char *const[]){"image", NULL},
	.options = (const struct opt *const[]){sign_opts, NULL},
	.example = "rocket image sign --key cosign.key registry.example.com/team/app:1.0\n"
		   "rocket image sign --key gpg:me@example.com registry.example.com/team/app:1.0",
	.json = "digest: of the manifest that was signed\nlayout: cosign, bundle or openpgp\nsignature: digest of the signature",
	.exits = "4: no such image",
	.documents = true,
	.run = run,
};
