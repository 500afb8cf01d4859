/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked on the command line, and the configuration, to what holds. For main.c and cli.c. */
#pragma once

#include "cli/cli.h"
#include "cli/config.h"

/* "json" -> CLI_JSON; "image,tls" -> bits. 0 or -1. */
[[nodiscard]] int settle_output(const char *word, enum cli_output *ret);
[[nodiscard]] int settle_insecure(const char *list, unsigned *ret);

/* Fills what no option has set: output, quiet, insecure, and both directories, from cli->config and defaults. */
[[nodiscard]] int settle(struct cli *cli, struct err *e);
/* --dir: both directories, absolute, from a path that may be relative. */
[[nodiscard]] int settle_dir(struct cli *cli, const char *dir, struct err *e);
