/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of place an address is: of everybody, of our own network, or of this link alone. Pure. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

enum peer_kind {
	PEER_PUBLIC,
	PEER_PRIVATE,    /* this host and private networks: RFC 1918, 4193, 6598 */
	PEER_LINK_LOCAL, /* where clouds have their metadata: RFC 3927, fe80::/10, fd00:ec2::254 */
};

enum peer_kind peer_kind_of(const struct sockaddr *address);
/* An address as text. */
bool peer_parse(const char *text, struct sockaddr_storage *ret);
