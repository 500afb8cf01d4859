/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 over bytes as they come. A pure computation; running out of memory aborts. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum digest_kind { DIGEST_SHA256, DIGEST_SHA512 };
enum { DIGEST_HEX_MAX = 129, DIGEST_TEXT_MAX = 136 }; /* with the 0 at the end */

struct digest; /* a computation under way */

struct digest *digest_new(enum digest_kind kind);
void digest_add(struct digest *d, const void *bytes, size_t n);
/* The lower-case hex digits. The computation is over; free it all the same. */
void digest_hex(struct digest *d, char ret_hex[DIGEST_HEX_MAX]);
void digest_free(struct digest *d); /* NULL is fine */

static inline void cleanup_digest(struct digest **d)
{
	digest_free(*d);
}
#define autodigest [[gnu::cleanup(cleanup_digest)]] struct digest

/* "sha256:HEX" of these bytes. */
void digest_text(const void *bytes, size_t n, char ret_text[DIGEST_TEXT_MAX]);
