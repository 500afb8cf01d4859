/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-resolve UID NAMESPACES [SERVER,…]: answers a pod's questions for names that have a hole. Started by
 * resolve_spawn() (net/resolve.h) alone, with
 *
 *   0   its end of the pair with the pod's uplink (net/resolve_wire.h)
 *   1   pidfd of a process in the pod's namespaces
 *   2   an empty folder that becomes its root
 *
 * It opens its sockets outside, enters the pod, listens there, and gives up everything before the first packet is read.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "net/resolve_core.h"

enum { CONTROL_FD = 0, POD_FD = 1, ROOT_FD = 2 };

static void tell_ready(int errnum)
{
	struct resolve_packet ready = { .op = RESOLVE_READY, .number = (uint32_t)errnum };

	(void)!send(CONTROL_FD, &ready, sizeof(ready), MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	static struct resolve_core c = { .control_fd = CONTROL_FD, .listen_fd = -1 };
	sigset_t all;
	int r;

	if (argc != 4)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	r = resolve_servers_open(&c, argv[3]);
	if (r == 0)
		r = resolve_jail_enter(&c, POD_FD, ROOT_FD, (uint32_t)strtoul(argv[1], NULL, 10),
				       (int)strtoul(argv[2], NULL, 10) & (CLONE_NEWUSER | CLONE_NEWNET));
	/* Only now: a change of ids clears it (prctl(2)), and the filter is not for it. A dead uplink shows on the pair. */
	tell_ready(-r);
	if (r == 0)
		resolve_core_run(&c);
	return r < 0;
}
