/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pod tests run inside their images where busybox won't do: one static program, a verb a question. It
 * prints plain words and gives exit code 0 when it could ask, whatever the answer.
 *
 *   probe connect ADDR PORT      "connected", or the errno's name; and the time it took: "EACCES 12us"
 *   probe sendto ADDR PORT       the same for one UDP datagram
 *   probe serve PORT TEXT        a TCP server: each client gets TEXT and the address that it is seen as
 *   probe ask ADDR PORT          connects and prints what the server says (or the errno's name, with code 1)
 *   probe echo PORT              a UDP server that sends back what it gets
 *   probe say ADDR PORT TEXT     sends a datagram and prints the answer, "nothing" after two seconds
 *   probe ping ADDR              "answered", or the errno's name, by a ping socket without privilege
 *   probe syscall NAME           "OK" or the errno's name (see the table)
 *   probe eat MIB                touches that much memory, then waits
 *   probe forks N                how many of N sleeping children could be made
 *   probe spin SECONDS           burns CPU on two threads; prints the CPU seconds that it got
 *   probe orphans N              makes N orphans that exit, then waits: an init must reap them
 *   probe ignore TERM|…          ignores the signal and waits
 *   probe trap NAME CODE         exits with CODE on the signal; prints "ready" first
 *   probe size                   the terminal's rows and columns, again on each WINCH
 *   probe fds                    the open descriptors, "0 1 2"
 *   probe exit CODE | probe kill NAME | probe reopen (writes "reopened" through /dev/stdout)
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *answer(long result)
{
	return result < 0 ? strerrorname_np(errno) : "OK";
}

/* IPv4 or IPv6, as it is written. */
static socklen_t parse_address(const char *text, const char *port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return sizeof *v4;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
}

static int reach(char **argv, int type)
{
	struct sockaddr_storage a;
	socklen_t len = parse_address(argv[2], argv[3], &a);
	int s = socket(a.ss_family, type | SOCK_CLOEXEC, 0);
	double start = now_s(CLOCK_MONOTONIC);
	long r = type == SOCK_STREAM ? connect(s, (void *)&a, len) : sendto(s, "x", 1, 0, (void *)&a, len);
	const char *word = r < 0 ? strerrorname_np(errno) : type == SOCK_STREAM ? "connected" : "sent";

	printf("%s %.0fus\n", word, (now_s(CLOCK_MONOTONIC) - start) * 1e6);
	return close(s);
}

static int cmd_connect(char **argv)
{
	return reach(argv, SOCK_STREAM);
}

static int cmd_sendto(char **argv)
{
	return reach(argv, SOCK_DGRAM);
}

/* A socket on the port, of both families where IPv6 is there. */
static int listen_on(const char *port, int type)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
	int s = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1, off = 0;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(s, (void *)&a, sizeof a) || (type == SOCK_STREAM && listen(s, 64))) {
		puts(answer(-1));
		exit(1);
	}
	puts("listening");
	fflush(stdout);
	return s;
}

static int cmd_serve(char **argv)
{
	int s = listen_on(argv[2], SOCK_STREAM);

	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof from;
		char text[INET6_ADDRSTRLEN] = "?";
		int c = accept4(s, (void *)&from, &len, SOCK_CLOEXEC);

		if (c < 0)
			return 1;
		inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
		dprintf(c, "%s %s\n", argv[3], !strncmp(text, "::ffff:", 7) ? text + 7 : text);
		close(c);
	}
}

static int cmd_ask(char **argv)
{
	struct sockaddr_storage a;
	socklen_t len = parse_address(argv[2], argv[3], &a);
	int s = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 5};
	char text[256];
	ssize_t n;

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(s, (void *)&a, len) || (n = read(s, text, sizeof text)) < 0) {
		puts(answer(-1));
		return 1;
	}
	fwrite(text, 1, (size_t)n, stdout);
	return n == 0;
}

static int cmd_echo(char **argv)
{
	int s = listen_on(argv[2], SOCK_DGRAM);

	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof from;
		char text[2048];
		ssize_t n = recvfrom(s, text, sizeof text, 0, (void *)&from, &len);

		if (n < 0 || sendto(s, text, (size_t)n, 0, (void *)&from, len) < 0)
			return 1;
	}
}

static int cmd_say(char **argv)
{
	struct sockaddr_storage a;
	socklen_t len = parse_address(argv[2], argv[3], &a);
	int s = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 2};
	char text[2048];
	ssize_t n;

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(s, (void *)&a, len) || write(s, argv[4], strlen(argv[4])) < 0) {
		puts(answer(-1));
		return 1;
	}
	n = read(s, text, sizeof text);
	if (n < 0)
		puts(errno == EAGAIN ? "nothing" : answer(-1));
	else
		printf("%.*s\n", (int)n, text);
	return n < 0;
}

/* An echo request without privilege (icmp(7), ping_group_range): "answered", or the errno's name. */
static int cmd_ping(char **argv)
{
	struct sockaddr_storage a;
	socklen_t len = parse_address(argv[2], "0", &a);
	bool v6 = a.ss_family == AF_INET6;
	const char request[8] = {v6 ? (char)128 : 8};
	int s = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, v6 ? 58 : 1);
	struct timeval limit = {.tv_sec = 2};
	char text[64];

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (s < 0 || sendto(s, request, sizeof request, 0, (void *)&a, len) < 0 || read(s, text, sizeof text) < 0) {
		puts(answer(-1));
		return 1;
	}
	puts("answered");
	return 0;
}

