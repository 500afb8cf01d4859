/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the last descriptor of a mount takes the mount apart, and its file system where nobody else has it: the kernel
 * waits for all processors meanwhile (namespace_unlock()), some tenths of a millisecond, and more on a busy host. A
 * process that shares our memory and descriptors, and does nothing else, closes them while we go on.
 */
#pragma once

#include <stdalign.h>
#include <stddef.h>
#include <sys/types.h>

enum { CLOSER_MAX = 64, CLOSER_STACK = 8 << 10 };

struct closer {
	pid_t pid;      /* 0: there is none */
	size_t n;
	int fds[CLOSER_MAX];
	alignas(16) char stack[CLOSER_STACK];
};

/* Takes a descriptor: *fd is -1 after. Where there is no room for one more it is closed at once. */
void closer_take(struct closer *c, int *fd);
/* Begins to close what was taken; c stays where it is until closer_wait(). Children must be born in our process table. */
void closer_begin(struct closer *c);
/* Waits until all are closed. Without closer_begin() nothing happens. */
void closer_wait(struct closer *c);
