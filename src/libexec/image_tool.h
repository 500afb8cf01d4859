/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to rocket-image: what its verbs share. The program does the heavy work on images that are in
 * the store already: it reads bytes of theirs and hashes them, which `rocket` itself never does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/tree.h"
#include "store/store.h"

struct image_tool {
	struct store store;
	struct arena arena;
	bool json, quiet;
	int lock; /* the store's, shared, as long as the program runs */
};

/* Each verb: options and words behind it. 0 or -code; prints its own data to stdout. */
int image_export(struct image_tool *t, int argc, char **argv, struct err *e);
int image_extract(struct image_tool *t, int argc, char **argv, struct err *e);
int image_verify(struct image_tool *t, int argc, char **argv, struct err *e);
int image_build_tree(struct image_tool *t, const char *view, struct err *e);
/* The view's files into an empty directory, shift added to every id. */
int image_build_root(struct image_tool *t, const char *view, const char *dir, uint32_t shift, struct err *e);

/* Says something to people, on stderr; nothing with --quiet. */
[[gnu::format(printf, 2, 3)]] void image_say(const struct image_tool *t, const char *fmt, ...);
/* A failed system call on a path that the caller gave, with a way out that fits errno. Gives -code. */
[[gnu::format(printf, 2, 3)]] int image_err(struct err *e, const char *fmt, ...);
/* All of it to stdout. */
[[nodiscard]] int image_print(const char *text, size_t n, struct err *e);
