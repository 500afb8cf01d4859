/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-image: a tree moved into a directory that has files already (extract --force). */
#pragma once

#include "base/err.h"

/*
 * Moves what is in dirfd/name up into dirfd, and removes dirfd/name. A directory on both sides is merged
 * and gets the new one's owner, mode, times and xattrs; everything else that is in the way is replaced, a
 * symlink never followed. After an error part of it has been moved.
 */
[[nodiscard]] int image_merge(int dirfd, const char *name, struct err *e);
