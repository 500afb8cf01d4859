/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-relay UID GID NAMESPACES: carries the pod's in: holes. Started by relay_spawn() (net/relay.h) alone, with
 *
 *   0   its end of the control pair (net/relay_wire.h)
 *   1   pidfd of a process in the pod's namespaces
 *   2   an empty folder that becomes its root
 *
 * It lives as long as its supervisor's end is open and the supervisor lives, says nothing on its own
 * but READY, and runs without a C library: see rocket-relay-libc.c for why.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/relay_core.h"
#include "net/relay_jail.h"

enum { CONTROL_FD = 0, POD_FD = 1, ROOT_FD = 2 };

/* A decimal number that fits; the supervisor wrote it, yet nothing is taken on trust. */
static int parse_u32(const char *text, uint32_t *ret)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*c - '0');
		if (n > UINT32_MAX)
			return -ERANGE;
	}
	*ret = (uint32_t)n;
	return 0;
}

static int parse_jail(int argc, char **argv, struct relay_jail *ret)
{
	uint32_t namespaces = 0;

	if (argc != 4 || parse_u32(argv[1], &ret->uid) < 0 || parse_u32(argv[2], &ret->gid) < 0 ||
	    parse_u32(argv[3], &namespaces) < 0)
		return -EINVAL;
	ret->namespaces = (int)(namespaces & (CLONE_NEWUSER | CLONE_NEWNET));
	ret->pod_fd = POD_FD;
	ret->root_fd = ROOT_FD;
	return 0;
}

/* Signals meant for a terminal's group are not meant for the relay; SIGKILL alone ends it early. */
static void become_relay(void)
{
	uint64_t all = ~(uint64_t)0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	prctl(PR_SET_NAME, "rocket-relay", 0, 0, 0);
}

static int serve(struct relay_core *c, int netlink_fd, enum relay_stage *stage)
{
	int r;

	*stage = RELAY_STAGE_MEMORY;
	r = relay_core_init(c, CONTROL_FD, netlink_fd);
	if (r < 0)
		return r;
	*stage = RELAY_STAGE_FILTER;
	r = relay_jail_filter();
	if (r < 0)
		return r;
	relay_control_ready(CONTROL_FD, RELAY_STAGE_NONE, 0);
	return relay_core_run(c);
}

int main(int argc, char **argv)
{
	enum relay_stage stage = RELAY_STAGE_NONE;
	struct relay_jail jail = {};
	struct relay_core core;
	int netlink_fd = -1, r;

	if (parse_jail(argc, argv, &jail) < 0)
		return 2;
	become_relay();
	r = relay_jail_enter(&jail, &netlink_fd, &stage);
	/* Only now: a change of ids clears it (prctl(2)). A supervisor that died before closed the pair. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(POD_FD);
	close(ROOT_FD);
	if (r == 0)
		r = serve(&core, netlink_fd, &stage);
	if (r < 0)
		relay_control_ready(CONTROL_FD, stage, -r);
	return r < 0;
}
