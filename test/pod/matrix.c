/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way in which two processes of a host may reach each other, tried from inside:
 *
 *   matrix hold        stands at the far end of each channel until it is killed; prints "ready"
 *   matrix try         tries each channel once and prints "CHANNEL open" or "CHANNEL closed"
 *
 *   matrix ask NAME    connects to a unix socket, a path or @name: "open" or "closed"
 *
 * Statically linked; it needs nothing of an image. What it can't try it says as "CHANNEL error: …", which is no answer.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TCP_PORT = 4001, UDP_PORT = 4002, NETLINK_PORT = 4003, RAW_PROTO = 253, KEY = 0x4d58, WAIT_MS = 400 };
#define ASK "matrix-ask"
#define ANSWER "matrix-answer"
#define UNIX_PATH "/tmp/matrix.sock"

/* Files that apps of one pod could have in common. */
static const char *const common_files[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/proc/self/exe",
					    "/proc/acpi", "/proc/keys", "/dev", "/dev/null", "/tmp" };

static struct sockaddr_in loop4(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static struct sockaddr_un unix_addr(const char *name, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(name);

	memcpy(a.sun_path, name, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (*name == '@')
		a.sun_path[0] = 0;
	else
		*len = sizeof(a);
	return a;
}

/* ---- the far end ---- */

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	over = 1;
}

static int stream_listener(int family)
{
	struct sockaddr_in v4 = loop4(TCP_PORT);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(TCP_PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
		 family == AF_INET ? sizeof(v4) : sizeof(v6)) < 0 || listen(fd, 8) < 0)
		return -1;
	return fd;
}

static int unix_listener(const char *name)
{
	socklen_t len;
	struct sockaddr_un a = unix_addr(name, &len);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (*name == '/')
		unlink(name);
	return bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 8) < 0 ? -1 : fd;
}

static int datagram_holder(void)
{
	struct sockaddr_in a = loop4(UDP_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

static int netlink_holder(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = NETLINK_PORT };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	return fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

static void make_ipc(void)
{
	int fd = shm_open("/matrix", O_CREAT | O_RDWR, 0666);

	if (fd >= 0)
		close(fd);
	mq_open("/matrix", O_CREAT | O_RDWR, 0666, NULL);
	shmget(KEY, 4096, IPC_CREAT | 0666);
	semget(KEY, 1, IPC_CREAT | 0666);
	msgget(KEY, IPC_CREAT | 0666);
}

static void drop_ipc(void)
{
	shm_unlink("/matrix");
	mq_unlink("/matrix");
	shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL);
	semctl(semget(KEY, 0, 0), 0, IPC_RMID);
	msgctl(msgget(KEY, 0), IPC_RMID, NULL);
	unlink(UNIX_PATH);
}

static void lock_files(void)
{
	for (size_t i = 0; i < sizeof(common_files) / sizeof(*common_files); i++) {
		int fd = open(common_files[i], O_RDONLY);

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
			close(fd);
	}
}

static void send_raw(int proto, const char *text)
{
	struct sockaddr_in to = loop4(0);
	struct {
		struct icmphdr h;
		char text[32];
	} m = { .h.type = ICMP_ECHO };
	int fd = socket(AF_INET, SOCK_RAW, proto);

	snprintf(m.text, sizeof(m.text), "%s", text);
	if (proto == IPPROTO_ICMP) {
		uint32_t sum = 0;

		for (size_t i = 0; i < sizeof(m) / 2; i++)
			sum += ((uint16_t *)&m)[i];
		m.h.checksum = (uint16_t)~((sum & 0xffff) + (sum >> 16));
	}
	if (fd < 0)
		return;
	sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static bool holds(const char *bytes, ssize_t n, const char *text)
{
	return n > 0 && memmem(bytes, (size_t)n, text, strlen(text));
}

static void answer(int fd, int proto)
{
	char bytes[512];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (!holds(bytes, n, ASK))
		return;
	if (proto)
		send_raw(proto, ANSWER);
	else
		sendto(fd, ANSWER, sizeof(ANSWER), 0, (struct sockaddr *)&from, len);
}

static void greet(int fd)
{
	int c = accept(fd, NULL, NULL);

	if (c < 0)
		return;
	(void)!write(c, ANSWER, sizeof(ANSWER));
	close(c);
}

static int hold(void)
{
	struct pollfd p[] = {
		{ stream_listener(AF_INET), POLLIN, 0 },	{ stream_listener(AF_INET6), POLLIN, 0 },
		{ unix_listener(UNIX_PATH), POLLIN, 0 },	{ unix_listener("@matrix"), POLLIN, 0 },
		{ datagram_holder(), POLLIN, 0 },		{ netlink_holder(), POLLIN, 0 },
		{ socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), POLLIN, 0 }, { socket(AF_INET, SOCK_RAW, RAW_PROTO), POLLIN, 0 },
	};
	enum { N = sizeof(p) / sizeof(*p) };
	static const int protos[N] = { [6] = IPPROTO_ICMP, [7] = RAW_PROTO };

	for (int i = 0; i < N; i++)
		if (p[i].fd < 0) {
			printf("can't hold channel %d: %s\n", i, strerror(errno));
			return 1;
		}
	signal(SIGTERM, on_term);
	prctl(PR_SET_NAME, "matrix-held", 0, 0, 0);
	make_ipc();
	lock_files();
	puts("ready");
	fflush(stdout);
	while (!over) {
		if (poll(p, N, 1000) <= 0)
			continue;
		for (int i = 0; i < N; i++)
			if (p[i].revents)
				i < 4 ? greet(p[i].fd) : answer(p[i].fd, protos[i]);
	}
	drop_ipc();
	return 0;
}

/* ---- trying ---- */

static bool hears(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char bytes[512];

	for (int i = 0; i < 8 && poll(&p, 1, WAIT_MS) > 0; i++)
		if (holds(bytes, recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), ANSWER))
			return true;
	return false;
}

