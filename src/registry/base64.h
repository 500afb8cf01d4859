/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648) by libcrypto, whose headers don't go together with base/err.h. Pure. */
#pragma once

#include <stddef.h>

#include "base/arena.h"

enum { BASE64_MAX = 8 << 20 };

/* The text of n bytes, with padding. */
char *base64_encode(struct arena *a, const void *bytes, size_t n);
/* The bytes, 0-terminated, of whole blocks without line breaks; NULL when it is none, or longer than BASE64_MAX. */
char *base64_decode(struct arena *a, const char *text, size_t *ret_n);
