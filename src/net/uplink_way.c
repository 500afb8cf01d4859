/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way out: the host's own routing, where the host forwards already and nobody else's rules stand in the way;
 * otherwise pasta, which speaks for the pod from a network namespace that lies between. Nothing of the host is changed
 * for either: no sysctl, no rule of others.
 *
 *   host    the wall stands in the host's namespace
 *   pasta   the wall stands in a namespace of ours, where forwarding is ours to switch on; its way out is pasta's tap
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/netlink.h"
#include "net/uplink_core.h"
#include "net/uplink_foreign.h"
#include "net/wall.h"

enum { PASTA_WAIT_MS = 5000, PASTA_STEP_MS = 10, GATE_FD = 10 };
static const char pasta_link[] = "up0";
static const char *const pastas[] = { "/usr/bin/pasta", "/usr/local/bin/pasta", "/bin/pasta" };

static bool knob_is_on(const char *path)
{
	char c = 0;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

/* Is there a route to the world in this family? connect() of a datagram socket asks the kernel and sends nothing. */
static bool has_way(uint8_t family)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x08080808) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(9),
				    .sin6_addr.s6_addr = { 0x26, 0x06, 0x47, 0, 0x47, [15] = 0x11 } };
	autoclose int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET)
		return fd >= 0 && connect(fd, (struct sockaddr *)&to4, sizeof(to4)) == 0;
	return fd >= 0 && connect(fd, (struct sockaddr *)&to6, sizeof(to6)) == 0;
}

/* Why the host's own routing does not serve; "" when it does. */
static void why_not_host(char *why, size_t cap)
{
	char who[128];

	*why = 0;
	if (!knob_is_on("/proc/sys/net/ipv4/ip_forward"))
		snprintf(why, cap, "the host does not forward IPv4");
	else if (has_way(AF_INET6) && !knob_is_on("/proc/sys/net/ipv6/conf/all/forwarding"))
		snprintf(why, cap, "the host does not forward IPv6");
	else if (uplink_foreign_drops(who, sizeof(who)))
		snprintf(why, cap, "%s may drop what is forwarded", who);
}

/* ---- pasta ---- */

static const char *find_pasta(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(pastas); i++)
		if (access(pastas[i], X_OK) == 0)
			return pastas[i];
	return NULL;
}

static int no_pasta(const char *why, struct err *e)
{
	err_new(e, ERR_FAILED, "this host has no way out for a pod");
	err_because(e, "%s, and pasta, which needs neither, is not installed", why);
	return err_try(e, "apt-get install passt");
}

/* In the child, which never left the host: waits for the namespace between, and becomes pasta with nothing else open. */
[[gnu::noreturn]] static void pasta_exec(int from, const char *pasta)
{
	char ns[32], byte;
	size_t nfds = 1;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), given = -1, gate;
	char *const argv[] = { (char *)"pasta", (char *)"--foreground", (char *)"--runas", (char *)"0:0",
			       (char *)"--quiet", (char *)"--config-net",
			       (char *)"--ns-ifname", (char *)(uintptr_t)pasta_link, (char *)"--no-map-gw",
			       (char *)"-t", (char *)"none", (char *)"-u", (char *)"none", (char *)"-T", (char *)"none",
			       (char *)"-U", (char *)"none", (char *)"--netns", ns, NULL };
	char *const envp[] = { NULL };
	sigset_t none;

	/* What we ignore or block it would inherit, and it takes an ignored SIGPIPE for a failure. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (io_recv_fds(from, &byte, 1, &given, &nfds) != 1 || given < 0)
		_exit(ERR_ROCKET);
	gate = fcntl(given, F_DUPFD, GATE_FD);
	snprintf(ns, sizeof(ns), "/proc/self/fd/%d", gate);
	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	syscall(SYS_close_range, 3U, (unsigned)gate - 1, CLOSE_RANGE_CLOEXEC);
	syscall(SYS_close_range, (unsigned)gate + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(pasta, argv, envp);
	_exit(ERR_NO_PROGRAM);
}

/* Its tap is there, up and has an address when a default route leads to it. */
static bool pasta_serves(void)
{
	return if_nametoindex(pasta_link) && (has_way(AF_INET) || has_way(AF_INET6));
}

