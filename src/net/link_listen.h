/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, from the supervisor's side: the sockets at which a relay listens for who asks. They are made in the asker's
 * network namespace and handed to a rocket-relay in the answerer's (net/relay.h), which connects to its loopback:
 *
 *   asker's network      127.77.0.N:PORT, 127.0.0.1:PORT, [::1]:PORT ─┐ (passed as descriptors)
 *   answerer's network                                                └▶ rocket-relay ─▶ 127.0.0.1 or ::1, TOPORT
 *
 * No bridge, no veth. Who answers sees a client on its own loopback, as it would if the two stood close. The asker's
 * 127.0.0.1 and ::1 are taken where they are free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/relay.h"

struct link_listen {
	int pidfd;              /* a process in the asker's namespaces: its circle's reaper */
	int namespaces;         /* CLONE_NEWNET, and CLONE_NEWUSER where the pod has a user namespace */
	const char *text;       /* the link, for messages */
	uint32_t address;       /* 127.77.0.N in network order; 0: none */
	bool loopback;          /* 127.0.0.1 and ::1, too */
	bool must_loopback;     /* … and a taken port there is an error */
	uint8_t proto;          /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port, app_port;
};
/* ERR_BUSY: someone in the asker's network has the port. Owner: the caller (relay_sockets_close()). */
[[nodiscard]] int link_listen(const struct link_listen *l, struct relay_sockets *ret, struct err *e);

struct link_listen_unix {
	int pidfd;
	int namespaces;         /* 0: the socket is bound by a path of the caller's; nothing is entered */
	const char *text;
	const char *name;       /* "@bus", or a path that the caller can reach */
	uint32_t uid, gid;      /* who listens, as the asker sees it by SO_PEERCRED; ids in the namespaces entered */
	bool keep_groups;       /* an ordinary user alone may not drop his groups */
};
/* A listening SOCK_STREAM socket. */
[[nodiscard]] int link_listen_unix(const struct link_listen_unix *l, int *ret_fd, struct err *e);
