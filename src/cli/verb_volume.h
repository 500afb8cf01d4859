/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs below `rocket volume` that have a file of their own. */
#pragma once

#include "cli/cli.h"

extern const struct verb cli_verb_volume_export;
extern const struct verb cli_verb_volume_import;
