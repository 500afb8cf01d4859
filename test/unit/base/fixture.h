/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it wants before it, and a directory that a test may fill and that goes again. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

/* *state: a malloc'ed path; the directory is the current one while a test runs. */
static inline int enter_dir(void **state)
{
	char path[] = "/tmp/rocket-unit-XXXXXX";

	if (!mkdtemp(path) || chdir(path) < 0)
		return -1;
	*state = strdup(path);
	return *state ? 0 : -1;
}

static inline int leave_dir(void **state)
{
	autofree char *path = *state;
	struct err e = {};

	return chdir("/") < 0 || io_remove_tree(AT_FDCWD, path, &e) < 0 ? -1 : 0;
}

#define in_dir(test) cmocka_unit_test_setup_teardown(test, enter_dir, leave_dir)

static inline void put_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(fd < 0 ? -1 : io_write_all(fd, text, strlen(text)), 0);
}

static inline char *get_file(const char *path)
{
	struct err e = {};
	char *text = NULL;
	size_t len;

	assert_int_equal(io_read_file(AT_FDCWD, path, 1 << 20, &text, &len, &e), 0);
	return text;
}
