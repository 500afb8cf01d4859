/* SPDX-License-Identifier: Apache-2.0 */
/* rocket login, rocket logout: credentials of a registry, kept where podman and docker look. rocket-fetch does it. */
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/verbs.h"

static const struct opt login_opts[] = {
	{"username", 'u', .id = 'u', .arg = "NAME", .help = "who we are there; asked for, when it isn't given"},
	{"password-stdin", .id = 'p', .help = "read the password from stdin, instead of asking"},
	{"auth-file", .id = 'a', .arg = "FILE", .help = "keep it in this file", .complete = "file"},
	{},
};
static const struct opt *const login_tables[] = {login_opts, NULL};

static const struct opt logout_opts[] = {
	{"auth-file", .id = 'a', .arg = "FILE", .help = "look in this file alone", .complete = "file"},
	{},
};
static const struct opt *const logout_tables[] = {logout_opts, NULL};

struct asked {
	const char *user, *auth_file;
	bool from_stdin;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;

	if (o->id == 'p')
		asked->from_stdin = true;
	else
		*(o->id == 'u' ? &asked->user : &asked->auth_file) = value;
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	struct err e = {};
	char **words, **args = NULL;
	int n;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0)
		return cli_fail(cli, &e);
	pull_add_risks(cli, asked.auth_file, &args);
	arena_strv_add(cli->arena, &args, cli->verb->name);
	if (asked.user) {
		arena_strv_add(cli->arena, &args, "--username");
		arena_strv_add(cli->arena, &args, asked.user);
	}
	if (asked.from_stdin)
		arena_strv_add(cli->arena, &args, "--password-stdin");
	arena_strv_add(cli->arena, &args, "--");
	arena_strv_add(cli->arena, &args, words[0]);
	if (libexec_become(cli, "rocket-fetch", args, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_login = {
	.name = "login",
	.summary = "keep the user name and password for a registry, after trying them there",
	.usage = "HOST[:PORT][/PATH]",
	.options = login_tables,
	.example = "rocket login registry.example.com\nrocket login -u ci --password-stdin registry.example.com <password",
	.json = "host: of the registry\nuser: name\nkept_in: which file or helper",
	.exits = "6: the registry does not let us in, or can't be reached",
	.documents = true,
	.run = run,
};

const struct verb cli_verb_logout = {
	.name = "logout",
	.summary = "forget the user name and password for a registry",
	.usage = "HOST[:PORT][/PATH]",
	.options = logout_tables,
	.example = "rocket logout registry.example.com",
	.json = "host: of the registry\nforgotten_in: which files or helpers",
	.exits = "4: nothing was kept for it",
	.documents = true,
	.run = run,
};
