/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host, a pod and a far machine, as network namespaces of the test's own:
 *
 *   far 10.9.0.2, fd09::2 ──veth── host 10.9.0.1, fd09::1     pod: user and network namespace of its own,
 *   fe80::9:2                      fe80::9:1 (the test's own)   set up by net_setup_pod(), with a server
 *
 * The server inside listens on the ports of struct stand_server; over TCP it greets with "ADDRESS PORT\n" of
 * its peer and echoes until the end of file, over UDP it answers "ADDRESS PORT PAYLOAD". All goes with the
 * test process.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/relay.h"

enum stand_listen { STAND_DUAL, STAND_V4, STAND_V6 };

struct stand_server {
	uint16_t port;
	bool udp;
	enum stand_listen on;
};

struct stand {
	int host_netns, far_netns;
	bool has_far;           /* false: this kernel has no veth, there is no far machine */
	bool has_v6;            /* false: no IPv6; what would listen on both families listens on IPv4 */
	pid_t pod_pid;
	int pod_pidfd;
	int ask_fd;             /* requests to the server's process */
	int exe_fd, empty_fd;
	struct plan plan;
};

/* NULL, or why this machine can't (for a skip that says why). Enters the host namespace for good. */
const char *stand_build(struct stand *s, const struct stand_server *servers, size_t n);
void stand_free(struct stand *s);

/* What connect() to an address outside gives inside the pod: errno, 0 when it went through. */
int stand_pod_connect(struct stand *s, const char *addr, uint16_t port);

/* A socket whose home is the host's (or the far machine's) network. */
int stand_socket(struct stand *s, bool far, int family, int type);
void stand_address(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len);
/* Connects from the host or from far; the descriptor or -errno. Times out after 5 s. */
int stand_connect(struct stand *s, bool far, const char *addr, uint16_t port, int type);
/* Reads until a newline or the end; 0-terminated. The length or -errno. */
ssize_t stand_read_line(int fd, char *line, size_t cap);
