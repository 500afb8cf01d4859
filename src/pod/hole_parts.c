/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses, ports, destinations and paths of the hole grammar. Numbers are checked against their
 * range, addresses through inet_pton(3), and written back in their one normal spelling. Pure.
 */
#include "pod/hole_parts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/names.h"
#include "pod/paths.h"

static int parse_port(const struct hole_text *t, const char *text, uint32_t least, uint32_t *ret,
		      struct err *e)
{
	uint64_t port;

	if (unit_parse_u64(text, least, 65535, &port))
		return hole_bad(t, e,
				least ? "a port is a number from 1 to 65535"
				      : "a port is a number from 0 to 65535");
	*ret = (uint32_t)port;
	return 0;
}

static int parse_range(const struct hole_text *t, const char *text, uint32_t least,
		       uint32_t *ret_first, uint32_t *ret_last, struct err *e)
{
	const char *dash = strchr(text, '-');
	char first[16] = {};
	uint32_t from = 0, to = 0;
	int rc;

	if (dash && (size_t)(dash - text) >= sizeof(first))
		return hole_bad(t, e, "a port is a number from 1 to 65535");
	if (dash)
		memcpy(first, text, (size_t)(dash - text));
	if ((rc = parse_port(t, dash ? first : text, dash ? 1 : least, &from, e)))
		return rc;
	to = from;
	if (dash && (rc = parse_port(t, dash + 1, 1, &to, e)))
		return rc;
	if (to < from)
		return hole_bad(t, e, "a range of ports goes from the lower to the higher");
	*ret_first = from;
	*ret_last = to;
	return 0;
}

int hole_parse_ports(const struct hole_text *t, const char *text, struct hole *ret, struct err *e)
{
	return parse_range(t, text, 1, &ret->port, &ret->port_end, e);
}

int hole_parse_app_port(const struct hole_text *t, const char *text, struct hole *h, struct err *e)
{
	uint32_t width = h->port_end - h->port, first, last;
	int rc = parse_range(t, text, 1, &first, &last, e);

	if (rc)
		return rc;
	if (strchr(text, '-') && last - first != width)
		return hole_bad(t, e, "the two ranges of ports have different lengths");
	if (first + width > 65535)
		return hole_bad(t, e, "the app's range of ports would end above 65535");
	h->app_port = first;
	return 0;
}

int hole_parse_port_map(const struct hole_text *t, char *text, struct hole *ret, struct err *e)
{
	char *colon = strchr(text, ':');
	int rc;

	if (colon)
		*colon = 0;
	if ((rc = parse_range(t, text, 0, &ret->port, &ret->port_end, e)))
		return rc;
	if (colon)
		return hole_parse_app_port(t, colon + 1, ret, e);
	ret->app_port = ret->port;
	return 0;
}

/* The address in its normal spelling, or NULL. */
static char *normal_ip(struct arena *a, int family, const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char out[INET6_ADDRSTRLEN];

	if (inet_pton(family, text, bytes) != 1 || !inet_ntop(family, bytes, out, sizeof(out)))
		return NULL;
	return arena_strdup(a, out);
}

int hole_parse_addr(struct arena *a, const struct hole_text *t, const char *addr, char **ret,
		    struct err *e)
{
	char *ip;

	if (!strcmp(addr, "any")) {
		*ret = arena_strdup(a, "any");
		return 0;
	}
	ip = normal_ip(a, AF_INET, addr);
	if (!ip)
		ip = normal_ip(a, AF_INET6, addr);
	if (!ip)
		return hole_bad(t, e,
				"the address to listen on is an IPv4 address, an IPv6 address in "
				"[brackets], or any");
	*ret = ip;
	return 0;
}

int hole_take_addr(struct arena *a, const struct hole_text *t, char **inout_rest, struct hole *ret,
		   struct err *e)
{
	char *rest = *inout_rest, *end, *addr;
	size_t n;

	if (*rest == '[') {
		end = strchr(rest, ']');
		if (!end || end[1] != ':' || !memchr(rest, ':', (size_t)(end - rest)))
			return hole_bad(t, e, "an IPv6 address is written [ADDRESS]:PORT");
		addr = arena_strndup(a, rest + 1, (size_t)(end - rest - 1));
		*inout_rest = end + 2;
		return hole_parse_addr(a, t, addr, &ret->addr, e);
	}
	n = strcspn(rest, ":");
	if (strspn(rest, "0123456789-") >= n)
		return 0; /* a port stands first */
	if (!rest[n])
		return hole_bad(t, e,
				"a port is a number; behind an address stands ':' and the port");
	end = rest + n;
	addr = arena_strndup(a, rest, (size_t)(end - rest));
	*inout_rest = end + 1;
	return hole_parse_addr(a, t, addr, &ret->addr, e);
}

