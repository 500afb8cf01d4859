/* SPDX-License-Identifier: Apache-2.0 */
/* See peer.h. */
#include "registry/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	uint32_t net, mask;
	enum peer_kind kind;
} nets[] = {
	{0xa9fe0000, 0xffff0000, PEER_LINK_LOCAL}, /* 169.254/16 */
	{0x00000000, 0xff000000, PEER_PRIVATE},	   /* 0/8: this host */
	{0x7f000000, 0xff000000, PEER_PRIVATE},	   /* 127/8 */
	{0x0a000000, 0xff000000, PEER_PRIVATE},	   /* 10/8 */
	{0xac100000, 0xfff00000, PEER_PRIVATE},	   /* 172.16/12 */
	{0xc0a80000, 0xffff0000, PEER_PRIVATE},	   /* 192.168/16 */
	{0x64400000, 0xffc00000, PEER_PRIVATE},	   /* 100.64/10 */
};

static enum peer_kind kind_of_v4(uint32_t address)
{
	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if ((address & nets[i].mask) == nets[i].net)
			return nets[i].kind;
	return PEER_PUBLIC;
}

static enum peer_kind kind_of_v6(const struct in6_addr *a)
{
	static const struct in6_addr ec2 = {{{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}}};
	uint32_t last;

	memcpy(&last, a->s6_addr + 12, 4);
	if (IN6_IS_ADDR_V4MAPPED(a) || (!memcmp(a->s6_addr, "\0\x64\xff\x9b", 4)))
		return kind_of_v4(ntohl(last));
	if (IN6_IS_ADDR_LINKLOCAL(a) || !memcmp(a, &ec2, sizeof(ec2)))
		return PEER_LINK_LOCAL;
	if (IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a) || (a->s6_addr[0] & 0xfe) == 0xfc)
		return PEER_PRIVATE;
	return PEER_PUBLIC;
}

enum peer_kind peer_kind_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return kind_of_v4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return kind_of_v6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	return PEER_PRIVATE;
}

bool peer_parse(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	ret->ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (ret->ss_family == AF_INET6)
		return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
	return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}
