/* SPDX-License-Identifier: Apache-2.0 */
/* See relay_address.h: the table there is this file. */
#include "net/relay_address.h"

#include <string.h>

#include "net/wall.h"

socklen_t relay_addr_len(const union relay_addr *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

bool relay_addr_is_loopback(const union relay_addr *a)
{
	const struct in6_addr *v6 = &a->v6.sin6_addr;

	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

bool relay_addr_same_host(const union relay_addr *a, const union relay_addr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0 &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

/* FNV-1a over the host's bytes: the tables are small and bounded, so collisions cost little. */
uint32_t relay_addr_hash(const union relay_addr *a)
{
	bool is_v6 = a->any.sa_family == AF_INET6;
	const uint8_t *bytes = is_v6 ? a->v6.sin6_addr.s6_addr : (const uint8_t *)&a->v4.sin_addr;
	uint32_t h = 2166136261U;

	for (unsigned i = 0; i < (is_v6 ? 16U : 4U); i++)
		h = (h ^ bytes[i]) * 16777619U;
	return h;
}

uint16_t relay_addr_port(const union relay_addr *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void relay_addr_clear_port(union relay_addr *a)
{
	if (a->any.sa_family == AF_INET6)
		a->v6.sin6_port = 0;
	else
		a->v4.sin_port = 0;
}

void relay_address_app(sa_family_t family, uint16_t port, union relay_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		ret->v6.sin6_addr.s6_addr[15] = 1;
		return;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(port);
	ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void source_v4_stand_in(union relay_addr *ret)
{
	enum { DUMMY = 0xc0000008 }; /* 192.0.0.8, the IPv4 dummy address of RFC 7600 */

	ret->v4.sin_family = AF_INET;
	ret->v4.sin_addr.s_addr = htonl(DUMMY);
}

static void source_v6_stand_in(const struct sockaddr_in *client, union relay_addr *ret)
{
	static const uint8_t prefix[6] = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }; /* 64:ff9b:1::/48 */

	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = client->sin_port;
	memcpy(ret->v6.sin6_addr.s6_addr, prefix, sizeof(prefix));
	memcpy(ret->v6.sin6_addr.s6_addr + 12, &client->sin_addr, sizeof(client->sin_addr));
}

bool relay_address_source(const union relay_addr *client, sa_family_t family, union relay_addr *ret)
{
	if (relay_addr_is_loopback(client))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (client->any.sa_family != family) {
		if (family == AF_INET)
			source_v4_stand_in(ret);
		else
			source_v6_stand_in(&client->v4, ret);
		return true;
	}
	*ret = *client;
	if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&client->v6.sin6_addr))
		ret->v6.sin6_scope_id = NET_LO; /* the host's link does not exist in the pod */
	return true;
}

bool relay_address_is_honest(const union relay_addr *client, uint32_t link)
{
	return link == NET_LO || !relay_addr_is_loopback(client);
}
