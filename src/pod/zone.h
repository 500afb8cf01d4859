/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones for images that have no zone files: the rule at the end of a zone file (RFC 8536,
 * section 3.3) as the value of TZ, which every C library understands.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* "Europe/Berlin": letters, digits, '_', '+', '-', and '/' between parts. */
bool zone_name_is_good(const char *name);
/* "CET-1CEST,M3.5.0,M10.5.0/3" from the bytes of a zone file; NULL when there is none. */
char *zone_rule(struct arena *a, const void *bytes, size_t n);