/* One DNS name: RFC 1123 labels and '_', at most 253 characters. */
static bool is_dns_name(const char *name)
{
	size_t n = strlen(name), label = 0;

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool dot = name[i] == '.';
		bool edge = dot || label == 0 || name[i + 1] == '.' || name[i + 1] == 0;

		if (dot ? label == 0
			: !isalnum((unsigned char)name[i]) && name[i] != '_' &&
				    (edge || name[i] != '-'))
			return false;
		label = dot ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

/* True when the address has no bit below the prefix. */
static bool prefix_is_clean(const unsigned char *bytes, size_t n, unsigned prefix)
{
	for (size_t i = 0; i < n; i++) {
		unsigned keep = prefix >= 8 * (i + 1) ? 8
				: prefix <= 8 * i     ? 0
						      : prefix - (unsigned)(8 * i);

		if (bytes[i] & (0xffu >> keep))
			return false;
	}
	return true;
}

/* "10.0.0.0/8": address and prefix, no bit of a host in it. */
static int parse_network(struct arena *a, const struct hole_text *t, int family, const char *text,
			 char **ret, struct err *e)
{
	size_t n = family == AF_INET ? 4 : 16;
	const char *slash = strchr(text, '/');
	char *addr = arena_strndup(a, text, slash ? (size_t)(slash - text) : strlen(text));
	unsigned char bytes[16];
	uint64_t prefix = 8 * n;

	if (inet_pton(family, addr, bytes) != 1)
		return hole_bad(t, e,
				"the destination is neither a name nor an IP address nor a network "
				"such as 10.0.0.0/8");
	if (slash && unit_parse_u64(slash + 1, 0, 8 * n, &prefix))
		return hole_bad(
			t, e, "behind the '/' of a network stands the number of its leading bits");
	if (!prefix_is_clean(bytes, n, (unsigned)prefix))
		return hole_bad(t, e,
				"the network's address has bits behind its prefix: is it one "
				"address, without '/'?");
	addr = normal_ip(a, family, addr);
	*ret = slash ? arena_printf(a, "%s/%u", addr, (unsigned)prefix) : addr;
	return 0;
}

static int parse_dest_name(struct arena *a, const struct hole_text *t, const char *text, char **ret,
			   struct err *e)
{
	const char *name = *text == '.' ? text + 1 : text;
	char *lower;

	if (!is_dns_name(name))
		return hole_bad(t, e,
				"the destination is neither a name nor an IP address (IPv6 in "
				"[brackets]) nor a network");
	lower = arena_strdup(a, text);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = lower;
	return 0;
}

int hole_parse_destination(struct arena *a, const struct hole_text *t, const char *text,
			   struct hole *ret, struct err *e)
{
	size_t n = strlen(text);
	int rc;

	if (str_has_prefix(text, "pod/")) {
		if ((rc = name_check(NAME_POD, text + 4, e)))
			return rc;
		ret->name = arena_strdup(a, text);
		return 0;
	}
	if (*text == '[' && n > 2 && text[n - 1] == ']')
		return parse_network(a, t, AF_INET6, arena_strndup(a, text + 1, n - 2), &ret->name,
				     e);
	if (n && strspn(text, "0123456789./") == n && *text != '.')
		return parse_network(a, t, AF_INET, text, &ret->name, e);
	return parse_dest_name(a, t, text, &ret->name, e);
}

int hole_absolute_source(struct arena *a, const struct hole_text *t, char **inout_source,
			 struct err *e)
{
	const char *source = *inout_source;
	char *clean;

	if (!*source)
		return hole_bad(t, e, "the path on the host is empty");
	if (*source != '/' && !t->base_dir)
		return hole_bad(t, e, "the path on the host must be absolute here");
	clean = path_clean(a, t->base_dir, source);
	if (!clean)
		return hole_bad(t, e, "the path on the host is longer than 4095 characters");
	*inout_source = clean;
	return 0;
}

int hole_check_target(const struct hole_text *t, char *target, struct err *e)
{
	const char *because = path_target_refusal(path_cut_slash(target));

	return because ? hole_bad(t, e, because) : 0;
}
