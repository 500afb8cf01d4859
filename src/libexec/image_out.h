/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an export goes: one sink for files with a path, whichever of the three it is.
 *
 *   a directory   files below it; the caller puts last what makes the others count (index.json)
 *   a tar file    written without a name (O_TMPFILE), named when all is in it
 *   stdout        the same tar, as it comes
 *
 * Tars are the same bytes for the same content: ustar, owner 0, time 0, in the order of the calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct image_out; /* opaque */

enum image_out_form {
	IMAGE_OUT_DIR,
	IMAGE_OUT_TAR,
	IMAGE_OUT_RAW, /* the file is what one image_out_copy() brings: an ACI */
};

/* dest "-" is stdout (not IMAGE_OUT_DIR; a terminal is refused). A directory must be new or empty. */
[[nodiscard]] int image_out_open(struct arena *a, enum image_out_form form, const char *dest, struct image_out **ret,
				 struct err *e);
[[nodiscard]] int image_out_put(struct image_out *o, const char *path, const void *bytes, size_t n, struct err *e);
/* All of fd, a regular file, whose size is expected to be this. */
[[nodiscard]] int image_out_copy(struct image_out *o, const char *path, int fd, uint64_t size, struct err *e);
/* Completes it; the name appears now. */
[[nodiscard]] int image_out_finish(struct image_out *o, struct err *e);
/* Closes it; what was not finished goes again. NULL is fine. */
void image_out_close(struct image_out *o);

static inline void cleanup_image_out(struct image_out **o)
{
	image_out_close(*o);
}
#define autoimageout [[gnu::cleanup(cleanup_image_out)]] struct image_out
