/* SPDX-License-Identifier: Apache-2.0 */
/* See stand.h. */
#include "stand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/netlink.h"
#include "net/pod_net.h"

enum { SOCKETS_MAX = 512, IDS_BASE = 6553600, IDS = 65536, TIMEOUT_S = 5 };

void stand_address(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in6 *v6 = (void *)ret;
	struct sockaddr_in *v4 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		v6->sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ? 7 : 0;
		*ret_len = sizeof(*v6);
		return;
	}
	inet_pton(AF_INET, text, &v4->sin_addr);
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	*ret_len = sizeof(*v4);
}

/* --- inside the pod --- */

static int server_listen(const struct stand_server *w, bool has_v6)
{
	bool v4 = w->on == STAND_V4 || (w->on == STAND_DUAL && !has_v6);
	int family = v4 ? AF_INET : AF_INET6, on = 1, v6only = w->on == STAND_V6;
	int fd = socket(family, w->udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	struct sockaddr_storage addr;
	socklen_t len;

	stand_address(v4 ? "127.0.0.1" : "::", w->port, &addr, &len);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, (struct sockaddr *)&addr, len) < 0 || (!w->udp && listen(fd, 1024) < 0))
		return -1;
	return fd;
}

static void peer_format(const struct sockaddr_storage *a, char *text, size_t cap)
{
	const struct sockaddr_in6 *v6 = (const void *)a;
	const struct sockaddr_in *v4 = (const void *)a;
	char host[INET6_ADDRSTRLEN];

	if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
	snprintf(text, cap, "%s %u", host, ntohs(a->ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port));
}

static void server_answer_datagram(int fd)
{
	char in[2048], out[2200], who[64];
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&peer, &len);
	int out_len;

	if (n < 0)
		return;
	peer_format(&peer, who, sizeof(who));
	out_len = snprintf(out, sizeof(out), "%s %.*s", who, (int)n, in);
	if (sendto(fd, out, (size_t)out_len, 0, (struct sockaddr *)&peer, len) < 0)
		fprintf(stderr, "pod: answering %s: %s\n", who, strerror(errno));
}

struct server {
	struct pollfd fds[SOCKETS_MAX];
	unsigned n, listeners;
	bool udp[SOCKETS_MAX];
};

static void server_accept(struct server *s, int listener)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd = accept(listener, (struct sockaddr *)&peer, &len);
	char who[72];

	if (fd < 0)
		return;
	peer_format(&peer, who, sizeof(who) - 2);
	strcat(who, "\n");
	if (s->n == SOCKETS_MAX || write(fd, who, strlen(who)) < 0) {
		close(fd);
		return;
	}
	s->fds[s->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Echoes; false at the end. */
static bool server_echo(int fd)
{
	static char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	for (ssize_t at = 0; at < n;) {
		ssize_t w = write(fd, buf + at, (size_t)(n - at));

		if (w < 0)
			return false;
		at += w;
	}
	return n > 0;
}

/* A request of the test: connect to this address and say what came of it. */
static void server_try_connect(int ask)
{
	struct {
		struct sockaddr_storage addr;
		socklen_t len;
	} q;
	int errnum = 0, fd;

	if (read(ask, &q, sizeof(q)) != sizeof(q))
		_exit(0);
	fd = socket(q.addr.ss_family, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&q.addr, q.len) < 0)
		errnum = errno;
	close(fd);
	if (write(ask, &errnum, sizeof(errnum)) < 0)
		_exit(0);
}

static void server_run(int ask, const struct stand_server *want, size_t n, bool has_v6)
{
	static struct server s;

	s.fds[s.n++] = (struct pollfd){ .fd = ask, .events = POLLIN };
	for (size_t i = 0; i < n; i++) {
		int fd = server_listen(&want[i], has_v6);

		if (fd < 0)
			continue; /* IPv6 alone where there is none */
		s.udp[s.n] = want[i].udp;
		s.fds[s.n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	s.listeners = s.n;
	while (poll(s.fds, s.n, -1) >= 0) {
		if (s.fds[0].revents)
			server_try_connect(ask);
		for (unsigned i = 1; i < s.listeners; i++) {
			if (!s.fds[i].revents)
				continue;
			if (s.udp[i])
				server_answer_datagram(s.fds[i].fd);
			else
				server_accept(&s, s.fds[i].fd);
		}
		for (unsigned i = s.listeners; i < s.n; i++) {
			if (!s.fds[i].revents || server_echo(s.fds[i].fd))
				continue;
			close(s.fds[i].fd);
			s.fds[i--] = s.fds[--s.n];
		}
	}
}

/* The pod's only process. Says '.' when its network is ready, else an error. */
static void pod_main(struct stand *s, int ask, const struct stand_server *servers, size_t n)
{
	struct err e = {};
	char go;

	close(s->ask_fd);
	signal(SIGPIPE, SIG_IGN);
	if (unshare(CLONE_NEWUSER) < 0 || write(ask, "u", 1) != 1 || read(ask, &go, 1) != 1)
		_exit(1);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || unshare(CLONE_NEWNET) < 0)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids clears it */
	if (net_setup_pod(&s->plan, &e) < 0) {
		err_print(stderr, &e);
		_exit(1);
	}
	if (write(ask, ".", 1) != 1)
		_exit(1);
	server_run(ask, servers, n, s->has_v6);
	_exit(0);
}

/* --- the host's side --- */

static bool id_map_write(pid_t pid, const char *which)
{
	char path[64], map[64];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	snprintf(map, sizeof(map), "0 %d %d\n", IDS_BASE, IDS);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, map, strlen(map)) > 0;
}

