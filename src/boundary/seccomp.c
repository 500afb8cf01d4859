/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default system call filter. Layout of the program:
 *
 *   arch not ours  -> the call fails with ENOSYS (no second architecture inside a pod yet)
 *   x32            -> ENOSYS
 *   ranges of numbers, as a tree of compares, each with its verdict:
 *     allow | EPERM | ENOSYS
 *     clone, unshare with namespace flags -> EPERM; clone3 -> ENOSYS, so that libc falls back to clone
 *     personality other than the known harmless ones -> EPERM
 *     socket of a family that the network namespace does not part from the host's -> EAFNOSUPPORT
 *
 * The kernel caches plain "allow" answers per call number: when a filter is loaded it walks it once for each number
 * there is (seccomp_cache_prepare()). So the walks decide what a start pays, and wide ranges stand high in the tree.
 */
#include "boundary/seccomp.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "tell the filter this architecture's AUDIT_ARCH_ constant"
#endif

/* Numbers that exist although Debian 12's headers do not name them (they are the same everywhere). */
enum { NR_LAST_KNOWN = 462, X32_BIT = 0x40000000 };
/* Ranges below one compare: with two instructions each, and the four that need more, a jump's 8 bits reach over them. */
enum { LONGEST_JUMP = 100 };
enum { NR_CACHESTAT = 451, NR_FCHMODAT2, NR_MAP_SHADOW_STACK, NR_FUTEX_WAKE, NR_FUTEX_WAIT, NR_FUTEX_REQUEUE,
       NR_STATMOUNT, NR_LISTMOUNT, NR_LSM_GET_SELF_ATTR, NR_LSM_SET_SELF_ATTR, NR_LSM_LIST_MODULES, NR_MSEAL };

/* The last four look at the call's first argument. */
enum verdict { ALLOW, DENY, UNKNOWN, CLONE_FLAGS, UNSHARE_FLAGS, PERSONALITIES, FAMILIES };

struct denied {
	int nr;
	int unless_cap; /* allowed when the app has this capability; -1: never */
};

/* What an app of a pod has no business with. Sorted by theme; the capability that opens a row beside it. */
static const struct denied denied[] = {
	/* keys are not namespaced by user alone (design, section 5) */
	{ __NR_add_key, -1 },
	{ __NR_keyctl, -1 },
	{ __NR_request_key, -1 },
	/* io_uring passes by this filter */
	{ __NR_io_uring_setup, -1 },
	{ __NR_io_uring_enter, -1 },
	{ __NR_io_uring_register, -1 },
	/* the kernel itself */
	{ __NR_bpf, CAP_BPF },
	{ __NR_perf_event_open, CAP_PERFMON },
	{ __NR_delete_module, CAP_SYS_MODULE },
	{ __NR_finit_module, CAP_SYS_MODULE },
	{ __NR_init_module, CAP_SYS_MODULE },
	{ __NR_kexec_file_load, CAP_SYS_BOOT },
	{ __NR_kexec_load, CAP_SYS_BOOT },
	{ __NR_reboot, CAP_SYS_BOOT },
	{ __NR_syslog, CAP_SYSLOG },
	{ __NR_lookup_dcookie, -1 },
	{ __NR_nfsservctl, -1 },
	{ __NR_userfaultfd, CAP_SYS_PTRACE },
	{ __NR_vhangup, CAP_SYS_TTY_CONFIG },
	{ __NR_acct, CAP_SYS_PACCT },
	{ __NR_quotactl, CAP_SYS_ADMIN },
	{ __NR_quotactl_fd, CAP_SYS_ADMIN },
	{ __NR_swapon, -1 },
	{ __NR_swapoff, -1 },
	/* clocks of the host */
	{ __NR_clock_settime, CAP_SYS_TIME },
	{ __NR_clock_adjtime, CAP_SYS_TIME },
	{ __NR_settimeofday, CAP_SYS_TIME },
	{ __NR_adjtimex, CAP_SYS_TIME },
	/* mounts and namespaces */
	{ __NR_mount, CAP_SYS_ADMIN },
	{ __NR_umount2, CAP_SYS_ADMIN },
	{ __NR_mount_setattr, CAP_SYS_ADMIN },
	{ __NR_move_mount, CAP_SYS_ADMIN },
	{ __NR_open_tree, CAP_SYS_ADMIN },
	{ __NR_fsconfig, CAP_SYS_ADMIN },
	{ __NR_fsmount, CAP_SYS_ADMIN },
	{ __NR_fsopen, CAP_SYS_ADMIN },
	{ __NR_fspick, CAP_SYS_ADMIN },
	{ __NR_pivot_root, CAP_SYS_ADMIN },
	{ __NR_setns, CAP_SYS_ADMIN },
	{ NR_STATMOUNT, -1 },
	{ NR_LISTMOUNT, -1 },
	{ __NR_fanotify_init, CAP_SYS_ADMIN },
	{ __NR_open_by_handle_at, CAP_DAC_READ_SEARCH },
	/* other processes' memory placement */
	{ __NR_move_pages, CAP_SYS_NICE },
	{ __NR_migrate_pages, CAP_SYS_NICE },
	{ __NR_mbind, CAP_SYS_NICE },
	{ __NR_set_mempolicy, CAP_SYS_NICE },
	{ __NR_set_mempolicy_home_node, CAP_SYS_NICE },
	{ __NR_process_madvise, CAP_SYS_NICE },
	{ __NR_kcmp, CAP_SYS_PTRACE },
#ifdef __x86_64__
	{ __NR_ioperm, CAP_SYS_RAWIO },
	{ __NR_iopl, CAP_SYS_RAWIO },
	{ __NR_modify_ldt, -1 },
	{ __NR_uselib, -1 },
	{ __NR_ustat, -1 },
	{ __NR_sysfs, -1 },
	{ __NR__sysctl, -1 },
	{ __NR_create_module, -1 },
	{ __NR_get_kernel_syms, -1 },
	{ __NR_query_module, -1 },
	{ __NR_vserver, -1 },
	{ __NR_security, -1 },
	{ __NR_afs_syscall, -1 },
	{ __NR_tuxcall, -1 },
	{ __NR_getpmsg, -1 },
	{ __NR_putpmsg, -1 },
	{ __NR_epoll_ctl_old, -1 },
	{ __NR_epoll_wait_old, -1 },
#endif
};

