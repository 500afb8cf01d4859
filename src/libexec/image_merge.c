/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging by rename (image_merge.h). Recursive, a level a directory, so as deep as image/tree.h lets an
 * image be; two descriptors a level. The order is: content first, then the directory's own metadata,
 * because moving entries changes its times.
 */
#include "libexec/image_merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "image/tree.h"
#include "libexec/image_tool.h"

enum { MERGE_XATTR_NAMES = 64 << 10, MERGE_XATTR_VALUE = 64 << 10 };

static int merge_dir(int from, int to, unsigned depth, struct err *e);

static int remove_xattrs(int fd, const char *names, ssize_t n)
{
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if (fremovexattr(fd, name) < 0 && errno != ENODATA && errno != EPERM && errno != ENOTSUP)
			return -1;
	return 0;
}

static int copy_xattrs(int from, int to)
{
	static char names[MERGE_XATTR_NAMES], value[MERGE_XATTR_VALUE];
	ssize_t n = flistxattr(to, names, sizeof(names));

	if (n > 0 && remove_xattrs(to, names, n) < 0)
		return -1;
	n = flistxattr(from, names, sizeof(names));
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		ssize_t len = fgetxattr(from, name, value, sizeof(value));

		if (len < 0 || fsetxattr(to, name, value, (size_t)len, 0) < 0)
			return -1;
	}
	return 0;
}

/* st is what `from` was before its entries were moved. */
static int copy_metadata(int from, const struct stat *st, int to, struct err *e)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};

	if ((fchown(to, st->st_uid, st->st_gid) < 0 && geteuid() == 0) || copy_xattrs(from, to) < 0 ||
	    fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
		return image_err(e, "can't change a directory");
	return 0;
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int merge_entry(int from, int to, const char *name, unsigned depth, struct err *e)
{
	autoclose int old = open_dir(to, name), new = open_dir(from, name);
	int r = 0;

	if (old >= 0 && new >= 0) {
		r = merge_dir(new, old, depth + 1, e);
		if (r == 0 && unlinkat(from, name, AT_REMOVEDIR) < 0)
			r = image_err(e, "can't remove a directory that was merged");
		return r;
	}
	if (old >= 0)
		r = io_remove_tree(to, name, e);
	else if (new >= 0 && unlinkat(to, name, 0) < 0 && errno != ENOENT)
		r = image_err(e, "can't replace %.200s", name);
	if (r == 0 && renameat(from, name, to, name) < 0)
		r = image_err(e, "can't replace %.200s", name);
	return r;
}

static int merge_dir(int from, int to, unsigned depth, struct err *e)
{
	int r = 0, fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (!d || fstat(from, &st) < 0 || depth > TREE_DEPTH_MAX + 1)
		return image_err(e, "can't list a directory");
	for (struct dirent *entry; r == 0 && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = merge_entry(from, to, entry->d_name, depth, e);
	return r < 0 ? r : copy_metadata(from, &st, to, e);
}

int image_merge(int dirfd, const char *name, struct err *e)
{
	autoclose int from = open_dir(dirfd, name);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return image_err(e, "can't open %.200s", name);
	if (merge_dir(from, dirfd, 0, e) < 0)
		return -e->code;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		return image_err(e, "can't remove %.200s", name);
	/* That changed the times once more. */
	return copy_metadata(from, &st, dirfd, e);
}
