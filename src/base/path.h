/* SPDX-License-Identifier: Apache-2.0 */
/* Paths inside a root that somebody else controls: always openat2(2), always by descriptor. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens path with rootfd as its "/": symlinks and ".." can't leave it, magic links are refused
 * (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, openat2(2)). flags as for open(2), O_CLOEXEC is added.
 * A descriptor or -1 with errno.
 */
[[nodiscard]] int path_open_in_root(int rootfd, const char *path, int flags, mode_t mode);
/* The same, but no symlink anywhere and nothing above rootfd (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). */
[[nodiscard]] int path_open_beneath(int rootfd, const char *path, int flags, mode_t mode);
/* As path_open_beneath(), and on the same mount: EXDEV at a mount point. */
[[nodiscard]] int path_open_same_mount(int rootfd, const char *path, int flags);

/* Last component, pointing into path. */
const char *path_base(const char *path);
/* True for an absolute path without ".", ".." and doubled slashes (one trailing slash aside). */
bool path_is_clean_absolute(const char *path);
