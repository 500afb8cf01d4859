/* SPDX-License-Identifier: Apache-2.0 */
/* A stored tar compressed for sending. The same tar gives the same bytes, so that what was sent once is known again. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"

enum compress_kind { COMPRESS_GZIP, COMPRESS_ZSTD, COMPRESS_NONE };
extern const char *const compress_names[];
/* Media type of an OCI layer so compressed. */
extern const char *const compress_types[];

/* From the beginning of `from` to `to`; its digest and size. moved counts bytes read, or is NULL. ERR_FAILED. */
[[nodiscard]] int compress_file(enum compress_kind kind, int from, int to, _Atomic uint64_t *moved,
				char ret_digest[DIGEST_TEXT_MAX], uint64_t *ret_size, struct err *e);
