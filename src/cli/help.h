/* SPDX-License-Identifier: Apache-2.0 */
/* Help and man pages from the tables that the parser itself uses. */
#pragma once

#include "base/str.h"
#include "cli/cli.h"

/* --help of the running verb, or of rocket itself when cli->verb is NULL. */
void help_add(struct str *out, const struct cli *cli);
/*
 * The man page, section 1, of cli->verb, or rocket(1): NAME, SYNOPSIS, OPTIONS, OUTPUT, EXIT STATUS from the tables,
 * with `more` (roff, hand-written: DESCRIPTION, EXAMPLES, NOTES) between SYNOPSIS and OPTIONS.
 */
void help_add_man(struct str *out, const struct cli *cli, const char *more);
