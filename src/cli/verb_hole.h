/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs below `rocket hole` that have a file of their own. */
#pragma once

#include "cli/cli.h"

extern const struct verb cli_verb_hole_add;
extern const struct verb cli_verb_hole_rm;
extern const struct verb cli_verb_hole_log;
extern const struct verb cli_verb_hole_suggest;
