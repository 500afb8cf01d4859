/* SPDX-License-Identifier: Apache-2.0 */
/* An in: hole → bound sockets on the host. ip(7), tcp(7), udp(7), ipv6(7). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/relay.h"
#include "net/relay_address.h"

enum { BACKLOG = 4096, PICK_TRIES = 32 };

/* One address that the hole stands on. */
struct stand {
	union relay_addr addr;
	bool optional; /* left out where the host lacks the family */
};

struct stands {
	struct stand v[2];
	unsigned n;
};

static void stands_add(struct stands *s, sa_family_t family, const void *bytes, bool optional)
{
	struct stand *new = &s->v[s->n++];

	*new = (struct stand){ .optional = optional };
	new->addr.any.sa_family = family;
	if (family == AF_INET6)
		memcpy(&new->addr.v6.sin6_addr, bytes, sizeof(struct in6_addr));
	else
		memcpy(&new->addr.v4.sin_addr, bytes, sizeof(struct in_addr));
}

static int stands_choose(const struct hole *h, struct stands *ret, struct err *e)
{
	const struct in_addr lo4 = { htonl(INADDR_LOOPBACK) }, any4 = { htonl(INADDR_ANY) };
	struct in6_addr v6;
	struct in_addr v4;

	ret->n = 0;
	if (!h->addr) {
		stands_add(ret, AF_INET, &lo4, false);
		stands_add(ret, AF_INET6, &in6addr_loopback, true);
	} else if (str_equal(h->addr, "any")) {
		stands_add(ret, AF_INET, &any4, false);
		stands_add(ret, AF_INET6, &in6addr_any, true);
	} else if (inet_pton(AF_INET, h->addr, &v4) == 1) {
		stands_add(ret, AF_INET, &v4, false);
	} else if (inet_pton(AF_INET6, h->addr, &v6) == 1) {
		stands_add(ret, AF_INET6, &v6, false);
	} else {
		return err_new(e, ERR_USAGE, "the hole %s names no address: \"%s\"", h->text, h->addr);
	}
	return 0;
}

struct option {
	int level, name, value;
	bool tcp, udp, v4, v6;
};

/* Accepted sockets inherit these: the data path sets nothing on a client's socket. */
static const struct option options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1, .tcp = true, .v4 = true, .v6 = true },
	{ SOL_SOCKET, SO_KEEPALIVE, 1, .tcp = true, .v4 = true, .v6 = true },
	{ IPPROTO_TCP, TCP_NODELAY, 1, .tcp = true, .v4 = true, .v6 = true },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 300, .tcp = true, .v4 = true, .v6 = true },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 30, .tcp = true, .v4 = true, .v6 = true },
	{ IPPROTO_IP, IP_PKTINFO, 1, .tcp = true, .udp = true, .v4 = true },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, .tcp = true, .udp = true, .v6 = true },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, .udp = true, .v6 = true },
};

/* Only what comes in on lo reaches a loopback address, whatever route_localnet is set to on the host. */
static int socket_bind_to_lo(int fd)
{
	static const char lo[] = "lo";

	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, lo, sizeof(lo));
}

int relay_socket_listen(const union relay_addr *addr, uint8_t proto)
{
	bool tcp = proto == IPPROTO_TCP, v6 = addr->any.sa_family == AF_INET6;
	int type = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	autoclose int fd = socket(addr->any.sa_family, type, 0);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if ((tcp ? !o->tcp : !o->udp) || (v6 ? !o->v6 : !o->v4))
			continue;
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) < 0)
			return -1;
	}
	if (relay_addr_is_loopback(addr) && socket_bind_to_lo(fd) < 0)
		return -1;
	if (bind(fd, &addr->any, relay_addr_len(addr)) < 0)
		return -1;
	if (tcp && listen(fd, BACKLOG) < 0)
		return -1;
	return take_fd(&fd);
}

static uint16_t socket_port(int fd)
{
	union relay_addr addr = {};
	socklen_t len = sizeof(addr);

	return getsockname(fd, &addr.any, &len) < 0 ? 0 : relay_addr_port(&addr);
}

static void addr_set_port(union relay_addr *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET6)
		a->v6.sin6_port = htons(port);
	else
		a->v4.sin_port = htons(port);
}

static void addr_format(const union relay_addr *a, char *text, size_t cap)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (a->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
	snprintf(text, cap, a->any.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, relay_addr_port(a));
}

static int explain_busy(const struct hole *h, const union relay_addr *a, uint8_t proto, struct err *e)
{
	char where[INET6_ADDRSTRLEN + 16], holder[128];

	addr_format(a, where, sizeof(where));
	relay_find_holder((uint8_t)a->any.sa_family, proto, relay_addr_port(a), holder, sizeof(holder));
	err_new(e, ERR_BUSY, "can't open the hole %s: %s is taken", h->text, where);
	if (*holder)
		err_because(e, "%s has that port", holder);
	else
		err_because(e, "another process on this host has that port");
	return err_try(e, "another port, or port 0 to let the kernel pick a free one");
}

