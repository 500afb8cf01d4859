/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the relay becomes nothing but a relay: it starts as its supervisor's equal and gives up everything
 * before it sees the first byte from outside.
 *
 *   join      the pod's user and network namespaces, by the pidfd of a process in them
 *   sysctl    tcp_fwmark_accept=1 and fwmark_reflect=1 in that network
 *   routes    marked packets are local there (relay_inner.c says why)
 *   root      an empty folder; nothing can be opened in it, nor can a file be opened at all (filter)
 *   ids       a user and a group of the pod's own range
 *   caps      NET_ADMIN and NET_RAW of the pod's user namespace, for SO_MARK, IP_TRANSPARENT and routes
 *   filter    a list of about thirty system calls; anything else kills
 */
#pragma once

#include <stdint.h>

#include "net/relay_wire.h"

struct relay_jail {
	int pod_fd;            /* pidfd of a process in the pod's namespaces */
	int namespaces;        /* which of CLONE_NEWUSER | CLONE_NEWNET to join */
	int root_fd;           /* an empty folder */
	uint32_t uid, gid;     /* in the pod's user namespace */
};

/*
 * All steps. Runs in the relay, once. On success 0, and *ret_netlink_fd is a route socket in the pod's
 * network. On failure -errno and *ret_stage.
 */
[[nodiscard]] int relay_jail_enter(const struct relay_jail *j, int *ret_netlink_fd, enum relay_stage *ret_stage);
/* The last step, apart: the tables must be reserved before. */
[[nodiscard]] int relay_jail_filter(void);
