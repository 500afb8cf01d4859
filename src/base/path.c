/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2(2) by number: glibc 2.36 has no wrapper. The kernel resolves the whole path under the given
 * rules, so nothing can be swapped between a check and a use.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RACES_MAX 128 /* EAGAIN: a rename elsewhere raced with "..", try again */

static int path_openat2(int dirfd, const char *path, int flags, mode_t mode, unsigned long resolve)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode & 07777 : 0,
		.resolve = resolve,
	};
	long fd = -1;

	for (int i = 0; i < RACES_MAX; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int path_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return path_openat2(rootfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int path_open_beneath(int rootfd, const char *path, int flags, mode_t mode)
{
	return path_openat2(rootfd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int path_open_same_mount(int rootfd, const char *path, int flags)
{
	return path_openat2(rootfd, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_clean_part(const char *part, size_t n)
{
	return n > 0 && !(n == 1 && part[0] == '.') && !(n == 2 && part[0] == '.' && part[1] == '.');
}

bool path_is_clean_absolute(const char *path)
{
	if (*path != '/')
		return false;
	for (path++; *path;) {
		size_t n = strcspn(path, "/");

		if (!is_clean_part(path, n))
			return false;
		path += n;
		if (*path == '/')
			path++;
	}
	return true;
}
