/* SPDX-License-Identifier: Apache-2.0 */
/* A throw-away tree, and a rootfs as text to compare with. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "build/rootfs.h"
#include "build/source.h"
#include "make_elf.h"

struct fixture {
	char dir[64];
	int fd;
	struct source source;
	struct source folder; /* the same directory, as the recipe's folder */
};

static inline void fixture_open(struct fixture *f)
{
	struct err e = {};

	snprintf(f->dir, sizeof(f->dir), "/tmp/rocket-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(source_open(AT_FDCWD, f->dir, "the tree", &f->source, &e), 0);
	assert_int_equal(source_open(AT_FDCWD, f->dir, "the folder", &f->folder, &e), 0);
}

static inline void fixture_close(struct fixture *f)
{
	struct err e = {};
	autoclose int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	source_close(&f->source);
	source_close(&f->folder);
	close(f->fd);
	assert_int_equal(io_remove_tree(tmp, f->dir + strlen("/tmp/"), &e), 0);
}

static inline void fixture_parents(struct fixture *f, const char *path)
{
	struct err e = {};
	char *copy = strdup(path), *slash = strrchr(copy, '/');

	if (slash) {
		*slash = 0;
		assert_int_equal(io_mkdir_p(f->fd, copy, 0755, &e), 0);
	}
	free(copy);
}

static inline void fixture_bytes(struct fixture *f, const char *path, const void *bytes, size_t n, mode_t mode)
{
	int fd;

	fixture_parents(f, path);
	fd = openat(f->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, bytes, n), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline void fixture_file(struct fixture *f, const char *path, const char *text, mode_t mode)
{
	fixture_bytes(f, path, text, strlen(text), mode);
}

static inline void fixture_link(struct fixture *f, const char *path, const char *target)
{
	fixture_parents(f, path);
	assert_int_equal(symlinkat(target, f->fd, path), 0);
}

static inline void fixture_elf(struct fixture *f, const char *path, const struct make_elf *elf)
{
	struct made_elf made;

	make_elf(&made, elf);
	fixture_bytes(f, path, made.bytes, made.len, 0755);
}

/* One line an entry: "d 0755 0:0 usr", "f 0644 0:0 etc/x", "l bin -> usr/bin"; implied parents left out. */
static inline void rootfs_text(const struct rootfs *fs, struct str *out)
{
	for (size_t i = 0; i < fs->entries.n; i++) {
		const struct rootfs_entry *entry = &fs->entries.v[i];

		if (entry->implied)
			continue;
		if (entry->kind == ROOTFS_LINK)
			str_addf(out, "l %s -> %s\n", entry->path, entry->target);
		else
			str_addf(out, "%c %04o %u:%u %s\n", entry->kind == ROOTFS_DIR ? 'd' : 'f', entry->mode,
				 entry->uid, entry->gid, entry->path);
	}
}
