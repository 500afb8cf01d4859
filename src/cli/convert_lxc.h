/* SPDX-License-Identifier: Apache-2.0 */
/* rocket convert --from lxc: the files of an LXC config, and what is said about what is lost. */
#pragma once

#include "cli/cli.h"

/*
 * Prints the manifest; what could not be carried over goes to stderr, a line each. ERR_FAILED, and no manifest, when
 * there is any of it and lossy is false.
 */
[[nodiscard]] int convert_from_lxc(struct cli *cli, const char *path, bool lossy, struct err *e);
