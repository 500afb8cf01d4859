/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-uplink ID NAME learn|-: a pod's way out, for its out: holes. Started by uplink_spawn() (net/uplink.h)
 * alone, with
 *
 *   0   its end of the control pair (net/uplink_wire.h)
 *   1   pidfd of a process in the pod's namespaces
 *   2   an empty folder that becomes its root
 *
 * It makes the link and the table, then keeps CAP_NET_ADMIN alone: for rules, routes and the cutting of connections. What
 * outside bytes say (DNS) is read by rocket-resolve, which has nothing.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/uplink_core.h"
#include "net/wall.h"

enum { CONTROL_FD = 0, POD_FD = 1, ROOT_FD = 2, ID_SHOWN = 12 };

static int give_up(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 1U << CAP_NET_ADMIN, .permitted = 1U << CAP_NET_ADMIN } };
	struct rlimit none = {};

	if (fchdir(ROOT_FD) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_errno(e, "the pod's uplink can't change to an empty root");
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)!prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(e, "the pod's uplink can't give up its privileges");
	return 0;
}

static int allocate(struct uplink_core *c, struct err *e)
{
	c->holes = calloc(UPLINK_HOLES_MAX, sizeof(*c->holes));
	c->classes = calloc(NET_OUT_CLASSES, sizeof(*c->classes));
	c->routes = calloc(UPLINK_ROUTES, sizeof(*c->routes));
	c->pins = calloc(UPLINK_PINS, sizeof(*c->pins));
	c->names = calloc(UPLINK_LOG_NAMES, sizeof(*c->names));
	if (!c->holes || !c->classes || !c->routes || !c->pins || !c->names)
		return err_errno(e, "the pod's uplink has no memory");
	for (size_t i = 0; i < UPLINK_PINS; i++)
		c->pins[i].number = UPLINK_HOLES_MAX;
	return 0;
}

static int set_up(struct uplink_core *c, struct err *e)
{
	int r = allocate(c, e);

	if (r == 0)
		r = uplink_way_choose(c, e);
	if (r == 0)
		r = uplink_link_make(c, e);
	if (r == 0)
		r = uplink_wall_make(c, e);
	if (r < 0)
		return r;
	uplink_way_fill_own(c);
	return give_up(e);
}

static bool is_id(const char *text)
{
	return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

int main(int argc, char **argv)
{
	static struct uplink_core c = {
		.control_fd = CONTROL_FD, .root_fd = ROOT_FD, .host_ns_fd = -1, .wall_ns_fd = -1, .pod_ns_fd = -1,
		.wall_route_fd = -1, .pod_route_fd = -1, .pod_diag_fd = -1, .nft = NFT_CLOSED, .resolver_fd = -1,
		.given_fd = -1,
	};
	struct uplink_reply ready = { .op = UPLINK_READY };
	sigset_t all;

	if (argc != 4 || !is_id(argv[1])) {
		fputs("error: rocket-uplink is started by rocket alone\ntry: rocket run --help\n", stderr);
		return ERR_USAGE;
	}
	umask(077);
	c.id = argv[1];
	c.name = argv[2];
	c.learn = strcmp(argv[3], "learn") == 0;
	snprintf(c.link, sizeof(c.link), "rkt%.*s", ID_SHOWN, c.id);
	snprintf(c.table, sizeof(c.table), "rocket-%.*s", ID_SHOWN, c.id);
	/* A terminal's signals are not meant for us; SIGKILL alone ends us early, and the end of our children is theirs. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (set_up(&c, &ready.err) == 0)
		snprintf(ready.text, sizeof(ready.text), "%s", c.way);
	uplink_core_reply(&c, &ready);
	if (ready.err.code)
		return ready.err.code;
	uplink_core_run(&c);
	return 0;
}