/* Before we leave the host's network: where the user namespace is not the host's, nobody could come back to it. */
static int pasta_fork(struct uplink_core *c, const char *pasta, int *ret_to, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't start pasta");
	pid = fork();
	if (pid == 0)
		pasta_exec(pair[1], pasta);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_errno(e, "can't start pasta");
	}
	c->pasta_pid = pid;
	*ret_to = pair[0];
	return 0;
}

static int pasta_wait(const struct uplink_core *c, struct err *e)
{
	for (int ms = 0; ms < PASTA_WAIT_MS; ms += PASTA_STEP_MS) {
		if (pasta_serves())
			return 0;
		if (waitpid(c->pasta_pid, NULL, WNOHANG) != 0)
			break;
		poll(NULL, 0, PASTA_STEP_MS);
	}
	err_new(e, ERR_FAILED, "pasta does not serve as the pod's way out");
	err_because(e, "it has made no link with a route");
	return err_try(e, "ip route get 8.8.8.8   (a host without a way out has none for a pod)");
}

static int gate_enter(struct uplink_core *c, struct err *e)
{
	struct netlink_batch b = {};
	int failed, r;
	autoclose int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "can't make the network namespace between pod and host");
	cleanup_close(&c->wall_ns_fd);
	c->wall_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fd = netlink_open();
	if (c->wall_ns_fd < 0 || fd < 0)
		return err_errno(e, "can't set up the network namespace between pod and host");
	netlink_add_link_up(&b, NET_LO);
	r = netlink_commit(fd, &b, &failed);
	if (r < 0 || io_write_knob(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1") < 0)
		return err_errno(e, "can't switch on forwarding between pod and host");
	/* accept_ra 2: pasta announces its IPv6 router also to one that forwards. */
	(void)!io_write_knob(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/accept_ra", "2");
	(void)!io_write_knob(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", "1");
	return 0;
}

static int take_pasta(struct uplink_core *c, const char *why, struct err *e)
{
	const char *pasta = find_pasta();
	autoclose int to = -1;
	int r;

	if (!pasta)
		return no_pasta(why, e);
	r = pasta_fork(c, pasta, &to, e);
	if (r == 0)
		r = gate_enter(c, e);
	if (r == 0 && io_send_fds(to, "x", 1, &c->wall_ns_fd, 1) < 0)
		r = err_errno(e, "can't start pasta");
	return r < 0 ? r : pasta_wait(c, e);
}

/* ---- the host's own addresses ---- */

static void fill_one(struct uplink_core *c, const struct out_addr *a)
{
	struct err ignored = {};

	/* One that is there twice is no error of all. */
	nft_begin(&c->nft);
	nft_element(&c->nft, a->family == AF_INET ? "own4" : "own6", (uint32_t)out_addr_len(a), a->bytes, NULL, 0);
	(void)!nft_commit(&c->nft, &ignored);
}

/* Where the wall stands on the host, packets to its own addresses never come to the chain of holes. */
void uplink_way_fill_own(struct uplink_core *c)
{
	for (size_t i = 0; i < c->n_own; i++)
		fill_one(c, &c->own[i]);
}

static void remember_own(struct uplink_core *c)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (struct ifaddrs *i = list; i && c->n_own < UPLINK_OWN; i = i->ifa_next) {
		struct out_addr *a = &c->own[c->n_own];

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		*a = (struct out_addr){ .family = (uint8_t)i->ifa_addr->sa_family };
		if (a->family == AF_INET)
			memcpy(a->bytes, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
		else
			memcpy(a->bytes, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
		c->n_own++;
	}
	freeifaddrs(list);
}

/* ---- which ---- */

int uplink_way_choose(struct uplink_core *c, struct err *e)
{
	char why[192];
	int r = 0;

	c->host_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	c->wall_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (c->host_ns_fd < 0 || c->wall_ns_fd < 0)
		return err_errno(e, "can't open the host's network namespace");
	why_not_host(why, sizeof(why));
	if (*why)
		remember_own(c);
	if (*why)
		r = take_pasta(c, why, e);
	snprintf(c->way, sizeof(c->way), "%s", *why ? "pasta" : "host");
	c->has_v4 = true;
	c->has_v6 = *why ? has_way(AF_INET6) : knob_is_on("/proc/sys/net/ipv6/conf/all/forwarding");
	return r;
}
