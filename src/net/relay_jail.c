/* SPDX-License-Identifier: Apache-2.0 */
/* See relay_jail.h. setns(2), capabilities(7), seccomp(2). */
#include "net/relay_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/wall.h"

static int jail_join(const struct relay_jail *j, int *netlink_fd)
{
	return j->namespaces && setns(j->pod_fd, j->namespaces) < 0 ? -errno : 0;
}

struct jail_sysctl {
	const char *path;
	bool ipv6; /* absent on a host without IPv6 */
};

/* What the app accepts keeps the mark, and so do the kernel's own answers: resets and ICMP for a closed port. */
static const struct jail_sysctl jail_sysctls[] = {
	{ "/proc/sys/net/ipv4/tcp_fwmark_accept", false },
	{ "/proc/sys/net/ipv4/fwmark_reflect", false },
	{ "/proc/sys/net/ipv6/fwmark_reflect", true },
};

static int sysctl_enable(const struct jail_sysctl *s)
{
	int fd = open(s->path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return s->ipv6 && errno == ENOENT ? 0 : -errno;
	n = write(fd, "1", 1);
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? (int)n : 0;
}

/* /proc/sys/net is the network of whoever opens it: the pod's, by now. */
static int jail_set_sysctls(const struct relay_jail *j, int *netlink_fd)
{
	if (!j->namespaces)
		return 0; /* the host's network is not ours to change */
	for (unsigned i = 0; i < sizeof(jail_sysctls) / sizeof(*jail_sysctls); i++) {
		int r = sysctl_enable(&jail_sysctls[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static void mark_to_local(struct netlink_batch *b, uint8_t family)
{
	const struct netlink_rule rule = {
		.family = family,
		.priority = NET_RELAY_RULE,
		.table = NET_RELAY_TABLE,
		.mark = NET_RELAY_MARK,
	};
	const struct netlink_route local = {
		.type = RTN_LOCAL,
		.to.family = family,
		.table = NET_RELAY_TABLE,
		.link = NET_LO,
	};

	netlink_add_rule(b, NETLINK_CREATE, &rule);
	netlink_forgive_family(b);
	netlink_add_route(b, NETLINK_CREATE, &local);
	netlink_forgive_family(b);
}

static int jail_set_routes(const struct relay_jail *j, int *netlink_fd)
{
	struct netlink_batch b = {};
	int fd, failed = -1, r;

	if (!j->namespaces)
		return 0;
	fd = netlink_open();
	if (fd < 0)
		return fd;
	mark_to_local(&b, AF_INET);
	mark_to_local(&b, AF_INET6);
	r = netlink_commit(fd, &b, &failed);
	if (r < 0) {
		close(fd);
		return r;
	}
	*netlink_fd = fd;
	return 0;
}

static int jail_set_root(const struct relay_jail *j, int *netlink_fd)
{
	return fchdir(j->root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
}

/* Supplementary groups stay only where the kernel forbids to drop them (user_namespaces(7), setgroups). */
static int jail_set_ids(const struct relay_jail *j, int *netlink_fd)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (syscall(SYS_setresgid, j->gid, j->gid, j->gid) < 0 || syscall(SYS_setresuid, j->uid, j->uid, j->uid) < 0)
		return -errno;
	return 0;
}

static int jail_set_caps(const struct relay_jail *j, int *netlink_fd)
{
	const uint32_t keep = j->namespaces ? 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW : 0;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = keep, .permitted = keep } };

	if (syscall(SYS_capset, &head, data) < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* As many descriptors as it may have, and no core file ever. */
static int jail_set_limits(const struct relay_jail *j, int *netlink_fd)
{
	struct rlimit files, core = {};

	if (setrlimit(RLIMIT_CORE, &core) < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

struct jail_step {
	enum relay_stage stage;
	int (*run)(const struct relay_jail *j, int *netlink_fd);
};

static const struct jail_step jail_steps[] = {
	{ RELAY_STAGE_JOIN, jail_join },     { RELAY_STAGE_SYSCTL, jail_set_sysctls },
	{ RELAY_STAGE_ROUTES, jail_set_routes }, { RELAY_STAGE_ROOT, jail_set_root },
	{ RELAY_STAGE_IDS, jail_set_ids },   { RELAY_STAGE_CAPS, jail_set_caps },
	{ RELAY_STAGE_LIMITS, jail_set_limits },
};

int relay_jail_enter(const struct relay_jail *j, int *ret_netlink_fd, enum relay_stage *ret_stage)
{
	int fd = -1;

	for (unsigned i = 0; i < sizeof(jail_steps) / sizeof(*jail_steps); i++) {
		int r = jail_steps[i].run(j, &fd);

		if (r < 0) {
			*ret_stage = jail_steps[i].stage;
			return r;
		}
	}
	*ret_netlink_fd = fd;
	return 0;
}

#if defined(__x86_64__)
enum { FILTER_ARCH = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { FILTER_ARCH = AUDIT_ARCH_AARCH64 };
#else
#error "tell the relay's filter this architecture's number"
#endif

/* What the loop does, and nothing else. New sockets are of the internet families, and unix ones. */
static const uint32_t filter_allowed[] = {
	SYS_epoll_pwait, SYS_epoll_ctl, SYS_accept4,     SYS_bind,     SYS_connect,    SYS_setsockopt,
	SYS_getsockopt,  SYS_recvfrom,  SYS_sendto,      SYS_recvmsg,  SYS_sendmsg,    SYS_splice,
	SYS_pipe2,       SYS_write,     SYS_shutdown,    SYS_close,    SYS_getpeername, SYS_clock_gettime,
	SYS_exit_group,
};

/* Calls that are allowed with these values of one argument. */
struct filter_argument {
	uint32_t nr, argument, values[3];
};

static const struct filter_argument filter_arguments[] = {
	{ SYS_socket, 0, { AF_INET, AF_INET6, AF_UNIX } },
	{ SYS_fcntl, 1, { F_SETPIPE_SZ, F_SETPIPE_SZ, F_SETPIPE_SZ } },
};

enum {
	FILTER_CALLS = sizeof(filter_allowed) / sizeof(*filter_allowed),
	FILTER_ARGUMENTS = sizeof(filter_arguments) / sizeof(*filter_arguments),
	FILTER_HEAD = 4,     /* architecture, number */
	FILTER_ARGUMENT = 6, /* number, value, three comparisons, kill */
	FILTER_LEN = FILTER_HEAD + FILTER_CALLS + FILTER_ARGUMENTS * FILTER_ARGUMENT + 2,
};

#define LOAD(field) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(action) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, (action))

/* The low half of an argument: what is compared here is 32 bits wide to the kernel as well. */
#define LOAD_ARGUMENT(i) \
	(struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (i))

static unsigned filter_build_argument(struct sock_filter *f, unsigned n, const struct filter_argument *a,
				      unsigned allow)
{
	f[n++] = EQUAL(a->nr, 0, FILTER_ARGUMENT - 1);
	f[n++] = LOAD_ARGUMENT(a->argument);
	for (unsigned i = 0; i < 3; i++, n++)
		f[n] = EQUAL(a->values[i], (uint8_t)(allow - n - 1), 0);
	f[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
	return n;
}

/*
 *   architecture ≠ ours                      → kill
 *   number in the list                       → allow
 *   number with arguments: one of its values → allow, else kill
 *   anything else                            → kill
 */
static unsigned filter_build(struct sock_filter *f)
{
	const unsigned allow = FILTER_LEN - 1;
	unsigned n = 0;

	f[n++] = LOAD(arch);
	f[n++] = EQUAL(FILTER_ARCH, 1, 0);
	f[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
	f[n++] = LOAD(nr);
	for (unsigned i = 0; i < FILTER_CALLS; i++, n++)
		f[n] = EQUAL(filter_allowed[i], (uint8_t)(allow - n - 1), 0);
	for (unsigned i = 0; i < FILTER_ARGUMENTS; i++)
		n = filter_build_argument(f, n, &filter_arguments[i], allow);
	f[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
	f[n++] = ANSWER(SECCOMP_RET_ALLOW);
	return n;
}

int relay_jail_filter(void)
{
	struct sock_filter insns[FILTER_LEN];
	struct sock_fprog program = { .len = (unsigned short)filter_build(insns), .filter = insns };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
