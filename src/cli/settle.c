/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settling the global choices. Root keeps its state in /var/lib/rocket and /run/rocket; a user's lie in the
 * XDG directories. Naming only a directory moves everything into it, the run directory to DIR/run.
 */
#include "cli/settle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rootless.h"
#include "base/str.h"

const char *const cli_output_names[] = {
	[CLI_TABLE] = "table", [CLI_WIDE] = "wide", [CLI_JSON] = "json",
	[CLI_YAML] = "yaml",   [CLI_NAME] = "name", NULL,
};

static const char *const insecure_names[] = {"image", "tls", "http", NULL};

int settle_output(const char *word, enum cli_output *ret)
{
	for (int i = 0; cli_output_names[i]; i++) {
		if (strcmp(word, cli_output_names[i]) == 0) {
			*ret = (enum cli_output)i;
			return 0;
		}
	}
	return -1;
}

static int insecure_bit(const char *word, size_t len, unsigned *bits)
{
	for (int i = 0; insecure_names[i]; i++) {
		if (strlen(insecure_names[i]) == len && memcmp(insecure_names[i], word, len) == 0) {
			*bits |= 1U << i;
			return 0;
		}
	}
	return -1;
}

int settle_insecure(const char *list, unsigned *ret)
{
	unsigned bits = 0;

	for (;;) {
		size_t len = strcspn(list, ",");

		if (insecure_bit(list, len, &bits) < 0)
			return -1;
		if (!list[len])
			break;
		list += len + 1;
	}
	*ret = bits;
	return 0;
}

int settle_dir(struct cli *cli, const char *dir, struct err *e)
{
	size_t len = strlen(dir);

	if (len == 0)
		return err_new(e, ERR_USAGE, "--dir needs a directory");
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (dir[0] != '/') {
		autofree char *here = getcwd(NULL, 0);

		if (!here)
			return err_errno(e, "cannot tell the current directory");
		cli->dir = arena_printf(cli->arena, "%s/%.*s", here, (int)len, dir);
	} else {
		cli->dir = arena_strndup(cli->arena, dir, len);
	}
	cli->run_dir = arena_printf(cli->arena, "%s/run", cli->dir);
	return 0;
}

/* $VARIABLE/rocket, or $HOME/below/rocket, or NULL. */
static const char *xdg_dir(struct cli *cli, const char *variable, const char *below)
{
	const char *xdg = getenv(variable), *home = getenv("HOME");

	if (xdg && xdg[0] == '/')
		return arena_printf(cli->arena, "%s/rocket", xdg);
	if (below && home && home[0] == '/')
		return arena_printf(cli->arena, "%s/%s/rocket", home, below);
	return NULL;
}

static int settle_default_dirs(struct cli *cli, struct err *e)
{
	if (rootless_is_host_root()) {
		cli->dir = "/var/lib/rocket";
		cli->run_dir = "/run/rocket";
		return 0;
	}
	const char *data = xdg_dir(cli, "XDG_DATA_HOME", ".local/share");
	const char *run = xdg_dir(cli, "XDG_RUNTIME_DIR", NULL);

	if (!data) {
		err_new(e, ERR_USAGE, "there is no place for images and pods");
		err_because(e, "neither XDG_DATA_HOME nor HOME is an absolute path");
		return err_try(e, "rocket --dir DIR …");
	}
	if (settle_dir(cli, data, e) < 0)
		return -e->code;
	if (run)
		cli->run_dir = run;
	return 0;
}

static int settle_dirs(struct cli *cli, struct err *e)
{
	const char *dir = config_get(cli->config, "dir"), *run = config_get(cli->config, "run_dir");

	if (cli->dir)
		return 0; /* --dir moves all, whatever the configuration says */
	if ((dir ? settle_dir(cli, dir, e) : settle_default_dirs(cli, e)) < 0)
		return -e->code;
	if (run)
		cli->run_dir = run;
	return 0;
}

int settle(struct cli *cli, struct err *e)
{
	const char *output = config_get(cli->config, "output"), *insecure = config_get(cli->config, "insecure_options");
	unsigned bits = 0;

	/* The configuration's checks have passed: these can't fail. */
	if (!cli->output_given && output)
		(void)!settle_output(output, &cli->output);
	if (insecure)
		(void)!settle_insecure(insecure, &bits);
	cli->insecure |= bits;
	cli->quiet |= str_equal(config_get(cli->config, "quiet"), "true");
	return settle_dirs(cli, e);
}
