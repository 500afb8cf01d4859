/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: a stream or compressed file as a plain one that can be read at any place. */
#pragma once

#include "base/err.h"
#include "image/inflate.h"
#include "store/blob.h"
#include "store/import_input.h"

/* Writes all of in, decompressed, into an unnamed file of the store; closing the writer removes it. */
[[nodiscard]] int import_spool(const struct store *s, struct import_input *in, enum inflate_kind kind,
			       struct blob_writer *ret, struct err *e);