static void emit(struct seccomp_program *p, struct sock_filter insn)
{
	p->insns[p->len++] = insn;
}

static void emit_return(struct seccomp_program *p, uint32_t action)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static uint32_t action_of(enum verdict v)
{
	static const uint32_t actions[] = {
		[ALLOW] = SECCOMP_RET_ALLOW,
		[DENY] = SECCOMP_RET_ERRNO | EPERM,
		[UNKNOWN] = SECCOMP_RET_ERRNO | ENOSYS,
	};

	return actions[v];
}

static void load_field(struct seccomp_program *p, uint32_t offset)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/* if (low word of argument 0 & mask) EPERM. */
static void deny_flags(struct seccomp_program *p, uint32_t mask)
{
	load_field(p, offsetof(struct seccomp_data, args[0]));
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1));
	emit_return(p, action_of(DENY));
	emit_return(p, action_of(ALLOW));
}

/* The low word of argument 0 is one of the values, or the call is refused. */
static void allow_values(struct seccomp_program *p, const uint32_t *values, size_t n, uint32_t refusal)
{
	load_field(p, offsetof(struct seccomp_data, args[0]));
	for (size_t i = 0; i < n; i++)
		emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], (unsigned char)(n - i), 0));
	emit_return(p, refusal);
	emit_return(p, action_of(ALLOW));
}

/* personality(2): asking (0xffffffff), plain Linux (0), 32-bit times (8), and both with no randomisation. */
static void limit_personality(struct seccomp_program *p)
{
	static const uint32_t harmless[] = { 0xffffffff, 0, 8, 0x20000, 0x20008, 0x40000 };

	allow_values(p, harmless, ARRAY_SIZE(harmless), action_of(DENY));
}

/*
 * The families that belong to a network namespace and that programs use. AF_VSOCK reaches the hypervisor and the host
 * whatever the namespace (vsock(7)), AF_ALG and the rest are the kernel's and its drivers' for all.
 */
