/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket: global options, then a verb. Nothing is read here but the configuration, whose places are three
 * failing open() calls on most hosts: every command passes this way, and most should be over in a millisecond.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/settle.h"
#include "cli/verbs.h"

/* Global options before the verb; gives the place of the verb. */
static int take_options_before(struct cli *cli, int argc, char **argv, int *ret_at, struct err *e)
{
	struct opt_walk w = cli_walk(cli, argc, argv);
	const struct opt *o;
	const char *value;

	if (cli_next(cli, &w, &o, &value, e) < 0)
		return -e->code;
	*ret_at = w.at;
	return 0;
}

static int no_verb(struct cli *cli, struct err *e)
{
	autostr text = {};

	if (!cli->output_given) {
		help_add(&text, cli);
		(void)!write(STDERR_FILENO, text.text, text.len);
	}
	err_new(e, ERR_USAGE, "rocket needs a verb");
	err_because(e, "only options were given, or nothing");
	return err_try(e, "rocket help");
}

static int run(struct cli *cli, int argc, char **argv, int *ret_code, struct err *e)
{
	int at = 1, words = 0;

	if (take_options_before(cli, argc, argv, &at, e) < 0)
		return -e->code;
	if (at >= argc)
		return no_verb(cli, e);
	if (verb_resolve(argc - at, argv + at, &cli->verb, &cli->parent, &words, e) < 0)
		return -e->code;
	if (config_load(cli->arena, config_places(cli->arena), &cli->config, e) < 0 || settle(cli, e) < 0)
		return -e->code;
	at += words - 1;
	*ret_code = cli->verb->run(cli, argc - at, argv + at);
	return 0;
}

/* A program started with one of 0, 1, 2 closed would open its files there. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", O_RDWR);
	}
}

int main(int argc, char **argv)
{
	autoarena arena = {};
	struct cli cli = {.arena = &arena, .argv = argv};
	struct err e = {};
	int code = 0;

	fill_standard_fds();
	if (run(&cli, argc, argv, &code, &e) < 0)
		return cli_fail(&cli, &e);
	return code;
}
