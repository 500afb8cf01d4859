/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a tree and writing it as tar. The headers are in tar_head.c. */
#include "cli/tar_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "cli/tar_parts.h"

enum { DEPTH_MAX = 200, CHUNK = 65536, BLOCK = 512 };

int tar_sink_fd(void *context, const void *bytes, size_t n, struct err *e)
{
	const int *fd = context;

	return io_write_all(*fd, bytes, n) < 0 ? err_errno(e, "cannot write the archive") : 0;
}

static int put(struct tar_out *t, const void *bytes, size_t n, struct err *e)
{
	return n ? t->sink(t->context, bytes, n, e) : 0;
}

static int put_padding(struct tar_out *t, uint64_t size, struct err *e)
{
	static const char zeros[BLOCK];

	return put(t, zeros, (size_t)(-size % BLOCK), e);
}

static int put_zeros(struct tar_out *t, uint64_t n, struct err *e)
{
	static const char zeros[CHUNK];

	while (n) {
		size_t part = n < CHUNK ? (size_t)n : CHUNK;

		if (put(t, zeros, part, e) < 0)
			return -e->code;
		n -= part;
	}
	return 0;
}

/* Exactly `size` bytes, whatever the file has become since its header was written. */
static int put_content(struct tar_out *t, int fd, uint64_t size, struct err *e)
{
	char bytes[CHUNK];
	uint64_t left = size;

	while (left) {
		ssize_t n = read(fd, bytes, left < CHUNK ? (size_t)left : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read a file");
		if (n == 0)
			break;
		if (put(t, bytes, (size_t)n, e) < 0)
			return -e->code;
		left -= (uint64_t)n;
	}
	if (put_zeros(t, left, e) < 0)
		return -e->code;
	return put_padding(t, size, e);
}

static uint32_t archive_id(const struct tar_out *t, uint32_t id)
{
	if (!t->id_count)
		return id;
	return id >= t->id_base && id - t->id_base < t->id_count ? id - t->id_base : 65534;
}

static void describe(const struct tar_out *t, const struct stat *st, const char *as, struct tar_head *h)
{
	mode_t kept = t->keep_privileges ? 07777 : 01777;

	*h = (struct tar_head){
		.path = as,
		.mode = st->st_mode & kept,
		.uid = archive_id(t, st->st_uid),
		.gid = archive_id(t, st->st_gid),
		.mtime = st->st_mtim.tv_sec,
		.rdev = st->st_rdev,
	};
}

static int put_head(struct tar_out *t, const struct tar_head *h, struct err *e)
{
	autostr head = {};

	if (tar_head_format(&head, h, e) < 0)
		return -e->code;
	return put(t, head.text, head.len, e);
}

/* A file: the second name of one that was met is a hard link. */
static int add_file(struct tar_out *t, int dirfd, const char *name, const char *as, struct err *e)
{
	/* Opened first, described after: what is read is what was looked at. */
	autoclose int fd = path_open_beneath(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	struct tar_head h;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : err_errno(e, "cannot read %.200s", as);
	if (!S_ISREG(st.st_mode))
		return 0; /* swapped meanwhile */
	describe(t, &st, as, &h);
	h.type = '0';
	h.size = (uint64_t)st.st_size;
	if (st.st_nlink > 1)
		h.link = tar_links_meet(&t->links, st.st_dev, st.st_ino, as);
	if (h.link) {
		h.type = '1';
		h.size = 0;
		return put_head(t, &h, e);
	}
	if (t->xattrs)
		tar_head_read_xattrs(&h, fd);
	int r = put_head(t, &h, e);

	str_free(&h.xattrs);
	return r < 0 ? r : put_content(t, fd, h.size, e);
}

static int add_link(struct tar_out *t, int dirfd, const char *name, const char *as, const struct stat *st,
		    struct err *e)
{
	char target[4096];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
	struct tar_head h;

	if (n <= 0)
		return errno == ENOENT || errno == EINVAL ? 0 : err_errno(e, "cannot read the link %.200s", as);
	target[n] = 0;
	describe(t, st, as, &h);
	h.type = '2';
	h.mode = 0777;
	h.link = target;
	return put_head(t, &h, e);
}

static int add_special(struct tar_out *t, const char *as, const struct stat *st, struct err *e)
{
	bool fifo = S_ISFIFO(st->st_mode);
	struct tar_head h;

	if (S_ISSOCK(st->st_mode) || (!fifo && !t->keep_privileges)) {
		t->left_out++;
		return 0;
	}
	describe(t, st, as, &h);
	h.type = fifo ? '6' : S_ISCHR(st->st_mode) ? '3' : '4';
	return put_head(t, &h, e);
}

static int add_children(struct tar_out *t, int fd, const char *as, unsigned depth, struct err *e);

static int put_dir(struct tar_out *t, int fd, const char *as, struct err *e)
{
	struct stat st;
	struct tar_head h;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %.200s", as);
	describe(t, &st, as, &h);
	h.type = '5';
	if (t->xattrs)
		tar_head_read_xattrs(&h, fd);
	int r = put_head(t, &h, e);

	str_free(&h.xattrs);
	return r;
}

/* A directory that Rocket added for a mount is not there. */
static int add_dir(struct tar_out *t, int dirfd, const char *name, const char *as, unsigned depth, struct err *e)
{
	autoclose int fd = path_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
			       ? 0
			       : err_errno(e, "cannot read the directory %.200s", as);
	if (tar_is_added(fd) && tar_is_bare(fd))
		return 0;
	return put_dir(t, fd, as, e) < 0 ? -e->code : add_children(t, fd, as, depth, e);
}

/* Rocket's own empty files in the image's view, places to mount /etc/hosts and the like on. */
static bool is_added_file(int dirfd, const char *name, const struct stat *st)
{
	autoclose int fd = -1;

	if (st->st_size != 0)
		return false;
	fd = path_open_beneath(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	return fd >= 0 && tar_is_added(fd);
}

static int add_entry(struct tar_out *t, int dirfd, const char *name, const char *as, unsigned depth, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot read %.200s", as);
	if (S_ISDIR(st.st_mode))
		return add_dir(t, dirfd, name, as, depth, e);
	if (S_ISLNK(st.st_mode))
		return add_link(t, dirfd, name, as, &st, e);
	if (!S_ISREG(st.st_mode))
		return add_special(t, as, &st, e);
	return is_added_file(dirfd, name, &st) ? 0 : add_file(t, dirfd, name, as, e);
}

static int add_child(struct tar_out *t, int fd, const char *as, const char *name, unsigned depth, struct err *e)
{
	autostr path = {};

	/* "." stays out of the way: its children are plain names. */
	if (strcmp(as, ".") != 0)
		str_addf(&path, "%s/", as);
	str_add(&path, name);
	if (path.len >= 4096 || depth >= DEPTH_MAX) {
		err_new(e, ERR_FAILED, "%.100s… lies too deep", path.text);
		return err_because(e, "an archive has paths of less than 4096 bytes and %d directories", DEPTH_MAX);
	}
	return add_entry(t, fd, name, path.text, depth + 1, e);
}

static int add_children(struct tar_out *t, int fd, const char *as, unsigned depth, struct err *e)
{
	autoclosedir DIR *dir = tar_open_dir(fd);
	const struct dirent *d;

	if (!dir)
		return err_errno(e, "cannot read the directory %.200s", as);
	while ((errno = 0, d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (add_child(t, fd, as, d->d_name, depth, e) < 0)
			return -e->code;
	}
	return errno ? err_errno(e, "cannot read the directory %.200s", as) : 0;
}

int tar_out_add(struct tar_out *t, int dirfd, const char *name, const char *as, struct err *e)
{
	struct stat st;

	/* The root of a walk must be there; below it things may come and go. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "cannot read %.200s", name);
	return add_entry(t, dirfd, name, as, 0, e);
}

int tar_out_finish(struct tar_out *t, struct err *e)
{
	int r = put_zeros(t, 2 * BLOCK, e);

	tar_out_free(t);
	return r;
}

void tar_out_free(struct tar_out *t)
{
	tar_links_free(&t->links);
}
