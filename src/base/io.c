/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in and out of descriptors, small files, files that appear complete or not at all, and
 * descriptors over unix sockets. The walks over whole trees are in tree.c.
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/path.h"

#define FDS_MAX 16
#define TMP_RACES_MAX 1000

int io_write_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t w = write(fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t io_read_full(int fd, void *bytes, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = read(fd, (char *)bytes + have, n - have);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

/* Reads to the end into a buffer that starts at `guess` bytes and may grow up to limit. */
static int read_growing(int fd, size_t guess, size_t limit, char **ret_text, size_t *ret_len, struct err *e)
{
	size_t cap = guess < limit ? guess : limit, have = 0;
	autofree char *text = NULL;

	for (;;) {
		char *grown = realloc(text, cap + 1);

		if (!grown)
			return err_errno(e, "no memory for %zu bytes", cap);
		text = grown;
		ssize_t r = io_read_full(fd, text + have, cap + 1 - have);

		if (r < 0)
			return err_errno(e, "reading failed");
		have += (size_t)r;
		if (have <= cap)
			break;
		if (cap == limit)
			return err_new(e, ERR_FAILED, "more than %zu bytes", limit);
		cap = cap > limit / 2 ? limit : cap * 2;
	}
	text[have] = 0;
	*ret_text = take_ptr(text);
	*ret_len = have;
	return 0;
}

int io_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_len, struct err *e)
{
	return read_growing(fd, 4000, limit, ret_text, ret_len, e);
}

/* Puts the file's name before what read_growing() said. */
static int name_file(struct err *e, const char *path)
{
	struct err inner = *e;

	err_new(e, inner.code, "cannot read %s", path);
	e->errnum = inner.errnum;
	return err_because(e, "%s", inner.because[0] ? inner.because : inner.what);
}

int io_read_file(int dirfd, const char *path, size_t limit, char **ret_text, size_t *ret_len, struct err *e)
{
	/* O_NONBLOCK: a FIFO in this place must not stop us. */
	autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode)) {
		err_new(e, ERR_FAILED, "cannot read %s", path);
		return err_because(e, "it is no regular file");
	}
	/* The kernel's own files say 0 and hold text all the same, so the size is only a guess. */
	size_t guess = st.st_size > 0 && (size_t)st.st_size <= limit ? (size_t)st.st_size : 4000;

	if (read_growing(fd, guess, limit, ret_text, ret_len, e) < 0)
		return name_file(e, path);
	return 0;
}

/* The temporary beside the file, locked: another writer of the same name waits, a dead one's is taken over. */
static int open_tmp(int dirfd, const char *tmp)
{
	for (int i = 0; i < TMP_RACES_MAX; i++) {
		autoclose int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat mine, named;

		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0)
			return -1;
		if (fstatat(dirfd, tmp, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == mine.st_ino &&
		    named.st_dev == mine.st_dev)
			return take_fd(&fd);
	}
	errno = EBUSY;
	return -1;
}

static int write_and_rename(int dirfd, const char *tmp, const char *name, int fd, const void *bytes, size_t n,
			    mode_t mode, enum io_sync sync)
{
	if (ftruncate(fd, 0) < 0 || fchmod(fd, mode) < 0 || io_write_all(fd, bytes, n) < 0)
		return -1;
	if (sync == IO_SYNC && fsync(fd) < 0)
		return -1;
	if (renameat(dirfd, tmp, dirfd, name) < 0)
		return -1;
	return sync == IO_SYNC ? io_sync_dir(dirfd) : 0;
}

int io_write_file_atomic(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode, enum io_sync sync,
			 struct err *e)
{
	char tmp[300];

	if (snprintf(tmp, sizeof(tmp), ".%s.tmp", name) >= (int)sizeof(tmp) || strchr(name, '/')) {
		err_new(e, ERR_FAILED, "cannot write %s", name);
		return err_because(e, "that is no file name");
	}
	autoclose int fd = open_tmp(dirfd, tmp);

	if (fd < 0)
		return err_errno(e, "cannot write %s", name);
	if (write_and_rename(dirfd, tmp, name, fd, bytes, n, mode, sync) < 0) {
		err_errno(e, "cannot write %s", name);
		unlinkat(dirfd, tmp, 0);
		return -e->code;
	}
	return 0;
}

int io_sync_dir(int dirfd)
{
	/* dirfd may be O_PATH or AT_FDCWD, which can't be synced. */
	autoclose int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int io_write_knob(int dirfd, const char *path, const char *text)
{
	autoclose int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (n < 0)
		return -1;
	if ((size_t)n != strlen(text)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static size_t count_room(size_t nfds)
{
	return CMSG_SPACE(nfds * sizeof(int));
}

int io_send_fds(int sock, const void *bytes, size_t n, const int *fds, size_t nfds)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	if (nfds > FDS_MAX || n == 0) {
		errno = EINVAL;
		return -1;
	}
	if (nfds) {
		msg.msg_control = control;
		msg.msg_controllen = count_room(nfds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do {
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -1;
	/* The descriptors went with the first byte; the rest of a stream may follow alone. */
	return io_write_all(sock, (const char *)bytes + sent, n - (size_t)sent);
}

/* Keeps at most `cap` of the descriptors that came, closes the others. */
static size_t collect_fds(struct msghdr *msg, int *fds, size_t cap)
{
	size_t have = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (have < cap)
				fds[have++] = fd;
			else
				close(fd);
		}
	}
	return have;
}

ssize_t io_recv_fds(int sock, void *bytes, size_t cap, int *ret_fds, size_t *inout_nfds)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {};
	struct iovec iov = {.iov_base = bytes, .iov_len = cap};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	*inout_nfds = collect_fds(&msg, ret_fds, *inout_nfds);
	return n;
}

int io_memfd(const char *name, const void *bytes, size_t n)
{
	autoclose int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || io_write_all(fd, bytes, n) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return take_fd(&fd);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t io_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t io_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
