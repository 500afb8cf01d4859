/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the merged tree of an image as an EROFS file system without file content: its files point into
 * the layers' tars, which the kernel (6.12 and newer) is given as further devices. Deterministic: equal
 * trees give equal bytes. Blocks are 512 bytes, as in a tar, so that every payload begins on one.
 *
 *   0      1024    1152                     meta_blkaddr * 512                               end
 *   | zero | super | device table, 128 each | inodes with xattrs, link targets, ends of     | other directory blocks,
 *   |      | block |                        | directories                                   | long links, chunk maps,
 *                                                                                           | unaligned sparse files
 *
 * The devices follow in one address space of blocks: device n's block b is at uniaddr(n) + b. The format
 * is that of Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h of Linux.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tree.h"

enum { EROFS_BLOCK = 512 };

/* A layer's tar, in the order of the tree's layers. */
struct erofs_device {
	int fd;        /* open for reading; read only for sparse files whose pieces are no whole blocks */
	uint64_t size; /* bytes */
};

/*
 * Gives the whole image as malloc'ed memory that the caller frees. The tree is finished. ERR_FAILED: more
 * than 2 TiB, more devices than EROFS counts, or a sparse file with too large a map.
 */
[[nodiscard]] int erofs_write(const struct tree *t, const struct erofs_device *devices, size_t n_devices,
			      uint8_t **ret_bytes, size_t *ret_len, struct err *e);
