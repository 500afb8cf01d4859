/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket push: an image of the store to a registry. rocket-fetch does it. With --sign the manifest that went is signed by
 * rocket-verify, which alone sees the key, and the signatures follow.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/verbs.h"

static const struct opt push_opts[] = {
	{"compression", .id = 'c', .arg = "HOW", .help = "of layers that the registry lacks: gzip (default), zstd, or none",
	 .complete = "gzip|zstd|none"},
	{"auth-file", .id = 'a', .arg = "FILE", .help = "where credentials are, instead of where docker and podman keep them",
	 .complete = "file"},
	{"sign", .id = 's', .arg = "KEY", .help = "sign it there: a PEM file, cosign's, or gpg:KEYID (see image sign)", .complete = "file"},
	{},
};
static const struct opt *const tables[] = {push_opts, NULL};

enum { OUTPUT_MAX = 64 << 10 };

struct asked {
	const char *compression, *auth_file, *key;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	*(o->id == 'c' ? &asked->compression : o->id == 's' ? &asked->key : &asked->auth_file) = value;
	return 0;
}

/* What rocket-fetch prints of a push: NAME@DIGEST, or an object. */
struct pushed {
	char *name, *digest;
};
static const struct field pushed_fields[] = {
	FIELD(struct pushed, name, "name", FIELD_STR),
	FIELD(struct pushed, digest, "digest", FIELD_STR),
};
static const struct field_set pushed_set = FIELD_SET("pushed image", struct pushed, pushed_fields);

static int read_pushed(struct cli *cli, int fd, struct pushed *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? err_errno(e, "can't read what was pushed") : 0;

	if (r == 0)
		r = io_read_fd(fd, OUTPUT_MAX, &text, &n, e);
	if (r == 0 && cli_print(cli, text, n) != 0)
		return err_new(e, ERR_FAILED, "can't write the result");
	if (r < 0 || *text == '{')
		return r < 0 ? r : record_read(cli->arena, &pushed_set, text, strcspn(text, "\n"), ret, e);
	text[strcspn(text, "\n")] = 0;
	char *at = strrchr(text, '@');

	if (!at)
		return err_new(e, ERR_FAILED, "rocket-fetch did not say what it pushed");
	*at = 0;
	*ret = (struct pushed){arena_strdup(cli->arena, text), arena_strdup(cli->arena, at + 1)};
	return 0;
}

static int run_signing(struct cli *cli, const struct asked *asked, const struct pushed *pushed, struct err *e)
{
	char *const sign[] = {(char *)"sign", (char *)"--key", (char *)asked->key, (char *)"--as", pushed->name,
			      (char *)"--digest", pushed->digest, NULL};
	autoclose int nowhere = memfd_create("nowhere", MFD_CLOEXEC);
	char **args = NULL;
	int r = pull_run(cli, "rocket-verify", sign, false, nowhere, e);

	if (r != 0)
		return r;
	pull_add_risks(cli, asked->auth_file, &args);
	arena_strv_add(cli->arena, &args, "signatures");
	arena_strv_add(cli->arena, &args, "--digest");
	arena_strv_add(cli->arena, &args, pushed->digest);
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, pushed->name);
	return pull_run(cli, "rocket-fetch", args, false, nowhere, e);
}

/* An exit code of one of the programs, which has said itself what went wrong; or -code. */
static int push_and_sign(struct cli *cli, char **args, const struct asked *asked, struct err *e)
{
	autoclose int out = memfd_create("pushed", MFD_CLOEXEC);
	struct pushed pushed = {};
	int r;

	if (out < 0)
		return err_errno(e, "can't make a file in memory");
	if (!strncmp(asked->key, "gpg:", 4)) {
		err_new(e, ERR_USAGE, "an OpenPGP signature can't be pushed");
		err_because(e, "registries have no place for it: it lies in a lookaside folder of a web server");
		return err_try(e, "rocket push --sign cosign.key IMAGE");
	}
	r = pull_run(cli, "rocket-fetch", args, cli->output == CLI_JSON || cli->output == CLI_YAML, out, e);
	if (r != 0)
		return r;
	r = read_pushed(cli, out, &pushed, e);
	return r < 0 ? r : run_signing(cli, asked, &pushed, e);
}

static int push(struct cli *cli, char **words, int n, const struct asked *asked, struct err *e)
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
	return asked->key ? push_and_sign(cli, args, asked, e) : libexec_become(cli, "rocket-fetch", args, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	char **words;
	int n, code;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 2, &e) < 0 ||
	    (code = push(cli, words, n, &asked, &e)) < 0)
		return cli_fail(cli, &e);
	return code;
}

const struct verb cli_verb_push = {
	.name = "push",
	.summary = "send an image to a registry",
	.usage = "IMAGE [NAME]",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket push registry.example.com/team/app:1.0\nrocket push app registry.example.com/team/app:1.0\n"
		   "rocket push --sign cosign.key registry.example.com/team/app:1.0",
	.json = "name: at the registry\ndigest: of the manifest that was sent\noriginal_digest: of the image's own manifest\n"
		"exact: whether they are the same bytes\nsent_bytes: of layers",
	.exits = "4: no such image\n5: registries.conf blocks it\n6: the registry or the way to it failed",
	.documents = true,
	.run = run,
};
