/* SPDX-License-Identifier: Apache-2.0 */
/* A nameless file beside the one that is to be (open(2), O_TMPFILE), named by link and rename at the end. */
#include "cli/archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

static int open_parent(const char *file)
{
	char parent[4096];
	const char *slash = strrchr(file, '/');

	if (!slash)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((size_t)(slash - file) >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(parent, sizeof(parent), "%.*s", slash == file ? 1 : (int)(slash - file), file);
	return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int archive_file_open(const char *file, struct archive_file *ret, struct err *e)
{
	struct archive_file a = ARCHIVE_FILE_NONE;

	if (!file || strcmp(file, "-") == 0) {
		a.fd = STDOUT_FILENO;
		*ret = a;
		if (!isatty(a.fd))
			return 0;
		err_new(e, ERR_USAGE, "an archive does not go to a terminal");
		err_because(e, "standard output is one");
		return err_try(e, "--file FILE, or > FILE");
	}
	a.dirfd = open_parent(file);
	a.name = path_base(file);
	a.fd = a.dirfd < 0 ? -1 : openat(a.dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (a.fd < 0) {
		err_errno(e, "cannot write %s", file);
		archive_file_close(&a);
		return -e->code;
	}
	*ret = a;
	return 0;
}

int archive_file_commit(struct archive_file *a, struct err *e)
{
	char self[40], fresh[40];

	if (a->dirfd < 0)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", a->fd);
	snprintf(fresh, sizeof(fresh), ".rocket-%d.tmp", getpid());
	if (linkat(AT_FDCWD, self, a->dirfd, fresh, AT_SYMLINK_FOLLOW) < 0)
		return err_errno(e, "cannot name %s", a->name);
	if (renameat(a->dirfd, fresh, a->dirfd, a->name) < 0) {
		err_errno(e, "cannot name %s", a->name);
		unlinkat(a->dirfd, fresh, 0);
		return -e->code;
	}
	return 0;
}

void archive_file_close(struct archive_file *a)
{
	if (a->dirfd >= 0)
		cleanup_close(&a->fd);
	cleanup_close(&a->dirfd);
	a->fd = a->dirfd = -1;
}
