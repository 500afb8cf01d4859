/* SPDX-License-Identifier: Apache-2.0 */
/* epoll and nothing else. See loop.h. */
#include "supervise/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/io.h"

enum { BATCH = 32, NS_PER_MS = 1000000 };

int loop_open(struct loop *l, struct err *e)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll_fd < 0 ? err_errno(e, "can't make an event loop") : 0;
}

int loop_watch(struct loop *l, struct loop_source *source, int fd, uint32_t events,
	       void (*ready)(struct loop_source *, uint32_t), void *owner, struct err *e)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	*source = (struct loop_source){ .fd = fd, .events = events, .ready = ready, .owner = owner };
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	source->fd = -1;
	return err_errno(e, "can't watch a descriptor");
}

void loop_change(struct loop *l, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->fd < 0 || source->events == events)
		return;
	source->events = events;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_forget(struct loop *l, struct loop_source *source)
{
	if (source->fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
}

static int timeout_ms(int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == INT64_MAX)
		return -1;
	left = deadline_ns - io_monotonic_ns();
	if (left <= 0)
		return 0;
	/* Rounded up: waking a moment early would only spin. */
	return left / NS_PER_MS >= 3600000 ? 3600000 : (int)(left / NS_PER_MS) + 1;
}

void loop_turn(struct loop *l, int64_t deadline_ns)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(l->epoll_fd, events, BATCH, timeout_ms(deadline_ns));

	for (int i = 0; i < n; i++) {
		struct loop_source *source = events[i].data.ptr;

		/* Forgotten by an owner that was called earlier in this turn. */
		if (source->fd >= 0)
			source->ready(source, events[i].events);
	}
}
