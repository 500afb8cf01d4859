/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What musl 1.2.3 lacks of what Rocket uses, for the programs that are built with it (docs/decisions/0005).
 * Included by the compiler's command line, so that no source knows of it.
 */
#pragma once

#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RENAME_NOREPLACE 1
#define __O_TMPFILE      (O_TMPFILE & ~O_DIRECTORY)

static inline const char *strerrordesc_np(int errnum)
{
	return strerror(errnum);
}

static inline int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, ret);
}

static inline int renameat2(int olddir, const char *old, int newdir, const char *new, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, olddir, old, newdir, new, flags);
}
