/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rootfs as one layer tar (ustar, with pax headers where ustar is too small), the same bytes for the same
 * rootfs wherever it is written: sorted by path, one time for all, numeric owners, no names, no padding but
 * tar's own two blocks of zeros.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "build/rootfs.h"
#include "image/digest.h"

struct layer_options {
	int64_t time_s;       /* of every entry, seconds since 1970 */
	bool leave_implied;   /* on top of a base: parents that nobody named stay as the base has them */
};

struct layer {
	char diff_id[DIGEST_TEXT_MAX]; /* "sha256:HEX" of the tar */
	uint64_t size;                 /* bytes of the tar */
};

/*
 * Writes the tar to fd from its present offset on. The rootfs is sorted (rootfs_sort). ERR_FAILED: cannot
 * read or write, or a file got another size since it was looked at.
 */
[[nodiscard]] int layer_write(int fd, const struct rootfs *fs, const struct layer_options *options, struct layer *ret,
			      struct err *e);
