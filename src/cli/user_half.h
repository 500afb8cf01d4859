/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a command of an ordinary user makes pods, or touches what they own, it goes into his half of the host
 * (boundary/rootless_enter.h). For root, and for who is inside already, nothing happens here.
 *
 * Descriptors of files from before still read and write, but nothing can be mounted from them: state and store are
 * opened afterwards.
 */
#pragma once

#include "cli/cli.h"

[[nodiscard]] int user_half_enter(struct cli *cli, struct err *e);
/* For a verb on POD or POD/APP: the half that the pod was made in while it runs, else a new one. Finds the pod. */
[[nodiscard]] int user_half_enter_for(struct cli *cli, const char *word, struct err *e);
