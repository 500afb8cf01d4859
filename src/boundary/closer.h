/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the last descriptor of a mount takes the mount apart, and its file system where nobody else has it: the kernel
 * waits for all processors meanwhile (namespace_unlock()), some tenths of a millisecond, and more on a busy host. A
 * process that shares our memory and descriptors, and does nothing else, closes them while we go on.
 */
#pragma once

#include <stdalign.h>
#include <stdbool.h>
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
/*
 * Closes what was taken: beside us, and then c stays where it is until closer_wait(), or here and now. A child must not be born
 * into the process table of a pod that ends: that one would wait for us to reap it, and we for that one.
 */
void closer_begin(struct closer *c, bool beside);
/* Waits until all are closed. Without closer_begin() nothing happens. */
void closer_wait(struct closer *c);
