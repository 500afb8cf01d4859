/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter with a listener (seccomp_unotify(2)): the kernel gives its descriptor to the thread that loads the
 * filter, which from then on may not be able to send anything. So a second thread, without the filter, stands by and sends
 * it; the exec ends that one. runtime-spec, config-linux.md, "seccomp", listenerPath.
 */
#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/clone_usher.h"
#include "boundary/space.h"

enum { STACK = 16 << 10 };

struct errand {
	const struct space *s;
	_Atomic int fd;     /* -1: not yet */
	_Atomic int result; /* 1: not yet, 0: sent, else -errno */
};

static int send_descriptor(void *arg)
{
	struct errand *x = arg;
	int fd;

	while ((fd = atomic_load(&x->fd)) < 0)
		if (fd < -1)
			return 0;
	int r = io_send_fds(x->s->listener_sock, x->s->listener, strlen(x->s->listener), &fd, 1);
	atomic_store(&x->result, r < 0 ? -errno : 0);
	return 0;
}

int space_load_filter(const struct confine *c)
{
	alignas(16) static char stack[STACK];
	struct errand errand = { .s = c->more->context, .fd = -1, .result = 1 };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	struct sock_fprog program = { .len = c->seccomp->len, .filter = (struct sock_filter *)c->seccomp->insns };
	long tid = clone_usher(&args, send_descriptor, &errand);

	if (tid < 0)
		return (errno = (int)-tid, -1);
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, c->more->seccomp_flags | SECCOMP_FILTER_FLAG_NEW_LISTENER,
			  &program);
	atomic_store(&errand.fd, fd < 0 ? -2 : (int)fd);
	if (fd < 0)
		return -1;
	int result;
	while ((result = atomic_load(&errand.result)) == 1)
		;
	/* The descriptor stays close-on-exec here; the listener has its own. */
	return result < 0 ? (errno = -result, -1) : 0;
}