static void limit_sockets(struct seccomp_program *p)
{
	static const uint32_t ours[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

	allow_values(p, ours, ARRAY_SIZE(ours), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void emit_verdict(struct seccomp_program *p, enum verdict v, uint32_t namespaces)
{
	switch (v) {
	case CLONE_FLAGS:
		deny_flags(p, namespaces);
		break;
	case UNSHARE_FLAGS:
		deny_flags(p, namespaces | CLONE_NEWTIME);
		break;
	case PERSONALITIES:
		limit_personality(p);
		break;
	case FAMILIES:
		limit_sockets(p);
		break;
	default:
		emit_return(p, action_of(v));
	}
}

static void fill_verdicts(uint64_t caps, uint8_t verdicts[NR_LAST_KNOWN + 1])
{
	memset(verdicts, ALLOW, NR_LAST_KNOWN + 1);
#ifdef __x86_64__
	/* 335..423 was never given out on x86-64. */
	memset(verdicts + 335, UNKNOWN, 424 - 335);
#endif
	verdicts[__NR_clone3] = UNKNOWN;
	verdicts[__NR_clone] = CLONE_FLAGS;
	verdicts[__NR_unshare] = UNSHARE_FLAGS;
	verdicts[__NR_personality] = PERSONALITIES;
	verdicts[__NR_socket] = FAMILIES;
	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		int cap = denied[i].unless_cap;

		if (cap < 0 || !(caps >> cap & 1))
			verdicts[denied[i].nr] = DENY;
	}
}

/* Calls from first up to the next range's. */
struct range {
	uint32_t first;
	enum verdict verdict;
};

static size_t make_ranges(const uint8_t verdicts[NR_LAST_KNOWN + 1], struct range *ret)
{
	size_t n = 0;

	for (uint32_t nr = 0; nr <= NR_LAST_KNOWN; nr++)
		if (n == 0 || ret[n - 1].verdict != verdicts[nr])
			ret[n++] = (struct range){ nr, verdicts[nr] };
	ret[n++] = (struct range){ NR_LAST_KNOWN + 1, UNKNOWN };
	return n;
}

/* Where to part the ranges [from, to): as many calls on either side as can be, and no jump over more than 255. */
static size_t middle_of(const struct range *r, size_t from, size_t to)
{
	const uint32_t half = r[from].first + (r[to - 1].first + 1 - r[from].first) / 2;
	size_t at = from + 1;

	while (at + 1 < to && at - from < LONGEST_JUMP && r[at].first < half)
		at++;
	return at;
}

/* The lower half follows its compare, the upper half comes after it. The number is in the accumulator. */
static void emit_tree(struct seccomp_program *p, const struct range *r, size_t from, size_t to, uint32_t namespaces)
{
	const unsigned short at = p->len;
	const size_t middle = middle_of(r, from, to);

	if (to - from == 1) {
		emit_verdict(p, r[from].verdict, namespaces);
		return;
	}
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r[middle].first, 0, 0));
	emit_tree(p, r, from, middle, namespaces);
	p->insns[at].jt = (unsigned char)(p->len - at - 1);
	emit_tree(p, r, middle, to, namespaces);
}

void seccomp_build_default(uint64_t caps, struct seccomp_program *ret)
{
	const uint32_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
				    CLONE_NEWUTS | CLONE_NEWCGROUP;
	const uint32_t flags = caps >> CAP_SYS_ADMIN & 1 ? CLONE_NEWUSER : namespaces;
	uint8_t verdicts[NR_LAST_KNOWN + 1];
	[[gnu::uninitialized]] struct range ranges[NR_LAST_KNOWN + 2];

	ret->len = 0;
	load_field(ret, offsetof(struct seccomp_data, arch));
	emit(ret, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0));
	emit_return(ret, action_of(UNKNOWN));
	load_field(ret, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	emit(ret, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	emit_return(ret, action_of(UNKNOWN));
#endif
	fill_verdicts(caps, verdicts);
	emit_tree(ret, ranges, 0, make_ranges(verdicts, ranges), flags);
}

bool seccomp_has_profile(const struct plan_app *app)
{
	return app->seccomp && strcmp(app->seccomp, "default") != 0 && strcmp(app->seccomp, "none") != 0;
}

static int read_program(int pod_fd, const char *name, struct seccomp_program *ret, struct err *e)
{
	autofree char *bytes = NULL;
	size_t n;
	int r = io_read_file(pod_fd, name, sizeof(ret->insns), &bytes, &n, e);

	if (r < 0)
		return r;
	if (n == 0 || n % sizeof(struct sock_filter)) {
		err_new(e, ERR_FAILED, "%s is no compiled system call filter", name);
		return err_because(e, "its %zu bytes are no whole number of instructions", n);
	}
	memcpy(ret->insns, bytes, n);
	ret->len = (unsigned short)(n / sizeof(struct sock_filter));
	return 0;
}

int seccomp_for_app(const struct plan_app *app, int pod_fd, struct seccomp_program *buffer,
		    const struct seccomp_program **ret, struct err *e)
{
	char name[128];

	*ret = buffer;
	if (seccomp_has_profile(app)) {
		snprintf(name, sizeof(name), "%s.seccomp", app->name);
		return read_program(pod_fd, name, buffer, e);
	}
	if (app->seccomp && strcmp(app->seccomp, "none") == 0)
		*ret = NULL;
	else
		seccomp_build_default(app->caps, buffer);
	return 0;
}

int seccomp_load(const struct seccomp_program *program)
{
	struct sock_fprog prog = { .len = program->len, .filter = (struct sock_filter *)program->insns };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
