/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: where bytes to import come from, a piece of a file or a stream. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { IMPORT_HEAD_MAX = 256 << 10 }; /* zstd gives nothing before a block is complete: 128 KiB */

struct import_input {
	int fd;            /* the caller's */
	bool seekable;     /* read by offset; the descriptor's own position is not moved */
	uint64_t offset;   /* of the next byte, when seekable */
	uint64_t left;     /* bytes that may still be read; UINT64_MAX: to the end */
	const uint8_t *head; /* a stream's first bytes, read already and given again */
	size_t head_len;
};

/* Fills buf as far as there are bytes: fewer than n only at the end. -1 with errno. */
[[nodiscard]] ssize_t import_read(struct import_input *in, void *buf, size_t n);
