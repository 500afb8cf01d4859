/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner socket: bound to the client's address by IP_TRANSPARENT, marked, connected to the app.
 *
 * The mark is what lets the app answer. Its accepted socket inherits it (net.ipv4.tcp_fwmark_accept), and
 * the rule for the mark looks in a table where every address is local; without it the answer would
 * meet the wall like anything else that the app sends. So do the kernel's resets for a port that nobody
 * listens on (fwmark_reflect). ip(7), Documentation/networking/ip-sysctl.rst.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/relay_core.h"
#include "net/wall.h"

static int set_flag(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static int inner_prepare(int fd, const struct relay_inner *want)
{
	int mark = NET_RELAY_MARK;

	/* On the host there are no marks, and it has no right to set them: its clients are loopback's. */
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 && errno != EPERM)
		return -errno;
	if (want->type == SOCK_STREAM && set_flag(fd, IPPROTO_TCP, TCP_NODELAY) < 0)
		return -errno;
	return 0;
}

/* Binds to the client's address, with its port or, where that is taken, any. */
static int inner_bind(int fd, const struct relay_inner *want, union relay_addr *source)
{
	bool is_v6 = want->family == AF_INET6;
	int r = is_v6 ? set_flag(fd, IPPROTO_IPV6, IPV6_TRANSPARENT) : set_flag(fd, IPPROTO_IP, IP_TRANSPARENT);

	if (r < 0)
		return -errno;
	if (bind(fd, &source->any, relay_addr_len(source)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	relay_addr_clear_port(source);
	return bind(fd, &source->any, relay_addr_len(source)) < 0 ? -errno : 0;
}

/*
 * The second connect() asks how the first went: on loopback the answer is there when the first returns,
 * and asking costs less than a round through epoll.
 */
static int inner_connect(int fd, const union relay_addr *app, bool *pending)
{
	*pending = false;
	if (connect(fd, &app->any, relay_addr_len(app)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (connect(fd, &app->any, relay_addr_len(app)) == 0)
		return 0;
	if (errno != EALREADY && errno != EINPROGRESS)
		return -errno;
	*pending = true;
	return 0;
}

int relay_inner_open(const struct relay_inner *want, const union relay_addr *client, bool *ret_pending)
{
	int fd = socket(want->family, want->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union relay_addr source, app;
	bool pending = false;
	int r;

	if (fd < 0)
		return -errno;
	relay_address_app(want->family, want->port, &app);
	r = inner_prepare(fd, want);
	if (r == 0 && relay_address_source(client, want->family, &source))
		r = inner_bind(fd, want, &source);
	if (r == 0)
		r = inner_connect(fd, &app, &pending);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_pending = pending;
	return fd;
}

/* unix(7): the answer is there at once, or the listener's queue is full (EAGAIN), which refuses. */
int relay_inner_open_unix(const char *name, size_t n)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path, name, n);
	r = connect(fd, (const struct sockaddr *)&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}
