/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer: which destinations have a route in the pod. Everything else meets the prohibit routes, so that connect()
 * gives EACCES at once and no packet is made.
 *
 *   rule   protocol, destination ports  → a table of its own      one a class: holes with the same protocol and ports share it
 *   route  destination                  → the uplink's gateway    or "throw": on to the next rule
 *
 * Nothing here is the wall: a pod that changes its own routes (cap:NET_ADMIN) only loses its fast refusals.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink.h"
#include "net/uplink_core.h"
#include "net/wall.h"

static const struct out_net everywhere4 = { { AF_INET, {} }, 0 }, everywhere6 = { { AF_INET6, {} }, 0 };

static int commit(struct uplink_core *c, struct netlink_batch *b, const char *what, struct err *e)
{
	int failed = -1, r = netlink_commit(c->pod_route_fd, b, &failed);

	if (r == 0)
		return 0;
	errno = -r;
	return err_errno(e, "can't %s in the pod's network", what);
}

/* ---- classes ---- */

static void add_rule(struct netlink_batch *b, enum netlink_change change, const struct uplink_core *c, uint16_t class,
		     uint8_t family)
{
	const struct uplink_class *k = &c->classes[class];

	netlink_add_rule(b, change,
			 &(struct netlink_rule){
				 .family = family,
				 .priority = NET_OUT_RULE + class,
				 .table = NET_OUT_TABLE + class,
				 .protocol = k->protocol == IPPROTO_ICMP && family == AF_INET6 ? IPPROTO_ICMPV6 : k->protocol,
				 .to_port = k->protocol == IPPROTO_ICMP ? 0 : k->port,
				 .to_port_end = k->port_end,
			 });
	netlink_forgive_family(b);
}

static int class_rules(struct uplink_core *c, uint16_t class, enum netlink_change change, struct err *e)
{
	struct netlink_batch b = {};

	add_rule(&b, change, c, class, AF_INET);
	if (c->has_v6)
		add_rule(&b, change, c, class, AF_INET6);
	return commit(c, &b, "set a rule", e);
}

static int class_take(struct uplink_core *c, const struct out_dest *d, uint16_t *ret, struct err *e)
{
	int free_one = -1, r;

	for (int i = 0; i < NET_OUT_CLASSES; i++) {
		struct uplink_class *k = &c->classes[i];

		if (!k->users) {
			free_one = free_one < 0 ? i : free_one;
			continue;
		}
		if (k->protocol != d->protocol || k->port != d->port || k->port_end != d->port_end ||
		    k->internet != (d->kind == OUT_INTERNET))
			continue;
		k->users++;
		*ret = (uint16_t)i;
		return 0;
	}
	if (free_one < 0) {
		err_new(e, ERR_FAILED, "the pod has out: holes with %d different ports and can't have more",
			(int)NET_OUT_CLASSES);
		return err_try(e, "a range of ports in one hole, or :*");
	}
	c->classes[free_one] = (struct uplink_class){
		.users = 1,
		.protocol = d->protocol,
		.port = d->port,
		.port_end = d->port_end,
		.internet = d->kind == OUT_INTERNET,
	};
	r = class_rules(c, (uint16_t)free_one, NETLINK_CREATE, e);
	if (r < 0)
		c->classes[free_one].users = 0;
	*ret = (uint16_t)free_one;
	return r;
}

static void class_drop(struct uplink_core *c, uint16_t class)
{
	struct err ignored = {};

	if (--c->classes[class].users == 0)
		(void)!class_rules(c, class, NETLINK_DELETE, &ignored);
}

/* ---- routes ---- */

static bool net_equal(const struct out_net *a, const struct out_net *b)
{
	return a->bits == b->bits && a->addr.family == b->addr.family &&
	       memcmp(a->addr.bytes, b->addr.bytes, out_addr_len(&a->addr)) == 0;
}

static struct uplink_route *route_find(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *to)
{
	for (size_t i = 0; i < c->n_routes; i++) {
		struct uplink_route *r = &c->routes[i];

		if (r->class == class && r->type == type && net_equal(&r->to, to))
			return r;
	}
	return NULL;
}

