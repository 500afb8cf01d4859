/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4) as signatures, bundles and policies carry it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum base64_care { BASE64_STRICT, BASE64_SKIP_SPACE };
/* False for what is none: other characters, padding in the middle, bits that must be zero. Arena bytes, 0-terminated. */
[[nodiscard]] bool base64_decode(struct arena *a, const char *text, size_t len, enum base64_care care,
				 uint8_t **ret_bytes, size_t *ret_n);
void base64_add(struct str *out, const void *bytes, size_t n);
