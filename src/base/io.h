/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, small files, and files that appear complete or not at all. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* write() until all is out; EINTR and short writes are handled. 0 or -1 with errno. */
[[nodiscard]] int io_write_all(int fd, const void *bytes, size_t n);
/* read() until n bytes or end of file; gives the count or -1 with errno. */
[[nodiscard]] ssize_t io_read_full(int fd, void *bytes, size_t n);

/*
 * Reads the regular file dirfd/path whole (AT_FDCWD allowed), at most `limit` bytes, into a malloc'ed,
 * 0-terminated text that the caller frees. Refuses what is no regular file, and what is larger.
 */
[[nodiscard]] int io_read_file(int dirfd, const char *path, size_t limit, char **ret_text, size_t *ret_len,
			       struct err *e);
[[nodiscard]] int io_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_len, struct err *e);

enum io_sync { IO_NO_SYNC, IO_SYNC };
/*
 * Makes dirfd/name hold exactly these bytes: written to a temporary name beside it, (synced,) renamed
 * over it, (directory synced.) A reader sees the old or the new file, a crash leaves at most ".name.tmp".
 */
[[nodiscard]] int io_write_file_atomic(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
				       enum io_sync sync, struct err *e);

/* fsync() of a directory, whatever the descriptor was opened for. 0 or -1 with errno. */
[[nodiscard]] int io_sync_dir(int dirfd);

/* One write() to an existing file such as a kernel knob. 0 or -1 with errno. */
[[nodiscard]] int io_write_knob(int dirfd, const char *path, const char *text);

/* mkdir -p below dirfd, each missing part with this mode; existing parts must be directories. */
[[nodiscard]] int io_mkdir_p(int dirfd, const char *path, mode_t mode, struct err *e);
/*
 * rm -r of dirfd/name by descriptors, at any depth, never following a link, never crossing a mount (that
 * is an error); ENOENT is success. Directories that lack write permission get it when we own them.
 */
[[nodiscard]] int io_remove_tree(int dirfd, const char *name, struct err *e);
/*
 * Bytes of dirfd/name and all below it as the disk holds them (st_blocks; a file with n names counts 1/n at
 * each). Other mounts, unreadable directories and what lies deeper than 48 directories are left out.
 */
[[nodiscard]] int io_disk_usage(int dirfd, const char *name, uint64_t *ret_bytes, struct err *e);

/* Sends bytes with up to 16 descriptors over a unix socket; receives them (close-on-exec). 0/count or -1 with errno. */
[[nodiscard]] int io_send_fds(int sock, const void *bytes, size_t n, const int *fds, size_t nfds);
[[nodiscard]] ssize_t io_recv_fds(int sock, void *bytes, size_t cap, int *ret_fds, size_t *inout_nfds);

/* A sealed memfd with these bytes, at offset 0, close-on-exec; or -1 with errno. */
[[nodiscard]] int io_memfd(const char *name, const void *bytes, size_t n);

int64_t io_now_ns(void);      /* CLOCK_REALTIME */
int64_t io_monotonic_ns(void); /* CLOCK_MONOTONIC */
