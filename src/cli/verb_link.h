/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs below `rocket link` that have a file of their own. */
#pragma once

#include "cli/cli.h"

extern const struct verb cli_verb_link_add;
extern const struct verb cli_verb_link_rm;