static int cmd_syscall(char **argv)
{
	static const struct {
		const char *name;
		long number, args[5];
	} table[] = {
		{"unshare-user", SYS_unshare, {CLONE_NEWUSER}},
		{"unshare-mount", SYS_unshare, {CLONE_NEWNS}},
		{"clone3", SYS_clone3, {0, 0}},
		{"clone-user", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
		{"keyctl", SYS_keyctl, {0, -3, 1}},
		{"add_key", SYS_add_key, {0}},
		{"io_uring_setup", SYS_io_uring_setup, {1, 0}},
		{"bpf", SYS_bpf, {0}},
		{"ptrace-traceme", SYS_ptrace, {0}},
		{"reboot", SYS_reboot, {0}},
		{"settimeofday", SYS_settimeofday, {0}},
		{"init_module", SYS_init_module, {0}},
		{"unknown", 2000, {0}},
		{"sethostname", SYS_sethostname, {(long)"x", 1}},
		{"chroot", SYS_chroot, {(long)"/"}},
		{"mount", SYS_mount, {(long)"x", (long)"/tmp", (long)"tmpfs", 0, 0}},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const long *a = table[i].args;

		if (strcmp(table[i].name, argv[2]))
			continue;
		long r = syscall(table[i].number, a[0], a[1], a[2], a[3], a[4]);

		if (table[i].number == SYS_clone && r == 0)
			_exit(0);
		puts(answer(r));
		return 0;
	}
	return 2;
}

[[gnu::noreturn]] static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static int cmd_eat(char **argv)
{
	size_t bytes = (size_t)atol(argv[2]) << 20;
	char *p = malloc(bytes);

	if (!p) {
		puts("ENOMEM");
		return 0;
	}
	memset(p, 1, bytes);
	__asm__ volatile("" : : "r"(p) : "memory"); /* nobody reads it: the compiler would leave the writes out */
	puts("eaten");
	fflush(stdout);
	wait_for_ever();
}

static int cmd_forks(char **argv)
{
	int n = atoi(argv[2]), made = 0;
	pid_t *pids = calloc((size_t)n, sizeof *pids);

	for (; made < n && (pids[made] = fork()) >= 0; made++)
		if (!pids[made])
			wait_for_ever();
	printf("%d\n", made);
	for (int i = 0; i < made; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < made; i++)
		waitpid(pids[i], NULL, 0);
	free(pids);
	return 0;
}

static void *spin(void *until)
{
	while (now_s(CLOCK_MONOTONIC) < *(double *)until)
		;
	return NULL;
}

static int cmd_spin(char **argv)
{
	double until = now_s(CLOCK_MONOTONIC) + atof(argv[2]);
	pthread_t other;

	if (pthread_create(&other, NULL, spin, &until))
		return 1;
	spin(&until);
	pthread_join(other, NULL);
	printf("%.3f\n", now_s(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}

static int cmd_orphans(char **argv)
{
	for (int i = atoi(argv[2]); i > 0; i--) {
		pid_t pid = fork();

		if (!pid) {
			if (!fork()) {
				usleep(50000);
				_exit(0);
			}
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	puts("orphaned");
	fflush(stdout);
	wait_for_ever();
}

static int signal_number(const char *name)
{
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && !strcmp(sigabbrev_np(i), name))
			return i;
	exit(2);
}

static int cmd_ignore(char **argv)
{
	signal(signal_number(argv[2]), SIG_IGN);
	puts("ready");
	fflush(stdout);
	wait_for_ever();
}

static int cmd_trap(char **argv)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, signal_number(argv[2]));
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &got);
	printf("got %s\n", sigabbrev_np(got));
	return atoi(argv[3]);
}

static int cmd_size(char **argv)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	do {
		struct winsize w = {};

		if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w))
			puts(answer(-1));
		else
			printf("size %d %d\n", w.ws_row, w.ws_col);
		fflush(stdout);
	} while (!sigwait(&set, &got));
	return 0;
}

static int cmd_fds(char **argv)
{
	DIR *d = opendir("/proc/self/fd");

	if (!d)
		return 1;
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d))
			printf("%s ", e->d_name);
	putchar('\n');
	return closedir(d);
}

static int cmd_exit(char **argv)
{
	return atoi(argv[2]);
}

/* As pid 1 only what has a handler arrives, apart from what the parent namespace sends: so the child does it. */
static int cmd_kill(char **argv)
{
	return kill(getpid(), signal_number(argv[2]));
}

static int cmd_reopen(char **argv)
{
	int fd = open("/dev/stdout", O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		puts(answer(-1));
		return 1;
	}
	dprintf(fd, "reopened\n");
	return close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(char **argv);
	} verbs[] = {
		{"connect", 2, cmd_connect}, {"sendto", 2, cmd_sendto}, {"syscall", 1, cmd_syscall},
		{"serve", 2, cmd_serve}, {"ask", 2, cmd_ask}, {"echo", 1, cmd_echo}, {"say", 3, cmd_say},
		{"ping", 1, cmd_ping},
		{"eat", 1, cmd_eat}, {"forks", 1, cmd_forks}, {"spin", 1, cmd_spin}, {"orphans", 1, cmd_orphans},
		{"ignore", 1, cmd_ignore}, {"trap", 2, cmd_trap}, {"size", 0, cmd_size}, {"fds", 0, cmd_fds},
		{"exit", 1, cmd_exit}, {"kill", 1, cmd_kill}, {"reopen", 0, cmd_reopen},
	};

	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(argv[1], verbs[i].name) && argc == verbs[i].words + 2)
			return verbs[i].run(argv);
	fputs("usage: probe VERB WORD...\n", stderr);
	return 2;
}
