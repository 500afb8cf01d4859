/* SPDX-License-Identifier: Apache-2.0 */
/* Which address a client of a hole has inside the pod: the table of net/relay_address.h, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/relay_address.h"
#include "net/wall.h"

static union relay_addr addr(const char *text, uint16_t port)
{
	union relay_addr a = {};

	if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		return a;
	}
	assert_int_equal(inet_pton(AF_INET, text, &a.v4.sin_addr), 1);
	a.v4.sin_family = AF_INET;
	a.v4.sin_port = htons(port);
	return a;
}

struct row {
	const char *client;
	sa_family_t inside;
	const char *source;     /* NULL: not bound */
	uint16_t port;
};

static const struct row rows[] = {
	{ "127.0.0.1", AF_INET, NULL, 0 },
	{ "127.9.9.9", AF_INET, NULL, 0 },
	{ "127.0.0.1", AF_INET6, NULL, 0 },
	{ "::1", AF_INET6, NULL, 0 },
	{ "::1", AF_INET, NULL, 0 },
	{ "::ffff:127.0.0.1", AF_INET6, NULL, 0 },
	{ "192.0.2.7", AF_INET, "192.0.2.7", 4321 },
	{ "192.0.2.7", AF_INET6, "64:ff9b:1::c000:207", 4321 },
	{ "128.0.0.1", AF_INET, "128.0.0.1", 4321 },
	{ "2001:db8::7", AF_INET6, "2001:db8::7", 4321 },
	{ "2001:db8::7", AF_INET, "192.0.0.8", 0 },
	{ "fe80::7", AF_INET6, "fe80::7", 4321 },
};

static void sources_are_the_tables(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union relay_addr client = addr(rows[i].client, 4321), source, expected;
		bool bound = relay_address_source(&client, rows[i].inside, &source);

		assert_int_equal(bound, rows[i].source != NULL);
		if (!bound)
			continue;
		expected = addr(rows[i].source, rows[i].port);
		expected.v6.sin6_scope_id = strncmp(rows[i].source, "fe80", 4) ? expected.v6.sin6_scope_id : NET_LO;
		assert_true(relay_addr_same_host(&source, &expected));
		assert_int_equal(relay_addr_port(&source), rows[i].port);
		assert_false(relay_addr_is_loopback(&source));
	}
}

static void only_lo_may_claim_loopback(void **state)
{
	union relay_addr near = addr("127.0.0.1", 1), near6 = addr("::1", 1), far = addr("192.0.2.1", 1);

	assert_true(relay_address_is_honest(&near, NET_LO));
	assert_true(relay_address_is_honest(&near6, NET_LO));
	assert_true(relay_address_is_honest(&far, NET_LO));
	assert_true(relay_address_is_honest(&far, 5));
	assert_false(relay_address_is_honest(&near, 5));
	assert_false(relay_address_is_honest(&near6, 5));
	assert_false(relay_address_is_honest(&near, 0));
}

static void app_is_loopback(void **state)
{
	union relay_addr a;

	relay_address_app(AF_INET, 80, &a);
	assert_true(relay_addr_is_loopback(&a));
	assert_int_equal(relay_addr_port(&a), 80);
	assert_int_equal(relay_addr_len(&a), sizeof(struct sockaddr_in));
	relay_address_app(AF_INET6, 65535, &a);
	assert_true(relay_addr_is_loopback(&a));
	assert_int_equal(relay_addr_port(&a), 65535);
	assert_int_equal(relay_addr_len(&a), sizeof(struct sockaddr_in6));
	relay_addr_clear_port(&a);
	assert_int_equal(relay_addr_port(&a), 0);
}

static void hosts_are_told_apart(void **state)
{
	union relay_addr a = addr("192.0.2.1", 1), b = addr("192.0.2.1", 2), c = addr("192.0.2.2", 1);
	union relay_addr d = addr("fe80::1", 1), f = d;

	assert_true(relay_addr_same_host(&a, &b));
	assert_int_equal(relay_addr_hash(&a), relay_addr_hash(&b));
	assert_false(relay_addr_same_host(&a, &c));
	assert_false(relay_addr_same_host(&a, &d));
	f.v6.sin6_scope_id = 3;
	assert_false(relay_addr_same_host(&d, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_the_tables),
		cmocka_unit_test(only_lo_may_claim_loopback),
		cmocka_unit_test(app_is_loopback),
		cmocka_unit_test(hosts_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
