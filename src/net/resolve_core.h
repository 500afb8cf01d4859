/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver process: its parts and its table of questions. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "net/resolve_wire.h"

enum { RESOLVE_NAMES_MAX = 1024, RESOLVE_PENDING = 64, RESOLVE_SERVERS = 3, RESOLVE_SOCKETS = 4 };

/* One socket of an upstream server; connected, so that the kernel drops what others send. */
struct resolve_server {
	int fd[RESOLVE_SOCKETS];
};

enum resolve_state { RESOLVE_FREE, RESOLVE_ASKED, RESOLVE_PINNING };

struct resolve_pending {
	enum resolve_state state;
	struct sockaddr_in client;
	struct dns_question question;
	struct dns_answer answer; /* while PINNING */
	uint16_t id;            /* on the wire outside */
	uint8_t server, socket, tries;
	uint32_t number;        /* on the wire to the uplink */
	int64_t deadline_ns;
};

struct resolve_core {
	int control_fd;
	int listen_fd;
	struct resolve_server servers[RESOLVE_SERVERS];
	size_t n_servers;
	struct {
		char name[DNS_NAME_MAX];
		bool suffix;
	} names[RESOLVE_NAMES_MAX];
	size_t n_names;
	struct resolve_pending pending[RESOLVE_PENDING];
	uint32_t numbers;
};

/* Opens the sockets to the host's name servers (resolv.conf(5), or `servers`, separated by ','). On the host. */
[[nodiscard]] int resolve_servers_open(struct resolve_core *c, const char *servers);
/* Into the pod, listening there, and without anything else. 0 or -errno. */
[[nodiscard]] int resolve_jail_enter(struct resolve_core *c, int pod_fd, int root_fd, uint32_t id, int namespaces);
/* Serves until the uplink's end closes. */
void resolve_core_run(struct resolve_core *c);
