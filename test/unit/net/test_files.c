/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts, hostname and resolv.conf of an app, from the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/files.h"

static char *words(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void hosts_name_the_pod_and_its_near_apps(void **state)
{
	struct plan_app apps[] = {
		{ .name = words("web"), .distance = DISTANCE_CLOSE },
		{ .name = words("far"), .distance = DISTANCE_APART },
		{ .name = words("shop"), .distance = DISTANCE_JOINED },
	};
	char *extra[] = { words("192.0.2.1 db.example.com db"), NULL };
	struct plan p = { .hostname = words("shop"), .hosts = extra, .apps = { apps, 3 } };
	autostr out = {};

	files_add_hosts(&out, &p, &apps[0]);
	assert_string_equal(str_text(&out), "127.0.0.1\tlocalhost\n"
					    "::1\tlocalhost ip6-localhost ip6-loopback\n"
					    "127.0.0.1\tshop\n"
					    "127.0.0.1\tweb\n"
					    "192.0.2.1 db.example.com db\n");
}

static void hostname_is_a_line(void **state)
{
	struct plan p = { .hostname = words("shop") }, none = {};
	struct plan_app close = {}, apart = { .hostname = words("web") };
	autostr out = {};

	files_add_hostname(&out, &p, &close);
	files_add_hostname(&out, &none, &close);
	files_add_hostname(&out, &p, &apart);
	assert_string_equal(str_text(&out), "shop\nlocalhost\nweb\n");
}

static void resolv_says_why_there_is_nothing(void **state)
{
	struct plan p = {};
	autostr out = {};

	files_add_resolv(&out, &p);
	assert_int_equal(str_text(&out)[0], '#');
}

static void resolv_lists_servers_and_search(void **state)
{
	char *dns[] = { words("192.0.2.53"), words("2001:db8::53"), NULL };
	char *search[] = { words("example.com"), words("example.org"), NULL };
	struct plan p = { .dns = dns, .dns_search = search };
	autostr out = {};

	files_add_resolv(&out, &p);
	assert_string_equal(str_text(&out), "nameserver 192.0.2.53\nnameserver 2001:db8::53\n"
					    "search example.com example.org\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_name_the_pod_and_its_near_apps),
		cmocka_unit_test(hostname_is_a_line),
		cmocka_unit_test(resolv_says_why_there_is_nothing),
		cmocka_unit_test(resolv_lists_servers_and_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
