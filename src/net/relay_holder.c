/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a port: /proc/net/{tcp,udp}{,6} gives the socket's inode, and some process's descriptors name it.
 * Only for an error message, so everything that goes wrong means "not found". proc(5).
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/relay.h"

/* The inode of the socket that is bound to the port (and listens, with TCP), or 0. */
static unsigned long inode_find(uint8_t family, uint8_t proto, uint16_t port)
{
	enum { LISTENS = 10 };
	char path[32], line[512];
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/net/%s%s", proto == IPPROTO_TCP ? "tcp" : "udp",
		 family == AF_INET6 ? "6" : "");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned local = 0, state = 0;
		unsigned long inode = 0;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*d %*d %lu", &local, &state, &inode) != 3)
			continue;
		if (local == port && (proto != IPPROTO_TCP || state == LISTENS))
			return inode;
	}
	return 0;
}

static bool process_has(int procfd, const char *pid, const char *socket)
{
	char path[32], target[64];
	autoclosedir DIR *d = NULL;
	const struct dirent *entry;
	int fd;

	snprintf(path, sizeof(path), "%.16s/fd", pid);
	fd = openat(procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (entry = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = 0;
		if (strcmp(target, socket) == 0)
			return true;
	}
	return false;
}

static void process_name(int procfd, const char *pid, char *ret, size_t cap)
{
	char path[32], comm[32] = "";
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.16s/comm", pid);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
	comm[n > 0 ? n : 0] = 0;
	comm[strcspn(comm, "\n")] = 0;
	snprintf(ret, cap, "%s (pid %.16s)", *comm ? comm : "a process", pid);
}

void relay_find_holder(uint8_t family, uint8_t proto, uint16_t port, char *ret, size_t cap)
{
	unsigned long inode = inode_find(family, proto, port);
	autoclosedir DIR *proc = NULL;
	const struct dirent *entry;
	char socket[48];

	ret[0] = 0;
	if (!inode && family == AF_INET)
		inode = inode_find(AF_INET6, proto, port); /* a dual-stack socket */
	if (!inode)
		return;
	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !process_has(dirfd(proc), entry->d_name, socket))
			continue;
		process_name(dirfd(proc), entry->d_name, ret, cap);
		return;
	}
}
