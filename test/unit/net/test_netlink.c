/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages byte by byte, what the kernel makes of them, and batches that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/netlink.h"

static const struct nlmsghdr *message(const struct netlink_batch *b, unsigned n)
{
	const uint8_t *at = b->bytes;

	while (n--)
		at += NLMSG_ALIGN(((const struct nlmsghdr *)(const void *)at)->nlmsg_len);
	return (const void *)at;
}

static void route_is_laid_out(void **state)
{
	static const uint8_t expected_attrs[] = {
		8, 0, RTA_TABLE, 0, 0x62, 0x1c, 0, 0,       /* 7266 */
		8, 0, RTA_DST, 0, 192, 0, 2, 7,
		8, 0, RTA_OIF, 0, 1, 0, 0, 0,
		8, 0, RTA_PREFSRC, 0, 127, 0, 0, 1,
	};
	const struct netlink_address source = { AF_INET, { 127, 0, 0, 1 } };
	const struct netlink_route r = {
		.type = RTN_LOCAL,
		.to = { AF_INET, { 192, 0, 2, 7 } },
		.to_bits = 32,
		.table = 7266,
		.link = 1,
		.source = &source,
	};
	struct netlink_batch b = {};
	const struct nlmsghdr *h;
	const struct rtmsg *m;

	netlink_add_route(&b, NETLINK_CREATE, &r);
	h = message(&b, 0);
	m = NLMSG_DATA(h);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.len, h->nlmsg_len);
	assert_int_equal(h->nlmsg_len, NLMSG_LENGTH(sizeof(*m)) + sizeof(expected_attrs));
	assert_int_equal(h->nlmsg_type, RTM_NEWROUTE);
	assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(m->rtm_dst_len, 32);
	assert_int_equal(m->rtm_scope, RT_SCOPE_HOST);
	assert_memory_equal(m + 1, expected_attrs, sizeof(expected_attrs));
}

static void deleting_is_one_type_further(void **state)
{
	const struct netlink_rule r = { .family = AF_INET6, .priority = 101, .table = 100, .mark = 7 };
	struct netlink_batch b = {};

	netlink_add_rule(&b, NETLINK_DELETE, &r);
	netlink_add_rule(&b, NETLINK_CREATE, &r);
	assert_int_equal(message(&b, 0)->nlmsg_type, RTM_DELRULE);
	assert_int_equal(message(&b, 0)->nlmsg_flags, NLM_F_REQUEST);
	assert_int_equal(message(&b, 1)->nlmsg_type, RTM_NEWRULE);
	assert_int_equal(message(&b, 1)->nlmsg_seq, 2);
	assert_int_equal(b.deletes, 1);
}

static void too_much_is_refused_whole(void **state)
{
	struct netlink_batch b = {};
	int failed = 7;

	for (int i = 0; i < 200; i++)
		netlink_add_link_up(&b, 1);
	assert_true(b.full);
	assert_true(b.len <= sizeof(b.bytes));
	assert_int_equal(netlink_commit(-1, &b, &failed), -ENOBUFS);
	assert_int_equal(failed, -1);
	assert_false(b.full);
	assert_int_equal(b.n, 0);
}

static void an_empty_batch_is_done(void **state)
{
	struct netlink_batch b = {};
	int failed = 7;

	assert_int_equal(netlink_commit(-1, &b, &failed), 0);
	assert_int_equal(failed, 7);
}

static bool link_is_up(const char *name)
{
	struct ifreq q = {};
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", name);
	return s >= 0 && ioctl(s, SIOCGIFFLAGS, &q) == 0 && (q.ifr_flags & IFF_UP);
}

static int connect_errno(const char *text, int family)
{
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (void *)&a;
	struct sockaddr_in6 *v6 = (void *)&a;
	autoclose int s = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return errno;
	inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr);
	v4->sin_port = htons(9); /* the same place in both */
	return connect(s, (struct sockaddr *)&a, family == AF_INET ? sizeof(*v4) : sizeof(*v6)) < 0 ? errno : 0;
}

/* lo up and a veth pair, links 5 and 6; skips where the kernel has none. */
static int make_links(void)
{
	const struct netlink_veth_end one = { "one", -1, 5 }, two = { "two", -1, 6 };
	struct netlink_batch b = {};
	int failed, r, fd;

	if (unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: no network namespace of our own (needs root)\n");
		skip();
	}
	fd = netlink_open();
	assert_true(fd >= 0);
	netlink_add_link_up(&b, 1);
	netlink_add_veth(&b, &one, &two);
	r = netlink_commit(fd, &b, &failed);
	if (r == -EOPNOTSUPP) {
		print_message("skipped: this kernel has no veth\n");
		close(fd);
		skip();
	}
	assert_int_equal(r, 0);
	return fd;
}

static void kernel_takes_it(void **state)
{
	const struct netlink_address here = { AF_INET, { 10, 1, 0, 1 } }, here6 = { AF_INET6, { 0xfd, [15] = 1 } };
	const struct netlink_address gate = { AF_INET, { 10, 1, 0, 2 } };
	const struct netlink_route out = {
		.type = RTN_UNICAST, .to.family = AF_INET, .table = RT_TABLE_MAIN, .link = 5, .gateway = &gate
	};
	struct netlink_batch b = {};
	int failed = -1;
	autoclose int fd = make_links();

	netlink_add_link_up(&b, 5);
	netlink_add_link_up(&b, 6);
	netlink_add_address(&b, NETLINK_CREATE, 5, &here, 24);
	netlink_add_address(&b, NETLINK_CREATE, 5, &here6, 64);
	netlink_forgive_family(&b); /* a kernel without IPv6 */
	netlink_add_route(&b, NETLINK_CREATE, &out);
	assert_int_equal(netlink_commit(fd, &b, &failed), 0);
	assert_true(link_is_up("lo"));
	assert_true(link_is_up("one"));
	assert_int_equal(connect_errno("192.0.2.1", AF_INET), 0);
	if (connect_errno("::1", AF_INET6) != EAFNOSUPPORT)
		assert_int_equal(connect_errno("fd00::9", AF_INET6), 0);

	/* What is so already is no failure; what can't be names its place. */
	netlink_add_address(&b, NETLINK_CREATE, 5, &here, 24);
	netlink_add_route(&b, NETLINK_CREATE, &out);
	assert_int_equal(netlink_commit(fd, &b, &failed), 0);
	netlink_add_route(&b, NETLINK_DELETE, &out);
	netlink_add_route(&b, NETLINK_DELETE, &out);
	assert_int_equal(netlink_commit(fd, &b, &failed), 0);
	assert_int_equal(connect_errno("192.0.2.1", AF_INET), ENETUNREACH);
	netlink_add_link_up(&b, 5);
	netlink_add_link_up(&b, 99);
	netlink_add_link_up(&b, 6);
	assert_int_equal(netlink_commit(fd, &b, &failed), -ENODEV);
	assert_int_equal(failed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_is_laid_out),
		cmocka_unit_test(deleting_is_one_type_further),
		cmocka_unit_test(too_much_is_refused_whole),
		cmocka_unit_test(an_empty_batch_is_done),
		cmocka_unit_test(kernel_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
