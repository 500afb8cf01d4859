/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-probe UID NAMESPACES http|tcp|grpc PORT PATH [HEADER…]: one probe of an app. Started by probe_spawn()
 * (net/probe_spawn.h) alone, with
 *
 *   0   pidfd of a process in the app's namespaces
 *   1   a pipe for one line of text
 *   2   an empty folder that becomes its root
 *
 * Exit code 0: the app is well. 1: it is not. 125: the probe itself could not be made.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/unit.h"
#include "net/probe_check.h"

enum { APP_FD = 0, OUT_FD = 1, ROOT_FD = 2 };

/* ---- giving up ---- */

static int drop_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	return (int)syscall(SYS_capset, &head, none);
}

static int become(uint64_t id, int namespaces)
{
	struct rlimit core = {};

	if (namespaces && setns(APP_FD, namespaces) < 0)
		return -1;
	if (fchdir(ROOT_FD) < 0 || chroot(".") < 0 || chdir("/") < 0 || setrlimit(RLIMIT_CORE, &core) < 0)
		return -1;
	if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
		return -1;
	if (syscall(SYS_setresgid, id, id, id) < 0 || syscall(SYS_setresuid, id, id, id) < 0)
		return -1;
	if (drop_caps() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	/* A change of ids clears it (prctl(2)). */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(APP_FD);
	close(ROOT_FD);
	return 0;
}

#if defined(__x86_64__)
enum { ARCH = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCH = AUDIT_ARCH_AARCH64 };
#else
#error "tell the probe's filter this architecture's number"
#endif

static const uint32_t allowed[] = {
	SYS_socket, SYS_connect, SYS_sendto, SYS_recvfrom, SYS_write, SYS_writev, SYS_close, SYS_exit_group, SYS_rt_sigreturn,
};

static int filter(void)
{
	enum { N = ARRAY_SIZE(allowed) };
	struct sock_filter f[N + 6] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(f), .filter = f };

	for (unsigned i = 0; i < N; i++)
		f[4 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(N - i), 0);
	f[4 + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[5 + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* ---- asking ---- */

static bool ask(const char *kind, uint16_t port, const char *path, char *const *headers, char says[PROBE_SAYS_MAX])
{
	int sock = probe_connect(port);

	if (sock < 0) {
		snprintf(says, PROBE_SAYS_MAX, "port %u: %s", port,
			 sock == -ECONNREFUSED ? "nothing listens there" : strerror(-sock));
		return false;
	}
	snprintf(says, PROBE_SAYS_MAX, "connected");
	if (strcmp(kind, "http") == 0)
		return probe_http(sock, port, path, headers, says);
	if (strcmp(kind, "grpc") == 0)
		return probe_grpc(sock, path, says);
	return true;
}

int main(int argc, char **argv)
{
	char says[PROBE_SAYS_MAX] = "";
	uint64_t id, namespaces, port;
	bool good;

	if (argc < 6 || unit_parse_u64(argv[1], 0, UINT32_MAX, &id) ||
	    unit_parse_u64(argv[2], 0, UINT32_MAX, &namespaces) || unit_parse_u64(argv[4], 1, 65535, &port))
		return ERR_ROCKET;
	if (become(id, (int)(namespaces & (CLONE_NEWUSER | CLONE_NEWNET))) < 0 || filter() < 0) {
		snprintf(says, sizeof(says), "the probe could not be made: %s", strerror(errno));
		(void)!write(OUT_FD, says, strlen(says));
		return ERR_ROCKET;
	}
	good = ask(argv[3], (uint16_t)port, argv[5], argv + 6, says);
	(void)!write(OUT_FD, says, strlen(says));
	return good ? 0 : 1;
}
