/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that an import makes, and no others (seccomp(2)): what takes over the parser can
 * compute and write into the store, but start no program, open no socket and see no other process. Unknown
 * calls answer ENOSYS, so that a C library that tries something newer falls back. Threads are made by
 * clone(2), whose flags can be looked at, unlike those of clone3(2).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "libexec/import_confine.h"

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

static const struct sock_filter program[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
	GIVE(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	/* the busy ones first */
	ALLOW(futex), ALLOW(pwrite64), ALLOW(pread64), ALLOW(read), ALLOW(write), ALLOW(openat), ALLOW(close),
	ALLOW(newfstatat), ALLOW(fstat), ALLOW(statx), ALLOW(lseek), ALLOW(fcntl), ALLOW(openat2), ALLOW(sync_file_range),
	ALLOW(fdatasync), ALLOW(fsync), ALLOW(ftruncate), ALLOW(copy_file_range), ALLOW(getdents64),
	/* names in the store */
	ALLOW(linkat), ALLOW(unlinkat), ALLOW(renameat2), ALLOW(renameat), ALLOW(mkdirat), ALLOW(faccessat),
	ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(flock),
	/* memory */
	ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(mremap), ALLOW(madvise), ALLOW(brk),
	/* threads, time, the end */
	ALLOW(set_robust_list), ALLOW(rseq), ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(rt_sigreturn),
	ALLOW(sched_getaffinity), ALLOW(sched_yield), ALLOW(clock_gettime), ALLOW(clock_nanosleep), ALLOW(gettimeofday),
	ALLOW(uname), ALLOW(sysinfo), ALLOW(getrandom), ALLOW(getpid), ALLOW(gettid), ALLOW(getuid), ALLOW(geteuid), ALLOW(tgkill), ALLOW(exit),
	ALLOW(exit_group), ALLOW(restart_syscall),
	/* clone: only when it makes a thread */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
	GIVE(SECCOMP_RET_ALLOW),
	GIVE(SECCOMP_RET_ERRNO | ENOSYS),
};

int import_confine_calls(struct err *e)
{
	struct sock_fprog fprog = {.len = ARRAY_SIZE(program), .filter = (struct sock_filter *)program};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return 0; /* a kernel without it */
	return err_errno(e, "can't confine the import's system calls");
}

#else /* a processor without a table, or a sanitizer, which makes calls of its own */

int import_confine_calls(struct err *e)
{
	return 0;
}

#endif
