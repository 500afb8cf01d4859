/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all of the store's writers rest on: a file that appears complete or not at all.
 *
 * A file is written without a name (O_TMPFILE), synced, and then linked to its final name; the kernel reaps
 * the nameless inode of a writer that died. Replacing an existing name takes one more step, since linkat(2)
 * never replaces: link to a unique name in tmp/, rename(2) over the old one. Where the file system has no
 * O_TMPFILE (overlayfs before 6.3, NFS), the file lies in tmp/ while it is written and the sweep removes
 * what a crash left there.
 */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

bool layout_is_hex(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n >= min && n <= max && !s[n];
}

bool layout_is_view_id(const char *s)
{
	return s && layout_is_hex(s, 16, 128);
}

const char *layout_digest_hex(const char *digest)
{
	if (!digest)
		return NULL;
	if (!strncmp(digest, "sha256:", 7) && layout_is_hex(digest + 7, 64, 64))
		return digest + 7;
	if ((!strncmp(digest, "sha512-", 7) || !strncmp(digest, "sha512:", 7)) && layout_is_hex(digest + 7, 128, 128))
		return digest + 7;
	return NULL;
}

static const char *way_out(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "rocket gc --grace-period 0   (removes what no image name and no pod needs)";
	case EACCES:
	case EPERM:
	case EROFS:
		return "rocket --dir DIR …   (a store that you may write to)";
	default:
		return "rocket image verify   (is the store as it was?)";
	}
}

int (layout_err)(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char what[sizeof(e->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	errno = saved;
	err_errno(e, "%s", what);
	return err_try(e, "%s", way_out(saved));
}

void layout_unique_name(char *buf, size_t n, const char *prefix)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint64_t)io_monotonic_ns();
	snprintf(buf, n, "%s.%d.%016llx", prefix, (int)getpid(), (unsigned long long)random);
}

/* O_TMPFILE is unknown to the file system: these errors say so (open(2), BUGS and ERRORS). */
static bool no_tmpfile(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EISDIR || errnum == ENOENT || errnum == EINVAL;
}

int layout_open_tmp(const struct store *s, const char *dir, char *tmp_name)
{
	int fd = openat(s->dirfd, dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	tmp_name[0] = 0;
	if (fd >= 0 || !no_tmpfile(errno))
		return fd;
	memcpy(tmp_name, "tmp/", 5);
	layout_unique_name(tmp_name + 4, 60, "f");
	fd = openat(s->dirfd, tmp_name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		tmp_name[0] = 0;
	return fd;
}

/*
 * linkat(2) with AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH before Linux 6.10; the way through /proc wants
 * /proc. One of them works everywhere.
 */
static int link_unnamed(int fd, int dirfd, const char *path)
{
	char self[32];

	if (linkat(fd, "", dirfd, path, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == EEXIST || errno == ENOSPC || errno == EDQUOT)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, dirfd, path, AT_SYMLINK_FOLLOW);
}

int layout_link_tmp(const struct store *s, int fd, const char *tmp_name, const char *path)
{
	if (!tmp_name[0])
		return link_unnamed(fd, s->dirfd, path);
	if (renameat2(s->dirfd, tmp_name, s->dirfd, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* A file system without RENAME_NOREPLACE has links. */
	if (linkat(s->dirfd, tmp_name, s->dirfd, path, 0) < 0)
		return -1;
	return unlinkat(s->dirfd, tmp_name, 0);
}

static int replace_name(const struct store *s, int fd, const char *tmp_name, const char *path)
{
	char unique[64] = "tmp/";

	if (tmp_name[0])
		return renameat(s->dirfd, tmp_name, s->dirfd, path);
	layout_unique_name(unique + 4, sizeof(unique) - 4, "r");
	if (link_unnamed(fd, s->dirfd, unique) < 0)
		return -1;
	if (renameat(s->dirfd, unique, s->dirfd, path) == 0)
		return 0;
	int saved = errno;

	unlinkat(s->dirfd, unique, 0);
	errno = saved;
	return -1;
}

int layout_put_file(const struct store *s, const char *dir, const char *name, const void *bytes, size_t n,
		    struct err *e)
{
	char path[LAYOUT_NAME_MAX + 32], tmp_name[64];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return err_new(e, ERR_USAGE, "the file name %.40s… is too long", name);
	autoclose int fd = layout_open_tmp(s, dir, tmp_name);

	if (fd < 0)
		return layout_err(e, "can't write into %s/%s", s->path, dir);
	if (io_write_all(fd, bytes, n) < 0 || fdatasync(fd) < 0)
		goto failed;
	if (!tmp_name[0] && layout_link_tmp(s, fd, tmp_name, path) == 0)
		return 0;
	if (!tmp_name[0] && errno != EEXIST)
		goto failed;
	if (replace_name(s, fd, tmp_name, path) == 0)
		return 0;
failed:
	layout_err(e, "can't write %s/%s", s->path, path);
	if (tmp_name[0])
		unlinkat(s->dirfd, tmp_name, 0);
	return -e->code;
}

int layout_sync_dir(const struct store *s, const char *dir, struct err *e)
{
	autoclose int fd = openat(s->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return layout_err(e, "can't sync %s/%s", s->path, dir);
	return 0;
}
