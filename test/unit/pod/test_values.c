/* SPDX-License-Identifier: Apache-2.0 */
/* Small vocabularies: capabilities, signals, limits, sysctls, modes, time zones, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/caps.h"
#include "pod/limits.h"
#include "pod/paths.h"
#include "pod/signals.h"
#include "pod/zone.h"

#define BIT(n) (UINT64_C(1) << (n))

static void capabilities_have_names(void **state)
{
	struct err e = {};
	uint64_t set = 0;

	assert_int_equal(__builtin_popcountll(caps_default), 14);
	assert_int_equal(caps_parse("cap_net_admin", &set, &e), 0);
	assert_int_equal(set, BIT(CAP_NET_ADMIN));
	assert_int_equal(caps_parse("CHECKPOINT_RESTORE", &set, &e), 0);
	assert_int_equal(set, BIT(CAP_CHECKPOINT_RESTORE));
	assert_int_equal(caps_parse("All", &set, &e), 0);
	assert_int_equal(set, caps_all);
	for (unsigned n = 0; n <= CAP_LAST_CAP; n++) {
		assert_int_equal(caps_parse(caps_name(n), &set, &e), 0);
		assert_int_equal(set, BIT(n));
	}
	assert_null(caps_name(CAP_LAST_CAP + 1));
}

static void unknown_capabilities_name_the_nearest(void **state)
{
	static const char *const bad[] = {"", "NET", "CAP_", "NET_ADMIN ", "NET_ADMINISTRATOR_OF_EVERYTHING_THERE_IS", "41"};
	struct err e = {};
	uint64_t set = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(caps_parse(bad[i], &set, &e), -ERR_USAGE);
	assert_int_equal(caps_parse("NET_ADMNI", &set, &e), -ERR_USAGE);
	assert_non_null(strstr(e.hint, "NET_ADMIN"));
	assert_int_equal(set, 7);
}

static void some_capabilities_are_the_hosts(void **state)
{
	const char *instead;

	assert_int_equal(caps_host_only(BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE), &instead), 0);
	assert_null(instead);
	assert_int_equal(caps_host_only(BIT(CAP_SYS_TIME) | BIT(CAP_CHOWN), NULL), BIT(CAP_SYS_TIME));
	assert_int_equal(caps_host_only(BIT(CAP_MKNOD), &instead), BIT(CAP_MKNOD));
	assert_non_null(strstr(instead, "dev:"));
	assert_int_equal(caps_host_only(BIT(CAP_IPC_LOCK), &instead), BIT(CAP_IPC_LOCK));
	assert_non_null(strstr(instead, "memlock"));
}

static void signals_have_names(void **state)
{
	static const struct {
		const char *text;
		uint32_t number;
		const char *name;
	} cases[] = {
		{"TERM", 15, "TERM"},      {"SIGTERM", 15, "TERM"}, {"term", 15, "TERM"},      {"15", 15, "TERM"},
		{"SIGRTMIN+3", 37, "RTMIN+3"}, {"RTMIN", 34, "RTMIN"}, {"RTMAX-2", 62, "RTMIN+28"}, {"RTMAX", 64, "RTMIN+30"},
		{"64", 64, "RTMIN+30"},    {"32", 32, "32"},        {"WINCH", 28, "WINCH"},
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {};
		uint32_t number = 0;

		assert_int_equal(signal_parse(cases[i].text, &number, &e), 0);
		assert_int_equal(number, cases[i].number);
		assert_string_equal(signal_format(&a, number), cases[i].name);
	}
}

static void what_is_no_signal_is_refused(void **state)
{
	static const char *const bad[] = {"", "0", "65", "-9", "SIG", "TERMX", "RTMIN-1", "RTMIN+31", "RTMAX+1", "9 ", "KIL"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = {};
		uint32_t number = 99;

		assert_int_equal(signal_parse(bad[i], &number, &e), -ERR_USAGE);
		assert_int_equal(number, 99);
		assert_true(e.hint[0]);
	}
}

static void limits_have_ranges(void **state)
{
	static const struct plan_limits good[] = {
		{}, {.memory_bytes = 1 << 20}, {.memory_bytes = 2 << 20, .memory_request_bytes = 2 << 20},
		{.memory_bytes = 1 << 20, .swap_unlimited = true}, {.cpus_milli = 500}, {.cpu_shares = 2},
		{.cpu_shares = 262144}, {.pids = 1}, {.io_weight = 10000}, {.cpuset = (char *)"0-1,3,5-8191"},
	};
	static const struct plan_limits bad[] = {
		{.memory_bytes = 1000}, {.memory_bytes = UINT64_MAX}, {.memory_bytes = 1 << 20, .memory_request_bytes = 2 << 20},
		{.swap_bytes = 1 << 20}, {.swap_unlimited = true}, {.cpus_milli = 9}, {.cpu_shares = 1}, {.cpu_shares = 262145},
		{.pids = 4194305}, {.io_weight = 10001}, {.cpuset = (char *)"1-4294967295"}, {.cpuset = (char *)"3-1"},
		{.cpuset = (char *)""}, {.cpuset = (char *)"0,"}, {.cpuset = (char *)"0 1"}, {.cpuset = (char *)"0-1-2"},
		{.cpuset = (char *)"99999"}, {.cpuset = (char *)"-1"},
	};
	struct err e = {};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (limits_check(&good[i], &e))
			fail_msg("good limits %zu: %s", i, e.what);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (limits_check(&bad[i], &e) != -ERR_USAGE)
			fail_msg("bad limits %zu were taken", i);
}

static void rlimits_are_read(void **state)
{
	static const char *const bad[][2] = {
		{"nofile", ""},      {"nofile", "x"},      {"nofile", "2:1"}, {"nofile", "1:"}, {"nofile", ":1"},
		{"nofile", "1:2:3"}, {"nofiles", "1"},     {"", "1"},         {"nofile", "unlimited:1"},
		{"nofile", "99999999999999999999"},
	};
	autoarena a = {};
	struct plan_rlimit r = {};
	struct err e = {};

	assert_int_equal(limits_parse_rlimit(&a, "RLIMIT_NOFILE", "1024:4096", &r, &e), 0);
	assert_string_equal(r.name, "nofile");
	assert_int_equal(r.soft, 1024);
	assert_int_equal(r.hard, 4096);
	assert_int_equal(limits_parse_rlimit(&a, "core", "unlimited", &r, &e), 0);
	assert_int_equal(r.soft, UINT64_MAX);
	assert_int_equal(limits_parse_rlimit(&a, "memlock", "64Ki:-1", &r, &e), 0);
	assert_int_equal(r.soft, 65536);
	assert_int_equal(r.hard, UINT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (limits_parse_rlimit(&a, bad[i][0], bad[i][1], &r, &e) != -ERR_USAGE)
			fail_msg("rlimit %s=%s was taken", bad[i][0], bad[i][1]);
}

static void only_the_pods_own_sysctls_are_taken(void **state)
{
	static const char *const good[][2] = {
		{"net.core.somaxconn", "1024"}, {"net.ipv4.tcp_rmem", "4096 87380 6291456"}, {"kernel.shmmax", "1"},
		{"kernel.shm_rmid_forced", "1"}, {"fs.mqueue.msg_max", "10"}, {"net.ipv4.tcp_congestion_control", "bbr"},
	};
	static const char *const bad[][2] = {
		{"kernel.core_pattern", "x"},      {"vm.overcommit_memory", "1"},    {"kernel.hostname", "x"},
		{"net.", "1"},                     {"net", "1"},                     {"net..x", "1"},
		{"net/../kernel/core_pattern", "1"}, {"net.core.x.", "1"},           {"net.core/somaxconn", "1"},
		{"net.core.x\n", "1"},             {"kernel.shm_rmid_forced", "1+kernel.core_pattern=|/x"},
		{"net.core.somaxconn", ""},        {"net.core.somaxconn", "1\n2"},   {"net.core.somaxconn", "|/x"},
		{"", "1"},                         {"kernel.sem ", "1"},
	};
	struct err e = {};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(limits_check_sysctl(good[i][0], good[i][1], &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (limits_check_sysctl(bad[i][0], bad[i][1], &e) != -ERR_USAGE)
			fail_msg("the sysctl %s=%s was taken", bad[i][0], bad[i][1]);
}

static void modes_are_octal(void **state)
{
	static const char *const bad[] = {"", "8", "0888", "77777", "0x1ff", "-755", "10000", "75"};
	uint32_t mode = 0;

	assert_int_equal(limits_parse_mode("0750", &mode), 0);
	assert_int_equal(mode, 0750);
	assert_int_equal(limits_parse_mode("1777", &mode), 0);
	assert_int_equal(mode, 01777);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(limits_parse_mode(bad[i], &mode), -1);
}

static char *rule_of(struct arena *a, const char *footer, size_t n)
{
	char bytes[300] = "TZif2";

	memset(bytes + 5, 'x', 45);
	memcpy(bytes + 50, footer, n);
	return zone_rule(a, bytes, 50 + n);
}

static void zone_files_end_in_a_rule(void **state)
{
	static const char *const bad[] = {"", "/etc", "a//b", "../x", "a/", "Europe/Berlin\n", "x y", "."};
	autoarena a = {};
	char many[200];

	assert_string_equal(rule_of(&a, "\nUTC0\n", 6), "UTC0");
	assert_string_equal(rule_of(&a, "\n<+0330>-3:30\n", 14), "<+0330>-3:30");
	assert_null(rule_of(&a, "\n\n", 2));
	assert_null(rule_of(&a, "\nUTC0", 5));
	assert_null(rule_of(&a, "UTC0\n", 5));
	assert_null(rule_of(&a, "\nUT\0C0\n", 7));
	assert_null(rule_of(&a, "\nA=B C\n", 7));
	memset(many, 'A', sizeof(many));
	many[0] = many[199] = '\n';
	assert_null(rule_of(&a, many, sizeof(many)));
	assert_null(zone_rule(&a, "TZif2", 5));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(zone_name_is_good(bad[i]));
	assert_true(zone_name_is_good("Etc/GMT+5"));
}

static void paths_are_cleaned_as_words(void **state)
{
	static const char *const cases[][3] = {
		{NULL, "/", "/"},          {NULL, "/a/b/", "/a/b"},   {NULL, "//a//./b/../c", "/a/c"}, {NULL, "/../..", "/"},
		{"/base", "x", "/base/x"}, {"/base", "../x", "/x"},   {"/base", "/x", "/x"},           {"/", "x", "/x"},
		{NULL, "x", "/x"},         {"/b", "", "/b"},          {NULL, "/a/...", "/a/..."},      {"/b", "../../../..", "/"},
	};
	autoarena a = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(path_clean(&a, cases[i][0], cases[i][1]), cases[i][2]);
	assert_null(path_target_refusal("/data"));
	assert_null(path_target_refusal("/development"));
	assert_non_null(path_target_refusal("/dev"));
	assert_non_null(path_target_refusal("/"));
	assert_non_null(path_target_refusal("data"));
	assert_non_null(path_target_refusal(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_have_names),
		cmocka_unit_test(unknown_capabilities_name_the_nearest),
		cmocka_unit_test(some_capabilities_are_the_hosts),
		cmocka_unit_test(signals_have_names),
		cmocka_unit_test(what_is_no_signal_is_refused),
		cmocka_unit_test(limits_have_ranges),
		cmocka_unit_test(rlimits_are_read),
		cmocka_unit_test(only_the_pods_own_sysctls_are_taken),
		cmocka_unit_test(modes_are_octal),
		cmocka_unit_test(zone_files_end_in_a_rule),
		cmocka_unit_test(paths_are_cleaned_as_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
