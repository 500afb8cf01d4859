/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in: holes, from the supervisor's side. The listening sockets are made in the host's network namespace, before
 * the apps start; one rocket-relay a pod, inside the pod's user and network namespaces, accepts on them
 * and connects to the apps' loopback ports.
 *
 *   host    client ──▶ listening socket ─┐ (passed as a descriptor)
 *   pod                                  └▶ rocket-relay ──▶ 127.0.0.1 or ::1, app port ──▶ app
 *
 * What an app sees. TCP and UDP alike: the client's real address and port, in the family in which the client
 * came, when the app listens on that family (a dual-stack socket on :: does for both). An app that
 * listens on the other family only sees a stand-in: 192.0.0.8 for an IPv6 client, 64:ff9b:1::a.b.c.d for an
 * IPv4 client a.b.c.d. Clients on the host's own loopback are seen as loopback; a client from elsewhere
 * never is. (net/relay_address.h has the table.) UDP clients are remembered for 60 idle seconds, 4096
 * at once a pod, the longest idle one makes room. When the app does not listen, a TCP client is reset
 * at once, and a datagram is dropped.
 *
 * Apps at `close` and `joined` share the pod's one network, so an app port is a port on its loopback.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pod/hole.h"
#include "pod/plan.h"

enum { RELAY_PORTS_MAX = 16384 };

struct relay_socket {
	int fd;
	uint16_t port;          /* on the host */
	uint16_t app_port;
	uint8_t family;         /* AF_INET or AF_INET6 */
};

/* One hole's listening sockets, by family and then by port. */
struct relay_sockets {
	struct relay_socket *v;
	size_t n;
	uint16_t port;          /* the (first) host port: what the kernel picked for port 0 */
	uint16_t app_port, app_port_end;
	uint8_t proto;          /* IPPROTO_TCP or IPPROTO_UDP */
};

/*
 * Binds and listens for one HOLE_IN in the caller's network namespace (the host's). Without addr 127.0.0.1 and
 * ::1, "any" every address of both families; a host without IPv6 gets IPv4 alone. Loopback sockets
 * take only what comes in on lo. Owner: the caller (relay_sockets_close). Ports below the host's
 * ip_unprivileged_port_start need CAP_NET_BIND_SERVICE.
 *
 * ERR_BUSY: a port is taken, with its holder where that can be found out. ERR_POLICY: not allowed to bind it.
 * ERR_NETWORK: the host has no such address. ERR_USAGE: the range is larger than RELAY_PORTS_MAX.
 */
[[nodiscard]] int relay_listen(const struct hole *h, struct relay_sockets *ret, struct err *e);
void relay_sockets_close(struct relay_sockets *s);
#define autosockets [[gnu::cleanup(relay_sockets_close)]] struct relay_sockets

/* Writes "nginx (pid 123)" when a process is found that holds the port on this host, else "". For messages. */
void relay_find_holder(uint8_t family, uint8_t proto, uint16_t port, char *ret, size_t cap);

/* One bound and listening socket of either protocol in the caller's network namespace, or -1 with errno. */
union relay_addr;
[[nodiscard]] int relay_socket_listen(const union relay_addr *addr, uint8_t proto);

struct relay {
	pid_t pid;
	int pidfd;
	int control_fd;         /* SOCK_SEQPACKET, see net/relay_wire.h; closing it ends the relay */
};
#define RELAY_NO_PROCESS { .pidfd = -1, .control_fd = -1 }

struct relay_spawn_request {
	const struct plan *plan;
	int exe_fd;             /* rocket-relay, opened with O_PATH or O_RDONLY */
	int pod_pidfd;          /* a process in the pod's user and network namespaces: its reaper */
	bool on_host;           /* joins nothing: it connects to the host's own loopback, for out:host holes */
	int empty_root_fd;      /* an empty folder of mode 0755, the root of a detached mount: ".." leads nowhere */
	/* A relay of unix sockets: its user in the pod, whom the one who answers sees, and below empty_root_fd the socket. */
	bool has_user;
	uint32_t uid, gid;
};

/*
 * Starts the pod's relay; it jails itself while the caller goes on. It is a child of the caller and dies with
 * the calling thread. Call it on the host with the privilege to setns(2) into the pod's namespaces.
 * No descriptor of the caller but the three that it needs reaches it.
 */
[[nodiscard]] int relay_spawn(const struct relay_spawn_request *r, struct relay *ret, struct err *e);
/* Waits (at most 5 s) until the relay serves, or says why it can't. */
[[nodiscard]] int relay_wait_ready(struct relay *r, struct err *e);

/*
 * Opens a hole: hands its sockets to the relay and closes them here, also on failure. `hole` is the caller's number
 * for it, below 2048, unused. A running pod's connections are not touched. After relay_wait_ready().
 */
[[nodiscard]] int relay_add(struct relay *r, uint32_t hole, struct relay_sockets *s, struct err *e);
/* A listening unix socket, and what the relay connects to for it: "@name", or a path below its root. Closes fd. */
[[nodiscard]] int relay_add_unix(struct relay *r, uint32_t hole, int fd, const char *name, struct err *e);
/* Closes a hole: stops listening, cuts its connections (a reset on both sides), forgets its counts. */
[[nodiscard]] int relay_remove(struct relay *r, uint32_t hole, uint32_t *ret_cut, struct err *e);

struct relay_counts {
	uint64_t accepted;
	uint64_t refused;       /* the app did not listen, or the client claimed to be loopback */
	uint32_t living;        /* connections and UDP sessions now */
};
[[nodiscard]] int relay_count(struct relay *r, uint32_t hole, struct relay_counts *ret, struct err *e);

/* Ends the relay and reaps it. Its connections are reset. */
void relay_end(struct relay *r);
