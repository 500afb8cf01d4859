/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a manifest's `links:`. */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "pod/link.h"

/* "web -> php: unix /run/php.sock", quoted or not: YAML makes a map of the unquoted line. ERR_USAGE with the place. */
[[nodiscard]] int link_decode(struct arena *a, const struct doc *node, struct link *ret, struct err *e);
