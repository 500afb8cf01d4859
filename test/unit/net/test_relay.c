/* SPDX-License-Identifier: Apache-2.0 */
/* in: holes from end to end: the real rocket-relay between a host, a far machine and a pod (stand.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stand.h"

enum { TCP = 80, TCP_V4 = 81, TCP_V6 = 82, SILENT = 83, UDP = 53, UDP_V4 = 54, UDP_V6 = 55 };

static const struct stand_server servers[] = {
	{ .port = TCP, .on = STAND_DUAL },	     { .port = TCP_V4, .on = STAND_V4 },
	{ .port = TCP_V6, .on = STAND_V6 },	     { .port = UDP, .udp = true, .on = STAND_DUAL },
	{ .port = UDP_V4, .udp = true, .on = STAND_V4 }, { .port = UDP_V6, .udp = true, .on = STAND_V6 },
};

struct setup {
	struct stand stand;
	struct relay relay;
	uint32_t holes;
	const char *skip;
};

static int setup_all(void **state)
{
	static struct setup s = { .relay = RELAY_NO_PROCESS };
	struct relay_spawn_request r = {};
	struct err e = {};

	*state = &s;
	s.skip = stand_build(&s.stand, servers, ARRAY_SIZE(servers));
	if (s.skip) {
		fprintf(stderr, "skipped: %s\n", s.skip);
		return 0;
	}
	r.plan = &s.stand.plan;
	r.exe_fd = s.stand.exe_fd;
	r.pod_pidfd = s.stand.pod_pidfd;
	r.empty_root_fd = s.stand.empty_fd;
	if (relay_spawn(&r, &s.relay, &e) == 0 && relay_wait_ready(&s.relay, &e) == 0)
		return 0;
	err_print(stderr, &e);
	return -1;
}

static int teardown_all(void **state)
{
	struct setup *s = *state;

	relay_end(&s->relay);
	stand_free(&s->stand);
	return 0;
}

static struct setup *far_setup(void **state)
{
	struct setup *s = *state;

	if (s->skip || !s->stand.has_far) {
		print_message("skipped: %s\n", s->skip ? s->skip : "no far machine (this kernel has no veth)");
		skip();
	}
	return s;
}

/* Opens a hole and gives its host port. */
static uint16_t open_hole(struct setup *s, struct hole h, uint32_t *ret_number)
{
	struct relay_sockets sockets = {};
	struct err e = {};
	uint16_t port;

	if (s->skip)
		skip();
	h.kind = HOLE_IN;
	h.port_end = h.port_end ? h.port_end : h.port;
	h.text = (char *)(uintptr_t) "in:test";
	if (relay_listen(&h, &sockets, &e) < 0) {
		err_print(stderr, &e);
		fail();
	}
	port = sockets.port;
	*ret_number = s->holes++;
	if (relay_add(&s->relay, *ret_number, &sockets, &e) < 0) {
		err_print(stderr, &e);
		fail();
	}
	return port;
}

enum { ANY = -1 };

/* What ends by itself meanwhile may be cut or not. */
static void close_hole(struct setup *s, uint32_t number, int expected_cut)
{
	struct err e = {};
	uint32_t cut = 0;

	assert_int_equal(relay_remove(&s->relay, number, &cut, &e), 0);
	if (expected_cut != ANY)
		assert_int_equal(cut, expected_cut);
}

static uint16_t local_port(int fd)
{
	struct sockaddr_storage a = {};
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port :
					       ((struct sockaddr_in *)&a)->sin_port);
}

/* A row that needs IPv6, where there is none. */
static bool lacks_v6(const struct setup *s, const char *addr, const char *as)
{
	bool mapped = as && strncmp(as, "::ffff:", 7) == 0;

	return !s->stand.has_v6 && (strchr(addr, ':') || (as && strchr(as, ':') && !mapped));
}

/* An app on both families sees IPv4 clients as mapped; where there is no IPv6, as they are. */
static const char *plain(const struct setup *s, const char *as)
{
	return !s->stand.has_v6 && strncmp(as, "::ffff:", 7) == 0 ? as + 7 : as;
}

/* What the app says about a client that connects to addr:port. */
static void assert_seen_as(struct setup *s, bool far, const char *addr, uint16_t port, const char *as, bool same_port)
{
	char line[128], expected[128];
	int fd;

	if (lacks_v6(s, addr, as))
		return;
	as = plain(s, as);
	fd = stand_connect(&s->stand, far, addr, port, SOCK_STREAM);
	assert_true(fd >= 0);
	assert_true(stand_read_line(fd, line, sizeof(line)) > 0);
	if (same_port) {
		snprintf(expected, sizeof(expected), "%s %u", as, local_port(fd));
		assert_string_equal(line, expected);
	} else {
		assert_memory_equal(line, as, strlen(as));
		assert_int_equal(line[strlen(as)], ' ');
	}
	close(fd);
}

