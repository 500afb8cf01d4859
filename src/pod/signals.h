/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name: signal(7). "TERM", "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-1". */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* ERR_USAGE with the nearest name; 0 is no signal to stop with and is refused. */
[[nodiscard]] int signal_parse(const char *text, uint32_t *ret_signal, struct err *e);
/* "TERM", "RTMIN+3", or the number; in the arena. */
char *signal_format(struct arena *a, uint32_t signal);
