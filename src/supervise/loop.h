/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's event loop: epoll(7) over sources that their owners embed, and one deadline that the
 * owner of the loop computes. No allocation.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct loop {
	int epoll_fd;
};

struct loop_source {
	int fd;          /* -1: not watched */
	uint32_t events; /* EPOLLIN … as watched now */
	void (*ready)(struct loop_source *source, uint32_t events);
	void *owner;
};

[[nodiscard]] int loop_open(struct loop *l, struct err *e);
/* Watches fd; source stays the caller's and must live until loop_forget(). */
[[nodiscard]] int loop_watch(struct loop *l, struct loop_source *source, int fd, uint32_t events,
			     void (*ready)(struct loop_source *, uint32_t), void *owner, struct err *e);
void loop_change(struct loop *l, struct loop_source *source, uint32_t events);
/* Stops watching; does not close. */
void loop_forget(struct loop *l, struct loop_source *source);
/* Waits for events until the monotonic deadline (INT64_MAX: none) and calls their owners. */
void loop_turn(struct loop *l, int64_t deadline_ns);