static void loopback_client_is_loopback(void **state)
{
	struct setup *s = *state;
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = TCP }, &hole);

	assert_seen_as(s, false, "127.0.0.1", port, "::ffff:127.0.0.1", false);
	assert_seen_as(s, false, "::1", port, "::1", false);
	close_hole(s, hole, ANY);
}

static void far_client_keeps_its_address(void **state)
{
	struct setup *s = far_setup(state);
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = TCP, .addr = (char *)(uintptr_t) "any" }, &hole);

	assert_seen_as(s, true, "10.9.0.1", port, "::ffff:10.9.0.2", true);
	assert_seen_as(s, true, "fd09::1", port, "fd09::2", true);
	assert_seen_as(s, false, "10.9.0.1", port, "::ffff:10.9.0.1", true);
	assert_seen_as(s, true, "fe80::9:1", port, "fe80::9:2", true);
	close_hole(s, hole, ANY);
}

static void other_family_gets_a_stand_in(void **state)
{
	struct setup *s = far_setup(state);
	uint32_t v4, v6;
	uint16_t to_v4 = open_hole(s, (struct hole){ .app_port = TCP_V4, .addr = (char *)(uintptr_t) "any" }, &v4);
	uint16_t to_v6 = open_hole(s, (struct hole){ .app_port = TCP_V6, .addr = (char *)(uintptr_t) "any" }, &v6);

	assert_seen_as(s, true, "fd09::1", to_v4, "192.0.0.8", false);
	assert_seen_as(s, true, "10.9.0.1", to_v4, "10.9.0.2", true);
	assert_seen_as(s, false, "::1", to_v4, "127.0.0.1", false);
	assert_seen_as(s, true, "10.9.0.1", to_v6, "64:ff9b:1::a09:2", true);
	assert_seen_as(s, false, "127.0.0.1", to_v6, "::1", false);
	close_hole(s, v4, ANY);
	close_hole(s, v6, ANY);
}

static void loopback_hole_is_shut_to_far(void **state)
{
	struct setup *s = far_setup(state);
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = TCP }, &hole);

	assert_int_equal(stand_connect(&s->stand, true, "10.9.0.1", port, SOCK_STREAM), -ECONNREFUSED);
	if (s->stand.has_v6)
		assert_int_equal(stand_connect(&s->stand, true, "fd09::1", port, SOCK_STREAM), -ECONNREFUSED);
	close_hole(s, hole, ANY);
}

/* 1 when it was tried: what the host or the kernel lacks is not. */
static unsigned assert_reset(struct setup *s, bool far, const char *addr, uint16_t port)
{
	char c;
	int fd;

	if (lacks_v6(s, addr, NULL) || (far && !s->stand.has_far))
		return 0;
	fd = stand_connect(&s->stand, far, addr, port, SOCK_STREAM);
	assert_true(fd >= 0);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
	return 1;
}

static void silent_app_resets_at_once(void **state)
{
	struct setup *s = *state;
	struct relay_counts counts = {};
	struct err e = {};
	unsigned tried = 0;
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = SILENT, .addr = (char *)(uintptr_t) "any" }, &hole);

	tried += assert_reset(s, false, "127.0.0.1", port);
	tried += assert_reset(s, false, "::1", port);
	tried += assert_reset(s, true, "10.9.0.1", port);
	tried += assert_reset(s, true, "fd09::1", port);
	assert_int_equal(relay_count(&s->relay, hole, &counts, &e), 0);
	assert_int_equal(counts.refused, tried);
	assert_int_equal(counts.accepted, 0);
	close_hole(s, hole, 0);
}

static void fill_pattern(char *buf, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)((at + i) * 2654435761U >> 13);
}

/* Sends `total` bytes while it reads them back, slowly at first so that both ways stall; checks every byte. */
static void assert_echoes(int fd, size_t total)
{
	static char out[32768], in[32768], expected[32768];
	size_t sent = 0, got = 0;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (got < total) {
		struct pollfd p = { .fd = fd, .events = POLLIN | (sent < total ? POLLOUT : 0) };
		size_t want = total - sent < sizeof(out) ? total - sent : sizeof(out);
		ssize_t n = 0;

		assert_int_equal(poll(&p, 1, 5000), 1);
		if ((p.revents & POLLOUT) && sent < total) {
			fill_pattern(out, want, sent);
			n = send(fd, out, want, MSG_NOSIGNAL);
			assert_true(n > 0 || errno == EAGAIN);
			sent += n > 0 ? (size_t)n : 0;
			if (sent == total)
				shutdown(fd, SHUT_WR);
			if (n > 0)
				continue;
		}
		n = recv(fd, in, sizeof(in), 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		assert_true(n > 0);
		fill_pattern(expected, (size_t)n, got);
		assert_memory_equal(in, expected, (size_t)n);
		got += (size_t)n;
	}
	/* The half-close went through, the app closed, and that came back. */
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 5000), 1);
	assert_int_equal(recv(fd, in, sizeof(in), 0), 0);
}

