/* SPDX-License-Identifier: Apache-2.0 */
/* Private to store/: reading image records by their digest, and walking all of them. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

/* images/HEX; the digest is the manifest's. ERR_NOT_FOUND, or ERR_FAILED when the record is damaged. */
[[nodiscard]] int find_read_image(const struct store *s, struct arena *a, const char *digest, struct image *ret,
				  struct err *e);

/* Calls visit with the manifest digest of each record, until it gives something else than 0. */
typedef int find_visit(const char *digest, void *arg, struct err *e);
[[nodiscard]] int find_each_image(const struct store *s, find_visit *visit, void *arg, struct err *e);
