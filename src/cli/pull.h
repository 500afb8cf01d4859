/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images from wherever a name says they are: which program brings them, and with what words. Registries and appc names are
 * rocket-fetch's, files and directories of this host rocket-import's.
 */
#pragma once

#include "cli/cli.h"

/* The words before a verb of rocket-fetch: the risks that are taken, and the auth file (or NULL). */
void pull_add_risks(const struct cli *cli, const char *auth_file, char ***args);

struct pull {
	const char *platform, *name, *auth_file; /* NULL: not given */
};
/* *ret_program and the words behind --dir DIR and the like. ERR_USAGE for what names nothing. */
[[nodiscard]] int pull_words(const struct cli *cli, const struct pull *how, const char *from, char *const *more,
			     const char **ret_program, char ***ret_args, struct err *e);
/* Brings it now, and says what it is called: for verbs that need an image that is not there. Progress goes to stderr. */
[[nodiscard]] int pull_image(const struct cli *cli, const char *from, const char **ret_name, struct err *e);
/* Runs it to its end, its stdout on out_fd: its exit code, having said itself what went wrong; or -code. */
[[nodiscard]] int pull_run(const struct cli *cli, const char *program, char *const *words, bool json, int out_fd,
			   struct err *e);
