/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: a tmpfs that begins with a copy of what it hides. By descriptor, no link followed, depth and count bounded.
 * In the container's process, before its root is entered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/space.h"

enum { MAX_DEPTH = 64 };

static int copy_tree(int from, int to, unsigned depth);

static int copy_owner(int to, const char *name, const struct stat *st)
{
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
		return -1;
	if (S_ISLNK(st->st_mode))
		return 0;
	return fchmodat(to, name, st->st_mode & 07777, 0);
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = 0;

	if (in < 0 || out < 0)
		return -1;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	return n < 0 ? -1 : 0;
}

static int copy_link(int from, int to, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = 0;
	return symlinkat(target, to, name);
}

static int copy_dir(int from, int to, const char *name, unsigned depth)
{
	autoclose int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -1;
	autoclose int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -1 : copy_tree(in, out, depth + 1);
}

static int copy_entry(int from, int to, const char *name, unsigned depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		r = copy_dir(from, to, name, depth);
	else if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, &st);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name);
	else
		return 0; /* sockets and devices are made by those who use them */
	return r < 0 ? -1 : copy_owner(to, name, &st);
}

/* Entries as the kernel gives them: no allocation (getdents64(2)). */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static int copy_tree(int from, int to, unsigned depth)
{
	alignas(struct entry) char block[2048];
	long n;

	if (depth > MAX_DEPTH)
		return (errno = ELOOP, -1);
	while ((n = syscall(SYS_getdents64, from, block, sizeof(block))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *x = (const struct entry *)(const void *)(block + at);

			at += x->len;
			if (strcmp(x->name, ".") != 0 && strcmp(x->name, "..") != 0 && copy_entry(from, to, x->name, depth) < 0)
				return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

int space_copy_up(int from_dir, int to_dir, struct err *e)
{
	struct stat st;
	mode_t mask = umask(0);
	int r = fstat(from_dir, &st);

	if (r == 0)
		r = copy_tree(from_dir, to_dir, 0);
	if (r == 0 && (fchown(to_dir, st.st_uid, st.st_gid) < 0 || fchmod(to_dir, st.st_mode & 07777) < 0))
		r = -1;
	umask(mask);
	return r < 0 ? err_errno(e, "can't copy the files below a tmpfs (tmpcopyup)") : 0;
}
