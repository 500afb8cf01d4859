/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an in: hole costs beside no hole: the same client and the same server, once directly over the same
 * kind of link, once through rocket-relay. Each pair of figures is taken in turns, so that a machine that drifts
 * drifts for both.
 *
 *   relay [SECONDS [ROUNDS]]    (ROCKET_RELAY names the program; needs root)
 *
 *   loopback   client on the host, hole on 127.0.0.1   beside client and server on one loopback
 *   far        client behind a veth, hole on any        beside the same client and a server on the host
 *
 *   bytes      one connection, one way      connections   one after the other: connect, 1 byte each way, close
 *   turns      1 byte there and back on one connection
 *
 * Prints the median of each, the ratio and the relay's CPU time for a MB, a connection or a turn, and what the relay holds in memory before and after.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/stand.h"

enum { SINK = 9001, TURN = 9002, ONCE = 9003, CHUNK = 131072, ROUNDS_MAX = 64 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

[[gnu::noreturn]] static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_any(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0)
		die("listen");
	return fd;
}

/* Swallows everything. */
static void serve_sink(void)
{
	static char buf[CHUNK];
	int listener = listen_any(SINK);

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && recv(fd, buf, sizeof(buf), 0) > 0)
			;
		close(fd);
	}
}

/* Sends each byte back. */
static void serve_turns(void)
{
	int listener = listen_any(TURN);
	char c;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && recv(fd, &c, 1, 0) == 1 && send(fd, &c, 1, MSG_NOSIGNAL) == 1)
			;
		close(fd);
	}
}

/* Sends one byte back and closes first, so that it is not the client's ports that wait (TIME_WAIT). */
static void serve_once(void)
{
	int listener = listen_any(ONCE);
	char c;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && recv(fd, &c, 1, 0) == 1)
			send(fd, &c, 1, MSG_NOSIGNAL);
		close(fd);
	}
}

/* A server in the current network namespace, or in the pod's. */
static pid_t server_start(const struct stand *s, bool in_pod, void (*serve)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in_pod && setns(s->pod_pidfd, CLONE_NEWNET) < 0)
		die("join the pod");
	serve();
	_exit(0);
}

struct way {
	const char *name;
	struct stand *stand;
	bool far;
	const char *addr;
	uint16_t sink, turn, once;
};

static int way_connect(const struct way *w, uint16_t port)
{
	int fd = stand_connect(w->stand, w->far, w->addr, port, SOCK_STREAM);

	if (fd < 0) {
		errno = -fd;
		die(w->name);
	}
	return fd;
}

/* MB a second. */
static double measure_bytes(const struct way *w, double seconds)
{
	static char buf[CHUNK];
	int fd = way_connect(w, w->sink);
	double start = now(), sent = 0;
	char c;

	while (now() - start < seconds) {
		ssize_t n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		sent += (double)n;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, &c, 1, 0) != 0)
		die("the sink's end");
	close(fd);
	return sent / 1e6 / (now() - start);
}

static void take_turn(int fd)
{
	char c = 'x';

	if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 || recv(fd, &c, 1, 0) != 1)
		die("turn");
}

static double measure_connections(const struct way *w, double seconds)
{
	double start = now();
	unsigned n = 0;

	for (; now() - start < seconds; n++) {
		int fd = way_connect(w, w->once);
		char c;

		take_turn(fd);
		if (recv(fd, &c, 1, 0) != 0)
			die("the server's end");
		close(fd);
	}
	return n / (now() - start);
}

static double measure_turns(const struct way *w, double seconds)
{
	int fd = way_connect(w, w->turn);
	double start = now();
	unsigned n = 0;

	for (; now() - start < seconds; n++)
		take_turn(fd);
	close(fd);
	return n / (now() - start);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* CPU that the relay used so far, in seconds. */
static double relay_cpu(const struct relay *r)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)r->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return (double)ns / 1e9;
}

struct measure {
	const char *name;
	double (*run)(const struct way *w, double seconds);
};

static const struct measure measures[] = {
	{ "bytes, MB/s", measure_bytes },
	{ "connections/s", measure_connections },
	{ "turns/s", measure_turns },
};

