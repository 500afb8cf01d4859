/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the store and its lock. The lock file is made last: where it is, the layout is complete, so
 * that opening an existing store costs two system calls.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "store/layout.h"

static const char *const directories[] = {
	"blobs", "blobs/sha256", "blobs/sha512", "from", "from/sha256", "views",
	"trees", "refs",         "images",       "tmp",  "dead",
};

static int make_layout(int dirfd, const char *path, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (mkdirat(dirfd, directories[i], 0700) < 0 && errno != EEXIST)
			return layout_err(e, "can't make the image store in %s", path);
	autoclose int lock = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (lock < 0)
		return layout_err(e, "can't make the image store in %s", path);
	if (fsync(dirfd) < 0)
		return layout_err(e, "can't sync %s", path);
	return 0;
}

static int open_dir(const char *dir, int *ret_fd, struct err *e)
{
	int r = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		r = io_mkdir_p(AT_FDCWD, dir, 0700, e);
		fd = r < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (r < 0)
		return r;
	if (fd < 0)
		return layout_err(e, "can't open the image store %s", dir);
	*ret_fd = fd;
	return 0;
}

int store_open(const char *dir, const char *run_dir, struct store *ret, struct err *e)
{
	autoclose int fd = -1;
	int r = open_dir(dir, &fd, e);

	if (r < 0)
		return r;
	if (faccessat(fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		r = make_layout(fd, dir, e);
		if (r < 0)
			return r;
	}
	*ret = STORE_NONE;
	ret->path = strdup(dir);
	ret->run_path = run_dir ? strdup(run_dir) : NULL;
	if (!ret->path || (run_dir && !ret->run_path))
		abort();
	ret->dirfd = take_fd(&fd);
	return 0;
}

void store_close(struct store *s)
{
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s->path);
	free(s->run_path);
	*s = STORE_NONE;
}

int store_lock_shared(const struct store *s, int *ret_fd, struct err *e)
{
	autoclose int fd = openat(s->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return layout_err(e, "can't open %s/lock", s->path);
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return layout_err(e, "can't lock %s/lock", s->path);
	*ret_fd = take_fd(&fd);
	return 0;
}
