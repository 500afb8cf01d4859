/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them after --since and --until. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/*
 * "10m" (ago), "2026-01-31" or "2026-01-31T12:00:00[.123]Z" (UTC), or "@1769860800", seconds since 1970: nanoseconds
 * since 1970. ERR_USAGE; `option` is its name for the message.
 */
[[nodiscard]] int since_parse(const char *option, const char *text, int64_t *ret_ns, struct err *e);