static int route_change(struct uplink_core *c, enum netlink_change change, const struct uplink_route *r, struct err *e)
{
	const struct out_addr *via = r->to.addr.family == AF_INET6 ? &c->out6 : &c->out4;
	const struct out_addr *own = r->to.addr.family == AF_INET6 ? &c->in6 : &c->in4;
	struct netlink_address gateway = { .family = via->family }, source = { .family = own->family };
	struct netlink_route route = {
		.type = r->type,
		.to.family = r->to.addr.family,
		.to_bits = r->to.bits,
		.table = (uint32_t)NET_OUT_TABLE + r->class,
	};
	struct netlink_batch b = {};

	memcpy(gateway.bytes, via->bytes, sizeof(gateway.bytes));
	memcpy(source.bytes, own->bytes, sizeof(source.bytes));
	memcpy(route.to.bytes, r->to.addr.bytes, sizeof(route.to.bytes));
	if (r->type == RTN_UNICAST) {
		route.link = c->in_index;
		route.gateway = &gateway;
		route.source = &source;
		route.onlink = true;
	}
	netlink_add_route(&b, change, &route);
	if (r->to.addr.family == AF_INET6)
		netlink_forgive_family(&b);
	return commit(c, &b, "set a route", e);
}

static int route_take(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *to, struct err *e)
{
	struct uplink_route *known = route_find(c, class, type, to), made = { class, type, 1, *to };
	int r;

	if (to->addr.family == AF_INET6 && !c->has_v6)
		return 0;
	if (known) {
		known->users++;
		return 0;
	}
	if (c->n_routes == UPLINK_ROUTES)
		return err_new(e, ERR_FAILED, "the pod's holes lead to more than %d networks", (int)UPLINK_ROUTES);
	r = route_change(c, NETLINK_CREATE, &made, e);
	if (r == 0)
		c->routes[c->n_routes++] = made;
	return r;
}

static void route_drop(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *to)
{
	struct uplink_route *r = route_find(c, class, type, to);
	struct err ignored = {};

	if (!r || --r->users)
		return;
	(void)!route_change(c, NETLINK_DELETE, r, &ignored);
	*r = c->routes[--c->n_routes];
}

/* ---- a hole's ---- */

typedef int net_fn(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *to, struct err *e);

static int drop_one(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *to, struct err *e)
{
	route_drop(c, class, type, to);
	return 0;
}

static int each_of(struct uplink_core *c, uint16_t class, uint8_t type, const struct out_net *list, size_t n,
		   net_fn *each, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = each(c, class, type, &list[i], e);
	return r;
}

static int each_route(struct uplink_core *c, const struct uplink_hole *h, net_fn *each, struct err *e)
{
	int r = 0;

	switch (h->dest.kind) {
	case OUT_NET:
		return each(c, h->class, RTN_UNICAST, &h->dest.net, e);
	case OUT_LAN:
		return each_of(c, h->class, RTN_UNICAST, out_private, out_private_n, each, e);
	case OUT_INTERNET:
		r = each(c, h->class, RTN_UNICAST, &everywhere4, e);
		if (r == 0)
			r = each(c, h->class, RTN_UNICAST, &everywhere6, e);
		if (r == 0)
			r = each_of(c, h->class, RTN_THROW, out_never, out_never_n, each, e);
		if (r == 0)
			r = each_of(c, h->class, RTN_THROW, out_private, out_private_n, each, e);
		return r;
	default:
		return 0;
	}
}

int uplink_route_open(struct uplink_core *c, struct uplink_hole *h, struct err *e)
{
	int r = class_take(c, &h->dest, &h->class, e);

	if (r < 0)
		return r;
	r = each_route(c, h, route_take, e);
	if (r < 0)
		uplink_route_close(c, h);
	return r;
}

void uplink_route_close(struct uplink_core *c, struct uplink_hole *h)
{
	struct err ignored = {};

	(void)!each_route(c, h, drop_one, &ignored);
	class_drop(c, h->class);
}

static struct out_net net_of(const struct out_addr *a)
{
	return (struct out_net){ *a, (uint8_t)(8 * out_addr_len(a)) };
}

int uplink_route_pin(struct uplink_core *c, struct uplink_hole *h, const struct out_addr *a, struct err *e)
{
	struct out_net net = net_of(a);

	return route_take(c, h->class, RTN_UNICAST, &net, e);
}

void uplink_route_unpin(struct uplink_core *c, struct uplink_hole *h, const struct out_addr *a)
{
	struct out_net net = net_of(a);

	route_drop(c, h->class, RTN_UNICAST, &net);
}