static void compare_ways(const struct way *direct, const struct way *hole, const struct relay *r, double seconds,
			 unsigned rounds)
{
	for (size_t m = 0; m < sizeof(measures) / sizeof(*measures); m++) {
		double plain[ROUNDS_MAX], through[ROUNDS_MAX], a, b, cpu = 0, units = 0;

		for (unsigned i = 0; i < rounds; i++) {
			plain[i] = measures[m].run(direct, seconds);
			cpu -= relay_cpu(r);
			through[i] = measures[m].run(hole, seconds);
			cpu += relay_cpu(r);
			units += through[i] * seconds;
		}
		a = median(plain, rounds);
		b = median(through, rounds);
		printf("%-10s %-14s direct %9.0f   hole %9.0f   ratio %.2f   relay's CPU %.1f us each\n", hole->name,
		       measures[m].name, a, b, b / a, cpu * 1e6 / units);
		fflush(stdout);
	}
}

static uint16_t open_hole(struct relay *r, uint32_t number, uint16_t app_port, const char *addr)
{
	struct hole h = { .kind = HOLE_IN, .app_port = app_port };
	struct relay_sockets s = {};
	struct err e = {};
	uint16_t port = 0;

	h.text = (char *)(uintptr_t) "in:0";
	h.addr = (char *)(uintptr_t)addr;
	if (relay_listen(&h, &s, &e) == 0) {
		port = s.port;
		if (relay_add(r, number, &s, &e) == 0)
			return port;
	}
	err_print(stderr, &e);
	exit(1);
}

static void print_memory(const struct relay *r, const char *when)
{
	char path[64], line[256];
	unsigned long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)r->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %lu kB", &kb) == 1)
			printf("relay's memory %s: %lu kB (proportional set size)\n", when, kb);
	if (f)
		fclose(f);
}

static void run(struct stand *s, struct relay *r, double seconds, unsigned rounds)
{
	struct way near_direct = { "loopback", s, false, "127.0.0.1", SINK, TURN, ONCE }, near_hole = near_direct;
	struct way far_direct = { "far", s, true, "10.9.0.1", SINK, TURN, ONCE }, far_hole = far_direct;

	near_hole.sink = open_hole(r, 0, SINK, NULL);
	near_hole.turn = open_hole(r, 1, TURN, NULL);
	near_hole.once = open_hole(r, 2, ONCE, NULL);
	far_hole.sink = open_hole(r, 3, SINK, "any");
	far_hole.turn = open_hole(r, 4, TURN, "any");
	far_hole.once = open_hole(r, 5, ONCE, "any");
	print_memory(r, "idle, six holes");
	compare_ways(&near_direct, &near_hole, r, seconds, rounds);
	compare_ways(&far_direct, &far_hole, r, seconds, rounds);
	print_memory(r, "after the run");
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.5;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 7;
	static struct stand s;
	struct relay r = RELAY_NO_PROCESS;
	struct err e = {};
	const char *why = stand_build(&s, NULL, 0);
	struct relay_spawn_request q = { .plan = &s.plan };
	static void (*const serve[])(void) = { serve_turns, serve_sink, serve_once };
	enum { SERVERS = 2 * sizeof(serve) / sizeof(*serve) };
	pid_t servers[SERVERS];

	if (why || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "relay: %s\n", why ? why : "between 1 and 64 rounds");
		return 1;
	}
	q.exe_fd = s.exe_fd;
	q.pod_pidfd = s.pod_pidfd;
	q.empty_root_fd = s.empty_fd;
	for (int i = 0; i < SERVERS; i++)
		servers[i] = server_start(&s, i & 1, serve[i / 2]);
	if (relay_spawn(&q, &r, &e) < 0 || relay_wait_ready(&r, &e) < 0) {
		err_print(stderr, &e);
		return 1;
	}
	usleep(50000);
	run(&s, &r, seconds, rounds);
	relay_end(&r);
	for (int i = 0; i < SERVERS; i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}
	stand_free(&s);
	return 0;
}