static bool try_connect(const void *addr, socklen_t len)
{
	const struct sockaddr *a = addr;
	int fd = socket(a->sa_family, SOCK_STREAM, 0);
	bool open = connect(fd, a, len) == 0 && hears(fd);

	close(fd);
	return open;
}

static bool try_tcp(void)
{
	struct sockaddr_in a = loop4(TCP_PORT);

	return try_connect(&a, sizeof(a));
}

static bool try_tcp6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(TCP_PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	return try_connect(&a, sizeof(a));
}

static bool try_udp(void)
{
	struct sockaddr_in a = loop4(UDP_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sendto(fd, ASK, sizeof(ASK), 0, (struct sockaddr *)&a, sizeof(a));
	return hears(fd);
}

static bool try_proto(int proto)
{
	int fd = socket(AF_INET, SOCK_RAW, proto);

	if (fd < 0)
		return false;
	send_raw(proto, ASK);
	return hears(fd);
}

static bool try_icmp(void)
{
	return try_proto(IPPROTO_ICMP);
}

static bool try_raw(void)
{
	return try_proto(RAW_PROTO);
}

static bool try_unix(const char *name)
{
	socklen_t len;
	struct sockaddr_un a = unix_addr(name, &len);

	return try_connect(&a, len);
}

static bool try_path(void)
{
	return try_unix(UNIX_PATH);
}

static bool try_abstract(void)
{
	return try_unix("@matrix");
}

static bool try_netlink(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = NETLINK_PORT };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	if (fd < 0 || sendto(fd, ASK, sizeof(ASK), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return false;
	return hears(fd);
}

static bool try_sysv_shm(void)
{
	return shmget(KEY, 0, 0) >= 0;
}

static bool try_sysv_sem(void)
{
	return semget(KEY, 0, 0) >= 0;
}

static bool try_sysv_msg(void)
{
	return msgget(KEY, 0) >= 0;
}

static bool try_posix_shm(void)
{
	return shm_open("/matrix", O_RDONLY, 0) >= 0;
}

static bool try_posix_mq(void)
{
	return mq_open("/matrix", O_RDONLY) >= 0;
}

/* The far end as /proc shows it; 0: it does not. */
static pid_t find_held(void)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char path[300], name[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		(void)!read(fd, name, sizeof(name) - 1);
		close(fd);
		if (strcmp(name, "matrix-held\n") == 0)
			return atoi(entry->d_name);
	}
	return 0;
}

static bool try_proc(void)
{
	return find_held() > 0;
}

static bool try_signal(void)
{
	pid_t pid = find_held();

	return pid > 0 && kill(pid, 0) == 0;
}

static bool try_ptrace(void)
{
	pid_t pid = find_held();

	if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return false;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return true;
}

static bool try_memory(void)
{
	pid_t pid = find_held();
	char here[16], there[1];
	struct iovec local = { here, sizeof(here) }, remote = { (void *)(uintptr_t)&try_memory, sizeof(there) };

	return pid > 0 && process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0;
}

static bool try_inode(void)
{
	for (size_t i = 0; i < sizeof(common_files) / sizeof(*common_files); i++) {
		int fd = open(common_files[i], O_RDONLY);

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
			return true;
		/* Two of these may be one inode here: a mask over another. */
		close(fd);
	}
	return false;
}

/* The keyring of a user, which processes of one id share by default. */
static bool try_keyring(void)
{
	return syscall(SYS_add_key, "user", "matrix", "x", 1, -4) >= 0 || errno != EPERM;
}

static const struct {
	const char *name;
	bool (*run)(void);
} channels[] = {
	{ "tcp", try_tcp },		{ "tcp6", try_tcp6 },	      { "udp", try_udp },	  { "icmp", try_icmp },
	{ "raw", try_raw },		{ "netlink", try_netlink },   { "unix path", try_path }, { "unix abstract", try_abstract },
	{ "sysv shm", try_sysv_shm },	{ "sysv sem", try_sysv_sem }, { "sysv msg", try_sysv_msg },
	{ "posix shm", try_posix_shm }, { "posix mq", try_posix_mq }, { "proc", try_proc },	  { "signal", try_signal },
	{ "ptrace", try_ptrace },	{ "memory", try_memory },     { "inode", try_inode },	  { "keyring", try_keyring },
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc == 3 && strcmp(argv[1], "ask") == 0) {
		puts(try_unix(argv[2]) ? "open" : "closed");
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "try") != 0) {
		fprintf(stderr, "matrix hold|try|ask NAME\n");
		return 2;
	}
	alarm(30);
	for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++)
		printf("%s %s\n", channels[i].name, channels[i].run() ? "open" : "closed");
	return 0;
}
