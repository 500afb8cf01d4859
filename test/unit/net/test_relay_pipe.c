/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a connection over real sockets: whole, in order, held back, ended, and without descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/relay_pipe.h"

/* client → from ~ pump ~ to → app, two TCP connections over loopback. */
struct line {
	int client, from, to, app;
	struct relay_core core;
	struct relay_way way;
	size_t sent, received;
};

static void connect_pair(int *ret_a, int *ret_b)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	*ret_a = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	assert_true(connect(*ret_a, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EINPROGRESS);
	*ret_b = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(*ret_b >= 0);
	close(listener);
}

static int line_open(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	connect_pair(&l->client, &l->from);
	connect_pair(&l->to, &l->app);
	l->core.datagram = malloc(RELAY_DATAGRAM_MAX);
	l->way.pipe[0] = l->way.pipe[1] = -1;
	*state = l;
	return 0;
}

static int line_close(void **state)
{
	struct line *l = *state;
	const int fds[] = { l->client, l->from, l->to, l->app };

	l->way.held = 0;
	relay_way_drop(&l->core, &l->way);
	while (l->core.spare_pipes--) {
		close(l->core.spare[l->core.spare_pipes].end[0]);
		close(l->core.spare[l->core.spare_pipes].end[1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	free(l->core.datagram);
	free(l);
	return 0;
}

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 2654435761U >> 11);
}

/* As much as the socket takes, at most n. */
static void client_send(struct line *l, size_t n)
{
	uint8_t buf[4096];

	while (n) {
		size_t want = n < sizeof(buf) ? n : sizeof(buf);
		ssize_t w;

		for (size_t i = 0; i < want; i++)
			buf[i] = pattern(l->sent + i);
		w = send(l->client, buf, want, MSG_NOSIGNAL);
		if (w < 0)
			break;
		l->sent += (size_t)w;
		n -= (size_t)w;
	}
}

/* Everything that is there; each byte is checked. True at the end of the stream. */
static bool app_receive(struct line *l)
{
	uint8_t buf[16384];
	ssize_t n;

	while ((n = recv(l->app, buf, sizeof(buf), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(buf[i], pattern(l->received + (size_t)i));
		l->received += (size_t)n;
	}
	assert_true(n == 0 || errno == EAGAIN);
	return n == 0;
}

static enum relay_pump pump(struct line *l)
{
	return relay_way_pump(&l->core, &l->way, l->from, l->to);
}

static void pump_until_received(struct line *l)
{
	for (int i = 0; i < 100000 && l->received < l->sent; i++) {
		assert_int_not_equal(pump(l), RELAY_PUMP_BROKEN);
		app_receive(l);
	}
	assert_int_equal(l->received, l->sent);
}

static unsigned open_fds(void)
{
	autoclosedir DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	return n;
}

static void small_is_copied_and_holds_nothing(void **state)
{
	struct line *l = *state;

	client_send(l, 100);
	assert_int_equal(pump(l), RELAY_PUMP_WAIT);
	app_receive(l);
	assert_int_equal(l->received, 100);
	assert_int_equal(l->way.pipe[0], -1);
	assert_false(l->way.bulk);
}

static void large_arrives_in_order(void **state)
{
	static const size_t sizes[] = { 8191, 8192, 8193, 65536, 300000, 1 };
	struct line *l = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		client_send(l, sizes[i]);
		pump_until_received(l);
	}
	assert_int_equal(l->way.held, 0);
	assert_int_equal(l->way.pipe[0], -1);
	assert_in_range(l->core.spare_pipes, 1, RELAY_SPARE_PIPES);
}

static void stalled_receiver_stops_the_sender(void **state)
{
	struct line *l = *state;
	size_t before;

	for (int i = 0; i < 3000; i++) {
		before = l->sent;
		client_send(l, 1 << 20);
		assert_int_not_equal(pump(l), RELAY_PUMP_BROKEN);
		if (l->sent == before && l->way.waits)
			break;
	}
	assert_int_equal(l->sent, before);
	assert_true(l->way.waits);
	assert_true(l->way.held <= 1 << 20);
	assert_true(l->way.pipe[0] >= 0);
	pump_until_received(l);
	assert_int_equal(l->way.held, 0);
}

static void end_follows_the_last_byte(void **state)
{
	struct line *l = *state;
	bool ended = false;

	client_send(l, 100000);
	shutdown(l->client, SHUT_WR);
	l->way.ending = true;
	for (int i = 0; i < 1000 && !ended; i++) {
		assert_int_not_equal(pump(l), RELAY_PUMP_BROKEN);
		ended = app_receive(l);
	}
	assert_true(ended);
	assert_int_equal(l->received, l->sent);
	assert_true(l->way.closed);
	assert_int_equal(pump(l), RELAY_PUMP_WAIT);
}

static void reset_breaks(void **state)
{
	struct line *l = *state;
	struct linger hard = { .l_onoff = 1 };

	assert_int_equal(setsockopt(l->client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(l->client);
	l->client = -1;
	assert_int_equal(pump(l), RELAY_PUMP_BROKEN);
}

/* No descriptor is left for a pipe: everything still arrives, whole and in order. */
static void works_without_pipes(void **state)
{
	struct line *l = *state;
	struct rlimit before, none;
	unsigned fds = open_fds();

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 200; i++) {
		client_send(l, 100000);
		assert_int_not_equal(pump(l), RELAY_PUMP_BROKEN);
		if (i % 7 == 0)
			app_receive(l);
	}
	shutdown(l->client, SHUT_WR);
	pump_until_received(l);
	for (int i = 0; i < 10 && !l->way.closed; i++)
		assert_int_not_equal(pump(l), RELAY_PUMP_BROKEN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(app_receive(l));
	assert_int_equal(l->core.spare_pipes, 0);
	assert_int_equal(open_fds(), fds);
}

#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, line_open, line_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(small_is_copied_and_holds_nothing),
		LINE_TEST(large_arrives_in_order),
		LINE_TEST(stalled_receiver_stops_the_sender),
		LINE_TEST(end_follows_the_last_byte),
		LINE_TEST(reset_breaks),
		LINE_TEST(works_without_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
