/* SPDX-License-Identifier: Apache-2.0 */
/* See resolve.h. */
#include "net/resolve.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/resolve_wire.h"

enum { READY_MS = 5000, NOBODY = 65534 };

static int wait_ready(int fd, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct resolve_packet ready = {};
	int n;

	do
		n = poll(&p, 1, READY_MS);
	while (n < 0 && errno == EINTR);
	if (n != 1 || recv(fd, &ready, sizeof(ready), MSG_DONTWAIT) != sizeof(ready) || ready.op != RESOLVE_READY)
		return err_new(e, ERR_FAILED, "the pod's resolver does not start");
	if (!ready.number)
		return 0;
	errno = (int)ready.number;
	err_errno(e, "the pod's resolver can't serve at " RESOLVE_ADDRESS " in the pod");
	return -e->code;
}

int resolve_spawn(const struct resolve_spawn_request *r, struct helper *ret, int *ret_uplink_fd, struct err *e)
{
	const struct plan *p = r->plan;
	uint32_t nobody = p->ids.count == 0 || p->ids.count > NOBODY ? NOBODY : p->ids.count - 1;
	char uid[16], namespaces[16];
	autostr servers = {};
	char *argv[] = { (char *)"rocket-resolve", uid, namespaces, NULL, NULL };
	struct helper_command c = { .name = "resolver", .argv = argv, .exe_fd = r->exe_fd };
	struct helper h = HELPER_NONE;
	int pair[2], result;

	snprintf(uid, sizeof(uid), "%u", nobody);
	snprintf(namespaces, sizeof(namespaces), "%u", CLONE_NEWNET | (p->ids.count ? CLONE_NEWUSER : 0));
	for (char **s = p->dns; s && *s; s++)
		str_addf(&servers, "%s%s", servers.len ? "," : "", *s);
	argv[3] = (char *)(uintptr_t)str_text(&servers);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket for the pod's resolver");
	memcpy(c.fds, (int[]){ pair[1], r->pod_pidfd, r->empty_root_fd }, sizeof(c.fds));
	result = helper_start(&c, &h, e);
	close(pair[1]);
	if (result == 0)
		result = wait_ready(pair[0], e);
	if (result < 0) {
		helper_end(&h);
		close(pair[0]);
		return result;
	}
	*ret = h;
	*ret_uplink_fd = pair[0];
	return 0;
}