static void bytes_arrive_whole(void **state)
{
	static const size_t sizes[] = { 1, 100, 8191, 8192, 8193, 100000, 20000000 };
	struct setup *s = *state;
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = TCP }, &hole);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = stand_connect(&s->stand, false, i & 1 && s->stand.has_v6 ? "::1" : "127.0.0.1", port, SOCK_STREAM);
		char line[128];

		assert_true(fd >= 0);
		assert_true(stand_read_line(fd, line, sizeof(line)) > 0);
		assert_echoes(fd, sizes[i]);
		close(fd);
	}
	close_hole(s, hole, ANY);
}

static void many_connections_at_once(void **state)
{
	enum { MANY = 200 };
	struct setup *s = *state;
	struct relay_counts counts = {};
	struct err e = {};
	uint32_t hole;
	uint16_t port = open_hole(s, (struct hole){ .app_port = TCP }, &hole);
	int fds[MANY];
	char line[128];

	for (int i = 0; i < MANY; i++) {
		fds[i] = stand_connect(&s->stand, false, "127.0.0.1", port, SOCK_STREAM);
		assert_true(fds[i] >= 0);
	}
	for (int i = 0; i < MANY; i++)
		assert_true(stand_read_line(fds[i], line, sizeof(line)) > 0);
	assert_int_equal(relay_count(&s->relay, hole, &counts, &e), 0);
	assert_int_equal(counts.accepted, MANY);
	assert_int_equal(counts.living, MANY);
	for (int i = 0; i < MANY / 2; i++)
		close(fds[i]);
	for (int i = MANY / 2; i < MANY; i++) {
		assert_int_equal(send(fds[i], "x\n", 2, 0), 2);
		assert_int_equal(stand_read_line(fds[i], line, sizeof(line)), 1);
	}
	close_hole(s, hole, MANY / 2);
	for (int i = MANY / 2; i < MANY; i++) {
		assert_int_equal(recv(fds[i], line, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(fds[i]);
	}
	assert_int_equal(stand_connect(&s->stand, false, "127.0.0.1", port, SOCK_STREAM), -ECONNREFUSED);
}

static void assert_datagram(struct setup *s, bool far, const char *addr, uint16_t port, const char *as, bool same_port)
{
	char answer[256], expected[256];
	int fd;

	if (lacks_v6(s, addr, as))
		return;
	as = plain(s, as);
	fd = stand_connect(&s->stand, far, addr, port, SOCK_DGRAM);
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++) {
		ssize_t n;

		assert_int_equal(send(fd, "hello", 5, 0), 5);
		n = recv(fd, answer, sizeof(answer) - 1, 0);
		assert_true(n > 0);
		answer[n] = 0;
		assert_memory_equal(answer, as, strlen(as));
		snprintf(expected, sizeof(expected), "%s %u hello", as, local_port(fd));
		if (same_port)
			assert_string_equal(answer, expected);
	}
	close(fd);
}

static void datagrams_keep_the_address(void **state)
{
	struct setup *s = far_setup(state);
	struct hole any = { .proto = HOLE_UDP, .addr = (char *)(uintptr_t) "any" };
	uint32_t dual, v4, v6;
	uint16_t to_dual, to_v4, to_v6;

	any.app_port = UDP;
	to_dual = open_hole(s, any, &dual);
	any.app_port = UDP_V4;
	to_v4 = open_hole(s, any, &v4);
	any.app_port = UDP_V6;
	to_v6 = open_hole(s, any, &v6);
	assert_datagram(s, true, "10.9.0.1", to_dual, "::ffff:10.9.0.2", true);
	assert_datagram(s, true, "fd09::1", to_dual, "fd09::2", true);
	assert_datagram(s, true, "10.9.0.1", to_v4, "10.9.0.2", true);
	assert_datagram(s, true, "fe80::9:1", to_dual, "fe80::9:2", true);
	assert_datagram(s, true, "fd09::1", to_v4, "192.0.0.8", false);
	assert_datagram(s, true, "10.9.0.1", to_v6, "64:ff9b:1::a09:2", true);
	assert_datagram(s, false, "127.0.0.1", to_v4, "127.0.0.1", false);
	assert_datagram(s, false, "::1", to_v6, "::1", false);
	assert_datagram(s, false, "::1", to_v4, "127.0.0.1", false);
	close_hole(s, dual, s->stand.has_v6 ? 3 : 1);
	close_hole(s, v4, s->stand.has_v6 ? 4 : 2);
	close_hole(s, v6, s->stand.has_v6 ? 2 : 0);
}

static void wall_stands(void **state)
{
	struct setup *s = *state;
	uint32_t hole, udp;

	open_hole(s, (struct hole){ .app_port = TCP, .addr = (char *)(uintptr_t) "any" }, &hole);
	open_hole(s, (struct hole){ .app_port = UDP, .addr = (char *)(uintptr_t) "any", .proto = HOLE_UDP }, &udp);
	assert_int_equal(stand_pod_connect(&s->stand, "192.0.2.1", 80), EACCES);
	assert_int_equal(stand_pod_connect(&s->stand, "10.9.0.2", 80), EACCES);
	if (s->stand.has_v6) {
		assert_int_equal(stand_pod_connect(&s->stand, "2001:db8::1", 80), EACCES);
		assert_int_equal(stand_pod_connect(&s->stand, "fd09::2", 80), EACCES);
	}
	assert_int_equal(stand_pod_connect(&s->stand, "127.0.0.1", TCP), 0);
	close_hole(s, udp, 0);
	close_hole(s, hole, ANY);
}

static void range_maps_port_by_port(void **state)
{
	struct setup *s = *state;
	uint32_t hole;
	struct hole h = { .port = 18080, .port_end = 18120, .app_port = TCP };

	open_hole(s, h, &hole);
	assert_seen_as(s, false, "127.0.0.1", 18080, "::ffff:127.0.0.1", false);
	assert_seen_as(s, false, "127.0.0.1", 18081, "127.0.0.1", false);
	assert_seen_as(s, false, "::1", 18082, "::1", false);
	close_hole(s, hole, ANY);
	assert_int_equal(stand_connect(&s->stand, false, "127.0.0.1", 18120, SOCK_STREAM), -ECONNREFUSED);
}

static void taken_port_names_its_holder(void **state)
{
	struct setup *s = *state;
	struct hole h = { .kind = HOLE_IN, .port = 18200, .port_end = 18200, .app_port = TCP };
	struct relay_sockets sockets = {};
	struct err e = {};
	char pid[32];

	if (s->skip)
		skip();
	h.text = (char *)(uintptr_t) "in:18200:80";
	assert_int_equal(relay_listen(&h, &sockets, &e), 0);
	assert_int_equal(relay_listen(&h, &(struct relay_sockets){}, &e), -ERR_BUSY);
	snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	assert_non_null(strstr(e.because, pid));
	assert_non_null(strstr(e.what, "127.0.0.1:18200"));
	relay_sockets_close(&sockets);
}

static void relay_is_small_and_jailed(void **state)
{
	struct setup *s = *state;
	char path[64], line[256];
	unsigned long pss = 0, seccomp = 0, caps = 0, no_new_privs = 0;
	autofclose FILE *rollup = NULL, *status = NULL;

	if (s->skip)
		skip();
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)s->relay.pid);
	rollup = fopen(path, "re");
	while (rollup && fgets(line, sizeof(line), rollup))
		sscanf(line, "Pss: %lu kB", &pss);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)s->relay.pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		sscanf(line, "Seccomp: %lu", &seccomp);
		sscanf(line, "CapEff: %lx", &caps);
		sscanf(line, "NoNewPrivs: %lu", &no_new_privs);
	}
	print_message("relay after all tests: %lu kB\n", pss);
	assert_int_equal(seccomp, 2);
	assert_int_equal(no_new_privs, 1);
	assert_int_equal(caps, 1 << 12 | 1 << 13); /* NET_ADMIN, NET_RAW */
	assert_in_range(pss, 1, 160);              /* busy, with its tables touched */
}

static void relay_dies_with_its_supervisor(void **state)
{
	struct setup *s = *state;
	struct pollfd p;

	if (s->skip)
		skip();
	close(s->relay.control_fd);
	s->relay.control_fd = -1;
	p = (struct pollfd){ .fd = s->relay.pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_client_is_loopback),
		cmocka_unit_test(far_client_keeps_its_address),
		cmocka_unit_test(other_family_gets_a_stand_in),
		cmocka_unit_test(loopback_hole_is_shut_to_far),
		cmocka_unit_test(silent_app_resets_at_once),
		cmocka_unit_test(bytes_arrive_whole),
		cmocka_unit_test(many_connections_at_once),
		cmocka_unit_test(datagrams_keep_the_address),
		cmocka_unit_test(wall_stands),
		cmocka_unit_test(range_maps_port_by_port),
		cmocka_unit_test(taken_port_names_its_holder),
		cmocka_unit_test(relay_is_small_and_jailed),
		cmocka_unit_test(relay_dies_with_its_supervisor),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
