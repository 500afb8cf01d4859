/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes over the code that speaks with a registry can write into the store, and connect; it can start nothing, read
 * nobody's files but the few that name resolution reads, and see no other process. As import_landlock.c and
 * import_syscalls.c, with sockets.
 */
#include "libexec/fetch_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "libexec/import_confine.h"

/* ---- files ---- */

enum { ABI_WITH_REFER = 2 };

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                                             \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |       \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
#define OTHERS                                                                                             \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |       \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* What getaddrinfo(3) and its plug-ins read, and OpenSSL's settings. What is missing needs no rule. */
static const char *const readable[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
	"/etc/ld.so.cache", "/etc/ssl/openssl.cnf", "/etc/localtime", "/lib", "/lib64", "/usr/lib", "/usr/lib64",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf", "/dev/urandom", "/dev/null",
	"/sys/devices/system/cpu", "/etc/ssl/certs",
};

static int allow_fd(int rules, int fd, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = fd};

	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0)
		return 0;
	return err_errno(e, "can't confine the fetch to the store");
}

static int allow_path(int rules, const char *path, struct err *e)
{
	autoclose int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	return allow_fd(rules, fd, S_ISDIR(st.st_mode) ? READS : READ_FILE, e);
}

static int confine_files(const struct store *s, struct err *e)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = READS | WRITES | OTHERS};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < ABI_WITH_REFER || IMPORT_SANITIZED)
		return 0;
	autoclose int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int r = rules < 0 ? err_errno(e, "can't confine the fetch to the store") : 0;

	if (!r)
		r = allow_fd(rules, s->dirfd, READS | WRITES, e);
	for (size_t i = 0; i < ARRAY_SIZE(readable) && !r; i++)
		r = allow_path(rules, readable[i], e);
	if (!r && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		r = err_errno(e, "can't confine the fetch to the store");
	return r;
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#if defined(NATIVE) && !IMPORT_SANITIZED

#define AT(field) offsetof(struct seccomp_data, field)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(field))
#define GIVE(value) BPF_STMT(BPF_RET | BPF_K, (value))
/* The call is allowed; else on to the next line. */
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), GIVE(SECCOMP_RET_ALLOW)
/* The loaded word is this: allowed. */
#define ALLOW_WORD(word) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (word), 0, 1), GIVE(SECCOMP_RET_ALLOW)

static const struct sock_filter program[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
	GIVE(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	/* the busy ones first */
	ALLOW(futex), ALLOW(read), ALLOW(write), ALLOW(recvfrom), ALLOW(sendto), ALLOW(pwrite64), ALLOW(pread64), ALLOW(ppoll),
#ifdef SYS_poll
	ALLOW(poll),
#endif
	ALLOW(openat), ALLOW(close), ALLOW(newfstatat), ALLOW(fstat), ALLOW(statx), ALLOW(lseek), ALLOW(fcntl), ALLOW(openat2),
	ALLOW(sync_file_range), ALLOW(fdatasync), ALLOW(fsync), ALLOW(ftruncate), ALLOW(copy_file_range), ALLOW(getdents64),
	/* connections */
	ALLOW(connect), ALLOW(sendmsg), ALLOW(recvmsg), ALLOW(sendmmsg), ALLOW(getsockname), ALLOW(getpeername), ALLOW(setsockopt),
	ALLOW(getsockopt), ALLOW(shutdown), ALLOW(bind), ALLOW(pipe2), ALLOW(eventfd2), ALLOW(readv), ALLOW(writev), ALLOW(socketpair),
	/* names in the store */
	ALLOW(linkat), ALLOW(unlinkat), ALLOW(renameat2), ALLOW(renameat), ALLOW(mkdirat), ALLOW(faccessat),
	ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(flock),
#ifdef SYS_open
	ALLOW(open), ALLOW(stat), ALLOW(access), ALLOW(readlink),
#endif
	/* memory */
	ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(mremap), ALLOW(madvise), ALLOW(brk),
	/* threads, time, the end */
	ALLOW(set_robust_list), ALLOW(rseq), ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(rt_sigreturn),
	ALLOW(sched_getaffinity), ALLOW(sched_yield), ALLOW(clock_gettime), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(gettimeofday), ALLOW(uname), ALLOW(sysinfo), ALLOW(getrandom), ALLOW(getpid), ALLOW(gettid), ALLOW(getuid),
	ALLOW(geteuid), ALLOW(getgid), ALLOW(getegid), ALLOW(tgkill), ALLOW(exit), ALLOW(exit_group), ALLOW(restart_syscall),
	/* clone: only when it makes a thread */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
	GIVE(SECCOMP_RET_ALLOW),
	GIVE(SECCOMP_RET_ERRNO | EPERM),
	/* sockets: to the network, to the host's resolver, and to ask the kernel which addresses we have */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 10),
	LOAD(args[0]), ALLOW_WORD(AF_INET), ALLOW_WORD(AF_INET6), ALLOW_WORD(AF_UNIX), ALLOW_WORD(AF_NETLINK),
	GIVE(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	/* ioctl: how much is there to read, and questions to a terminal */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 10),
	LOAD(args[1]), ALLOW_WORD(FIONREAD), ALLOW_WORD(FIONBIO), ALLOW_WORD(TCGETS), ALLOW_WORD(TIOCGWINSZ),
	GIVE(SECCOMP_RET_ERRNO | ENOTTY),
	GIVE(SECCOMP_RET_ERRNO | ENOSYS),
};

static int confine_calls(struct err *e)
{
	struct sock_fprog fprog = {.len = ARRAY_SIZE(program), .filter = (struct sock_filter *)program};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return 0; /* a kernel without it */
	return err_errno(e, "can't confine the fetch's system calls");
}

#else /* a processor without a table, or a sanitizer, which makes calls of its own */

static int confine_calls(struct err *e)
{
	return 0;
}

#endif

int fetch_confine(const struct store *s, struct err *e)
{
	int r = import_confine_privileges(s, e);

	if (!r)
		r = confine_files(s, e);
	return r ? r : confine_calls(e);
}
