/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes. File descriptors start at -1; every destructor takes what was never filled. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Keeps errno: a cleanup must not change the error that is being returned. */
static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define autofree [[gnu::cleanup(cleanup_free), gnu::unused]]
#define autoclose [[gnu::cleanup(cleanup_close), gnu::unused]]
#define autofclose [[gnu::cleanup(cleanup_fclose), gnu::unused]]
#define autoclosedir [[gnu::cleanup(cleanup_closedir), gnu::unused]]

/* Hands a descriptor on: the variable no longer owns it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Hands a pointer on: the variable no longer owns it. */
#define take_ptr(p)                       \
	({                                \
		__auto_type taken_ = (p); \
		(p) = NULL;               \
		taken_;                   \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
