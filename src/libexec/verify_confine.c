/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker that looks at signatures gives up everything first (libexec/verify_tool.h): whoever takes it over can
 * compute, and answer to its parent.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rootless.h"
#include "libexec/import_confine.h"
#include "libexec/verify_tool.h"
#include "trust/libcrypto.h"

enum { NOBODY = 65534, CPU_SECONDS = 30, MEMORY_MAX = 1 << 30 };

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#if defined(NATIVE) && !IMPORT_SANITIZED

#define AT(field) offsetof(struct seccomp_data, field)
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const struct sock_filter program[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(nr)),
	ALLOW(read), ALLOW(write), ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(mremap), ALLOW(madvise), ALLOW(brk),
	ALLOW(futex), ALLOW(getrandom), ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(getpid), ALLOW(gettid), ALLOW(close),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(tgkill), ALLOW(exit), ALLOW(exit_group),
	ALLOW(restart_syscall),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
};

static int confine_calls(struct err *e)
{
	struct sock_fprog fprog = {.len = ARRAY_SIZE(program), .filter = (struct sock_filter *)program};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0 || errno == EINVAL || errno == ENOSYS)
		return 0;
	return err_errno(e, "can't confine the check of signatures");
}

#else /* a processor without a table, or a sanitizer, which makes calls of its own */

static int confine_calls(struct err *e)
{
	return 0;
}

#endif

static int drop_ids(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {};

	/* Inside a user's half of the host root is that user, and there may be no other id to become. */
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0) && !rootless_here(NULL))
		return err_errno(e, "can't become nobody");
	if (syscall(SYS_capset, &head, none) < 0)
		return err_errno(e, "can't give up the capabilities");
	return 0;
}

static int limit(struct err *e)
{
	const struct rlimit none = {}, cpu = {CPU_SECONDS, CPU_SECONDS}, memory = {MEMORY_MAX, MEMORY_MAX};

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0 ||
	    (!IMPORT_SANITIZED && setrlimit(RLIMIT_AS, &memory) < 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "can't confine the check of signatures");
	return 0;
}

int verify_confine(int fd, struct err *e)
{
	/* libcrypto reads its configuration at its first use: now, while it can. */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	if (fd != 3 && dup2(fd, 3) < 0)
		return err_errno(e, "can't move a descriptor");
	close(0);
	close(1);
	if (syscall(SYS_close_range, 4, ~0U, 0) < 0)
		return err_errno(e, "can't close descriptors");
	int r = limit(e);

	if (r == 0)
		r = drop_ids(e);
	return r < 0 ? r : confine_calls(e);
}