/* Turns errno of a failed bind into what a person can act on. */
static int explain_bind(const struct hole *h, const union relay_addr *a, uint8_t proto, struct err *e)
{
	char where[INET6_ADDRSTRLEN + 16];
	int errnum = errno;

	addr_format(a, where, sizeof(where));
	switch (errnum) {
	case EADDRINUSE:
		return explain_busy(h, a, proto, e);
	case EACCES:
		err_new(e, ERR_POLICY, "can't open the hole %s: no permission for %s", h->text, where);
		err_because(e, "ports below net.ipv4.ip_unprivileged_port_start are root's");
		return err_try(e, "a port from 1024 on");
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		err_new(e, ERR_NETWORK, "can't open the hole %s on %s", h->text, where);
		err_because(e, "this host does not have that address");
		return err_try(e, "ip address   (shows those that it has)");
	case EMFILE:
		err_new(e, ERR_FAILED, "can't open the hole %s", h->text);
		err_because(e, "it takes more sockets than one process may have open");
		return err_try(e, "a smaller range of ports, or a higher limit of open files (ulimit -n)");
	default:
		return err_errno(e, "can't open the hole %s on %s", h->text, where);
	}
}

static bool host_lacks(const struct stand *s, int errnum)
{
	return s->optional && (errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL);
}

/* Appends one socket a stand for this host port. 0, 1 when a picked port is taken in another family, or -code. */
static int listen_port(const struct hole *h, const struct stands *stands, uint16_t port, struct relay_sockets *s,
		       struct err *e)
{
	uint16_t app_port = (uint16_t)(s->app_port + (h->port ? port - h->port : 0));

	for (unsigned i = 0; i < stands->n; i++) {
		union relay_addr addr = stands->v[i].addr;
		int fd;

		addr_set_port(&addr, port);
		fd = relay_socket_listen(&addr, s->proto);
		if (fd < 0 && host_lacks(&stands->v[i], errno))
			continue;
		if (fd < 0 && errno == EADDRINUSE && h->port == 0 && port)
			return 1;
		if (fd < 0)
			return explain_bind(h, &addr, s->proto, e);
		if (!port)
			port = socket_port(fd);
		s->v[s->n++] = (struct relay_socket){
			.fd = fd,
			.port = port,
			.app_port = app_port,
			.family = (uint8_t)addr.any.sa_family,
		};
	}
	s->port = s->port ? s->port : port;
	return 0;
}

/* Port 0: the kernel picks one for the first address; the others must be free as well, else once more. */
static int listen_picked(const struct hole *h, const struct stands *stands, struct relay_sockets *s, struct err *e)
{
	for (unsigned i = 0; i < PICK_TRIES; i++) {
		int r = listen_port(h, stands, 0, s, e);

		if (r <= 0)
			return r;
		while (s->n)
			close(s->v[--s->n].fd);
	}
	err_new(e, ERR_BUSY, "can't open the hole %s", h->text);
	err_because(e, "no port was found that is free in both families");
	return err_try(e, "a port of your choice");
}

static int compare_sockets(const void *a, const void *b)
{
	const struct relay_socket *x = a, *y = b;

	return x->family != y->family ? x->family - y->family : x->port - y->port;
}

/* A range maps port by port onto the app's; a single app port serves one host port. */
static int sockets_prepare(const struct hole *h, struct relay_sockets *s, struct err *e)
{
	uint32_t ports = h->port_end >= h->port ? h->port_end - h->port + 1 : 1;
	uint32_t first = h->app_port ? h->app_port : h->port;

	if (ports > RELAY_PORTS_MAX) {
		err_new(e, ERR_USAGE, "the hole %s is too wide", h->text);
		err_because(e, "%u ports, and one hole holds at most %d", ports, RELAY_PORTS_MAX);
		return err_try(e, "several holes with smaller ranges");
	}
	if (first == 0 || first + ports - 1 > 65535 || h->port_end > 65535)
		return err_new(e, ERR_USAGE, "the hole %s has no port on the app's side for each of its ports",
			       h->text);
	s->v = calloc((size_t)ports * 2, sizeof(*s->v));
	if (!s->v)
		return err_errno(e, "can't open the hole %s", h->text);
	s->proto = h->proto == HOLE_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	s->app_port = (uint16_t)first;
	s->app_port_end = (uint16_t)(first + ports - 1);
	return 0;
}

int relay_listen(const struct hole *h, struct relay_sockets *ret, struct err *e)
{
	struct relay_sockets s = {};
	struct stands stands = {};
	int r = stands_choose(h, &stands, e);

	if (r == 0)
		r = sockets_prepare(h, &s, e);
	if (r == 0 && h->port == 0)
		r = listen_picked(h, &stands, &s, e);
	for (uint32_t port = h->port; r == 0 && h->port && port <= h->port_end; port++)
		r = listen_port(h, &stands, (uint16_t)port, &s, e);
	if (r < 0) {
		relay_sockets_close(&s);
		return r;
	}
	qsort(s.v, s.n, sizeof(*s.v), compare_sockets);
	*ret = s;
	return 0;
}

void relay_sockets_close(struct relay_sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		close(s->v[i].fd);
	free(s->v);
	*s = (struct relay_sockets){};
}
