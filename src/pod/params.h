/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters that an image offers, in its label dev.rocket.params: a map of a name to what it does and what may be
 * said, as JSON.
 *
 *   {"maxmemory": {"args": ["--maxmemory", "{}"], "kind": "size", "default": "64Mi", "help": "…"},
 *    "level":     {"env": "LOG_LEVEL", "kind": "choice", "choices": ["info", "debug"]}}
 *
 *   args     words behind the command, {} is the value (sizes in bytes)     env     a variable
 *   kind     text (default), number, size, bool, choice                     default used when nobody says it
 */
#pragma once

#include "pod/resolve_parts.h"

/* Puts the app's parameters, and the defaults of the others, into its command and environment. ERR_USAGE. */
[[nodiscard]] int params_apply(struct resolve *r, struct resolve_app *ra, struct err *e);
