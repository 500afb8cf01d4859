/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to store/: the names of the store's directories, and the few steps that all its files share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

enum {
	LAYOUT_NAME_MAX = 255,            /* a file name */
	LAYOUT_RECORD_MAX = 4 << 20,      /* the largest record or small blob that is read whole */
	LAYOUT_ACCOUNTS_MAX = 1 << 20,    /* passwd, group */
};

/* True for `n` lower-case hex digits with n in [min, max] and nothing behind. */
bool layout_is_hex(const char *s, size_t min, size_t max);
/* A view id: 16 to 128 hex digits. */
bool layout_is_view_id(const char *s);
/* The hex digits of a digest that names an image: "sha256:HEX", "sha512-HEX", "sha512:HEX"; else NULL. */
const char *layout_digest_hex(const char *digest);

/*
 * Makes dir/name (below the store) hold these bytes: complete or not at all, under every race with other
 * writers of the same name; a crash leaves at most a file in tmp/. `dir` must be one of the store's.
 * Syncs the file; the directory is the caller's.
 */
[[nodiscard]] int layout_put_file(const struct store *s, const char *dir, const char *name, const void *bytes, size_t n,
				  struct err *e);
/* An open unnamed file in dir, or (no O_TMPFILE there) one in tmp/ whose name goes to tmp_name[64]. -1 with errno. */
[[nodiscard]] int layout_open_tmp(const struct store *s, const char *dir, char *tmp_name);
/* Gives that file its name, never replacing one. 0 or -1 with errno (EEXIST). */
[[nodiscard]] int layout_link_tmp(const struct store *s, int fd, const char *tmp_name, const char *path);
/* fsync of a directory of the store. */
[[nodiscard]] int layout_sync_dir(const struct store *s, const char *dir, struct err *e);
/* ERR_FAILED of a system call, with the way out when the disk is full. */
[[gnu::format(printf, 2, 3)]] int layout_err(struct err *e, const char *fmt, ...);

/* A name that nobody else uses at this moment: PREFIX.PID.RANDOM. */
void layout_unique_name(char *buf, size_t n, const char *prefix);
