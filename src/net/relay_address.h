/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address a client of a hole has inside the pod. Pure.
 *
 *   client on the host          app listens on its family      app listens on the other family only
 *   ---------------------       -------------------------      ------------------------------------
 *   loopback                    loopback, any port             loopback of the app's family, any port
 *   IPv4 a.b.c.d:p              a.b.c.d:p                      [64:ff9b:1::a.b.c.d]:p  (RFC 8215)
 *   IPv6 x:p                    [x]:p                          192.0.0.8, any port     (RFC 7600)
 *
 * So a client from elsewhere never looks like loopback, to which many programs grant more. Where port p
 * is taken inside (one client port that uses two holes), any port.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union relay_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The size for bind(2) and connect(2). */
socklen_t relay_addr_len(const union relay_addr *a);
bool relay_addr_is_loopback(const union relay_addr *a);
/* The same host, ports aside. */
bool relay_addr_same_host(const union relay_addr *a, const union relay_addr *b);
uint32_t relay_addr_hash(const union relay_addr *a);
uint16_t relay_addr_port(const union relay_addr *a);
void relay_addr_clear_port(union relay_addr *a);

/* Where the app listens: its loopback of this family. */
void relay_address_app(sa_family_t family, uint16_t port, union relay_addr *ret);
/*
 * Where the inner socket is bound, by the table above. False when it is not to be bound: the kernel then
 * takes loopback and a port.
 */
bool relay_address_source(const union relay_addr *client, sa_family_t family, union relay_addr *ret);
/* A client may claim to be loopback only when it came in on the host's lo (interface 1). */
bool relay_address_is_honest(const union relay_addr *client, uint32_t link);
