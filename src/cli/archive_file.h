/* SPDX-License-Identifier: Apache-2.0 */
/* Where an archive goes: standard output, or a file that appears when it is whole. */
#pragma once

#include "base/err.h"

struct archive_file {
	int fd;
	int dirfd;        /* of a file; -1: standard output */
	const char *name; /* in dirfd */
};
#define ARCHIVE_FILE_NONE { .fd = -1, .dirfd = -1 }

/* file NULL or "-": standard output, which must be no terminal. The text stays the caller's. */
[[nodiscard]] int archive_file_open(const char *file, struct archive_file *ret, struct err *e);
[[nodiscard]] int archive_file_commit(struct archive_file *a, struct err *e);
void archive_file_close(struct archive_file *a);
#define autoarchive [[gnu::cleanup(archive_file_close)]] struct archive_file