static const char *pod_start(struct stand *s, const struct stand_server *servers, size_t n)
{
	int pair[2];
	char said = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return "no socket pair";
	s->ask_fd = pair[0];
	s->pod_pid = fork();
	if (s->pod_pid == 0)
		pod_main(s, pair[1], servers, n);
	close(pair[1]);
	if (read(s->ask_fd, &said, 1) != 1 || said != 'u')
		return "no user namespace";
	if (!id_map_write(s->pod_pid, "uid_map") || !id_map_write(s->pod_pid, "gid_map"))
		return "can't map ids: needs root";
	if (write(s->ask_fd, "g", 1) != 1 || read(s->ask_fd, &said, 1) != 1 || said != '.')
		return "the pod's network can't be set up";
	s->pod_pidfd = (int)syscall(SYS_pidfd_open, s->pod_pid, 0);
	return s->pod_pidfd < 0 ? "no pidfd" : NULL;
}

static int netns_new(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void side_address(struct netlink_batch *b, uint8_t last)
{
	struct netlink_address v4 = { .family = AF_INET, .bytes = { 10, 9, 0, last } };
	struct netlink_address v6 = { .family = AF_INET6, .bytes = { 0xfd, 0x09, [15] = last } };
	struct netlink_address link = { .family = AF_INET6, .bytes = { 0xfe, 0x80, [13] = 9, [15] = last } };

	netlink_add_link_up(b, 1);
	netlink_add_link_up(b, 7);
	netlink_add_address(b, NETLINK_CREATE, 7, &v4, 24);
	netlink_add_address(b, NETLINK_CREATE, 7, &v6, 64);
	netlink_forgive_family(b);
	netlink_add_address(b, NETLINK_CREATE, 7, &link, 64);
	netlink_forgive_family(b);
}

/* Link 7 on both sides; the host's loopback in any case. 0, or -errno. */
static int wire_up(struct stand *s)
{
	struct netlink_veth_end here = { .name = "far0", .netns_fd = -1, .index = 7 };
	struct netlink_veth_end there = { .name = "far0", .netns_fd = s->far_netns, .index = 7 };
	struct netlink_batch b = {};
	int failed, r;
	autoclose int host = netlink_open(), far = -1;

	netlink_add_link_up(&b, 1);
	r = netlink_commit(host, &b, &failed);
	if (r < 0)
		return r;
	netlink_add_veth(&b, &here, &there);
	r = netlink_commit(host, &b, &failed);
	s->has_far = r == 0;
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	side_address(&b, 1);
	r = netlink_commit(host, &b, &failed);
	if (r < 0 || setns(s->far_netns, CLONE_NEWNET) < 0)
		return r < 0 ? r : -errno;
	far = netlink_open();
	side_address(&b, 2);
	r = netlink_commit(far, &b, &failed);
	return setns(s->host_netns, CLONE_NEWNET) < 0 ? -errno : r;
}

const char *stand_build(struct stand *s, const struct stand_server *servers, size_t n)
{
	char dir[] = "/tmp/rocket-stand-XXXXXX";
	int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*s = (struct stand){ .host_netns = -1, .far_netns = -1, .pod_pidfd = -1, .ask_fd = -1, .exe_fd = -1 };
	s->has_v6 = v6 >= 0;
	if (v6 >= 0)
		close(v6);
	s->plan.ids.base = IDS_BASE;
	s->plan.ids.count = IDS;
	s->far_netns = netns_new();
	s->host_netns = netns_new();
	if (s->host_netns < 0 || s->far_netns < 0)
		return "no network namespaces: needs root";
	if (wire_up(s) < 0)
		return "the links can't be made";
	s->exe_fd = open(getenv("ROCKET_RELAY") ?: "rocket-relay", O_PATH | O_CLOEXEC);
	if (s->exe_fd < 0)
		return "ROCKET_RELAY does not name the program";
	if (!mkdtemp(dir))
		return "no temporary folder";
	s->empty_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (chmod(dir, 0755) < 0 || rmdir(dir) < 0)
		return "the empty folder can't be made";
	return pod_start(s, servers, n);
}

void stand_free(struct stand *s)
{
	const int fds[] = { s->host_netns, s->far_netns, s->pod_pidfd, s->ask_fd, s->exe_fd, s->empty_fd };

	if (s->pod_pid > 0) {
		kill(s->pod_pid, SIGKILL);
		waitpid(s->pod_pid, NULL, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int stand_pod_connect(struct stand *s, const char *addr, uint16_t port)
{
	struct {
		struct sockaddr_storage addr;
		socklen_t len;
	} q = {};
	int errnum = -1;

	stand_address(addr, port, &q.addr, &q.len);
	if (write(s->ask_fd, &q, sizeof(q)) != sizeof(q) || read(s->ask_fd, &errnum, sizeof(errnum)) < 0)
		return -1;
	return errnum;
}

int stand_socket(struct stand *s, bool far, int family, int type)
{
	struct timeval patience = { .tv_sec = TIMEOUT_S };
	int fd;

	if (far && setns(s->far_netns, CLONE_NEWNET) < 0)
		return -1;
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (far && setns(s->host_netns, CLONE_NEWNET) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

int stand_connect(struct stand *s, bool far, const char *addr, uint16_t port, int type)
{
	struct sockaddr_storage a;
	socklen_t len;
	int fd;

	stand_address(addr, port, &a, &len);
	fd = stand_socket(s, far, a.ss_family, type);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, len) < 0) {
		int errnum = errno;

		close(fd);
		return -errnum;
	}
	return fd;
}

ssize_t stand_read_line(int fd, char *line, size_t cap)
{
	size_t n = 0;

	while (n + 1 < cap) {
		ssize_t r = recv(fd, line + n, 1, 0);

		if (r < 0)
			return -errno;
		if (r == 0 || line[n] == '\n')
			break;
		n++;
	}
	line[n] = 0;
	return (ssize_t)n;
}
