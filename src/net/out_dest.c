/* SPDX-License-Identifier: Apache-2.0 */
/* See out_dest.h. The lists are IANA's special-purpose registries (RFC 6890 and after), and clouds' metadata. */
#include "net/out_dest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

#define V4(a, b, c, d, n) { { AF_INET, { a, b, c, d } }, n }
#define V6(n, ...) { { AF_INET6, { __VA_ARGS__ } }, n }

const struct out_net out_never[] = {
	V4(0, 0, 0, 0, 8),
	V4(127, 0, 0, 0, 8),
	V4(169, 254, 0, 0, 16),
	V4(100, 100, 100, 200, 32), /* Alibaba's metadata; AWS', Google's and Azure's are link-local */
	V4(192, 0, 0, 0, 24),       /* Oracle's metadata, and protocol assignments */
	V4(168, 63, 129, 16, 32),   /* Azure's host */
	V4(198, 18, 0, 0, 15),      /* uplinks of pods */
	V4(224, 0, 0, 0, 3),        /* multicast, reserved, broadcast */
	V6(8, 0),                   /* ::, ::1, mapped and translated IPv4 */
	V6(10, 0xfe, 0x80),
	V6(8, 0xff),
	V6(128, 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54), /* AWS' metadata */
	V6(128, 0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54), /* Google's */
	V6(48, 0xfd, 0x72, 0x6b, 0x74, 0, 0),                                /* uplinks of pods */
};
const size_t out_never_n = sizeof(out_never) / sizeof(*out_never);

const struct out_net out_private[] = {
	V4(10, 0, 0, 0, 8),
	V4(172, 16, 0, 0, 12),
	V4(192, 168, 0, 0, 16),
	V4(100, 64, 0, 0, 10),
	V6(7, 0xfc),
	V6(10, 0xfe, 0xc0),
};
const size_t out_private_n = sizeof(out_private) / sizeof(*out_private);

size_t out_addr_len(const struct out_addr *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

bool out_net_holds(const struct out_net *n, const struct out_addr *a)
{
	size_t whole = n->bits / 8;
	uint8_t mask = (uint8_t)(0xff00u >> (n->bits % 8));

	if (n->addr.family != a->family || memcmp(n->addr.bytes, a->bytes, whole) != 0)
		return false;
	return n->bits % 8 == 0 || ((n->addr.bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

static bool list_holds(const struct out_net *list, size_t n, const struct out_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (out_net_holds(&list[i], a))
			return true;
	return false;
}

bool out_is_never(const struct out_addr *a)
{
	return list_holds(out_never, out_never_n, a);
}

bool out_is_private(const struct out_addr *a)
{
	return list_holds(out_private, out_private_n, a);
}

static bool parse_net(const char *text, struct out_net *ret)
{
	char addr[INET6_ADDRSTRLEN + 1] = "";
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	ret->addr.family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ret->addr.family, addr, ret->addr.bytes) != 1)
		return false;
	ret->bits = slash ? (uint8_t)strtoul(slash + 1, NULL, 10) : (uint8_t)(8 * out_addr_len(&ret->addr));
	return true;
}

static const uint8_t protocols[] = {
	[HOLE_TCP] = IPPROTO_TCP, [HOLE_UDP] = IPPROTO_UDP, [HOLE_ICMP] = IPPROTO_ICMP,
};

void out_dest_of(const struct hole *h, struct out_dest *ret)
{
	struct out_dest d = { .protocol = protocols[h->proto], .name = h->name };

	if (!h->any_port) {
		d.port = (uint16_t)h->port;
		d.port_end = (uint16_t)h->port_end;
	}
	if (str_equal(h->name, "internet") || str_equal(h->name, "lan")) {
		d.kind = *h->name == 'i' ? OUT_INTERNET : OUT_LAN;
		/* "every public address" is of every protocol, unless one is named. */
		if (h->proto == HOLE_TCP)
			d.protocol = 0;
	} else if (str_equal(h->name, "host")) {
		d.kind = OUT_HOST;
	} else if (str_has_prefix(h->name, "pod/")) {
		d.kind = OUT_POD;
		d.name = h->name + 4;
	} else if (parse_net(h->name, &d.net)) {
		d.kind = OUT_NET;
	} else {
		d.kind = OUT_NAME;
		d.suffix = *h->name == '.';
		d.name = h->name + d.suffix;
	}
	*ret = d;
}

static bool is_single(const struct out_net *n)
{
	return n->bits == 8 * out_addr_len(&n->addr);
}

bool out_dest_holds(const struct out_dest *d, const struct out_addr *a)
{
	switch (d->kind) {
	case OUT_NET:
		return out_net_holds(&d->net, a) && (is_single(&d->net) || !out_is_never(a));
	case OUT_INTERNET:
		return !out_is_never(a) && !out_is_private(a);
	case OUT_LAN:
		return !out_is_never(a) && out_is_private(a);
	default:
		return false;
	}
}

bool out_dest_takes(const struct out_dest *d, uint8_t protocol, uint16_t port)
{
	if (protocol == IPPROTO_ICMPV6)
		protocol = IPPROTO_ICMP;
	if (d->protocol && d->protocol != protocol)
		return false;
	return !d->port || protocol == IPPROTO_ICMP || (port >= d->port && port <= d->port_end);
}

bool out_dest_names(const struct out_dest *d, const char *name)
{
	size_t n = strlen(name), own;

	if (d->kind != OUT_NAME)
		return false;
	own = strlen(d->name);
	if (!d->suffix)
		return str_equal(name, d->name);
	return n > own + 1 && name[n - own - 1] == '.' && str_equal(name + n - own, d->name);
}
