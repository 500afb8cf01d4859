/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resolver opens while it is still somebody, and how it becomes nobody: in the pod's namespaces, with an empty
 * root, without capabilities, with the descriptors that it has and a filter that lets no more be made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/resolve_core.h"

enum { RESOLV_CONF_MAX = 16384 };

/* ---- name servers outside ---- */

static bool parse_server(char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;
	char *scope = strchr(text, '%');

	*ret = (struct sockaddr_storage){};
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(RESOLVE_PORT);
		*ret_len = sizeof(*v4);
		return true;
	}
	if (scope)
		*scope++ = 0;
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(RESOLVE_PORT);
	v6->sin6_scope_id = scope ? if_nametoindex(scope) : 0;
	*ret_len = sizeof(*v6);
	return true;
}

static int open_server(struct resolve_core *c, char *text)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (c->n_servers == RESOLVE_SERVERS || !parse_server(text, &address, &len))
		return 0;
	for (int i = 0; i < RESOLVE_SOCKETS; i++) {
		int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		c->servers[c->n_servers].fd[i] = fd;
		if (connect(fd, (struct sockaddr *)&address, len) < 0)
			return 0; /* this host has no way there */
	}
	c->n_servers++;
	return 0;
}

static int open_listed(struct resolve_core *c, char *list)
{
	char *text;
	int r = 0;

	while (r == 0 && (text = strsep(&list, ",")))
		r = open_server(c, text);
	return r;
}

static int open_configured(struct resolve_core *c)
{
	static char text[RESOLV_CONF_MAX];
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC), r = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *rest = text, *line;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return 0;
	text[n] = 0;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char *word = strsep(&line, " \t");

		while (line && (*line == ' ' || *line == '\t'))
			line++;
		if (strcmp(word, "nameserver") == 0 && line)
			r = open_server(c, strsep(&line, " \t#"));
	}
	return r;
}

int resolve_servers_open(struct resolve_core *c, const char *servers)
{
	char list[1024];

	if (!*servers)
		return open_configured(c);
	if (strlen(servers) >= sizeof(list))
		return -ENAMETOOLONG;
	memcpy(list, servers, strlen(servers) + 1);
	return open_listed(c, list);
}

/* ---- the jail ---- */

static int listen_in_pod(struct resolve_core *c)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(RESOLVE_PORT) };

	inet_pton(AF_INET, RESOLVE_ADDRESS, &at.sin_addr);
	c->listen_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return c->listen_fd < 0 || bind(c->listen_fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

static int become_nobody(uint32_t id)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	struct rlimit core = {};

	if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (syscall(SYS_setresgid, id, id, id) < 0 || syscall(SYS_setresuid, id, id, id) < 0 ||
	    syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &core) < 0)
		return -errno;
	return 0;
}

#if defined(__x86_64__)
enum { FILTER_ARCH = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { FILTER_ARCH = AUDIT_ARCH_AARCH64 };
#else
#error "tell the resolver's filter this architecture's number"
#endif

static const uint32_t allowed[] = {
#if defined(SYS_poll)
	SYS_poll,
#endif
	SYS_ppoll, SYS_recvfrom, SYS_sendto, SYS_getrandom, SYS_clock_gettime, SYS_exit_group, SYS_restart_syscall,
};
enum { N_ALLOWED = sizeof(allowed) / sizeof(*allowed), FILTER_LEN = 4 + N_ALLOWED + 2 };

static int load_filter(void)
{
	struct sock_filter f[FILTER_LEN] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .len = FILTER_LEN, .filter = f };

	for (int i = 0; i < N_ALLOWED; i++)
		f[4 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(N_ALLOWED - i), 0);
	f[FILTER_LEN - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[FILTER_LEN - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int resolve_jail_enter(struct resolve_core *c, int pod_fd, int root_fd, uint32_t id, int namespaces)
{
	int r;

	if (setns(pod_fd, namespaces) < 0)
		return -errno;
	r = listen_in_pod(c);
	if (r == 0 && (fchdir(root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0))
		r = -errno;
	if (r == 0)
		r = become_nobody(id);
	close(pod_fd);
	close(root_fd);
	return r < 0 ? r : load_filter();
}
