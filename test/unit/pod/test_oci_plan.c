/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/mount.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "pod/oci_plan.h"

#define HEAD "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]"

/* The plan of a config that ends as given, or the error. */
static int plan_of(struct arena *a, const char *rest, struct oci_plan *ret, struct err *e)
{
	char *text = arena_printf(a, HEAD "%s", rest);
	struct oci_config *c = arena_new(a, struct oci_config);

	if (oci_config_read(a, text, strlen(text), c, e) < 0)
		return -e->code;
	return oci_plan_make(a, c, "c1", ret, e);
}

static void must_refuse(const char *rest, const char *word)
{
	autoarena a = {};
	struct oci_plan p;
	struct err e = {};

	assert_int_equal(plan_of(&a, rest, &p, &e), -ERR_USAGE);
	if (!strstr(e.what, word) && !strstr(e.because, word))
		fail_msg("%s: not named in: %s (%s)", word, e.what, e.because);
}

static void must_plan(struct arena *a, const char *rest, struct oci_plan *p)
{
	struct err e = {};

	if (plan_of(a, rest, p, &e) < 0)
		fail_msg("%s: %s (%s)", rest, e.what, e.because);
}

static void test_smallest(void **state)
{
	autoarena a = {};
	struct oci_plan p;

	must_plan(&a, "}}", &p);
	assert_string_equal(p.app->argv[0], "a");
	assert_string_equal(p.app->name, "c1");
	assert_true(p.app->new_privs);
	assert_int_equal(p.namespaces, 0);
	assert_int_equal(p.how.caps.bounding, 0);
}

static void test_null_and_unknown_are_absent(void **state)
{
	autoarena a = {};
	struct oci_plan p;

	must_plan(&a, ",\"user\":null,\"nosuch\":{\"a\":[1.5,null]}},\"mounts\":null,\"linux\":{\"x\":1}}", &p);
	assert_int_equal(p.mounts.n, 0);
	assert_int_equal(p.app->uid, 0);
}

static void test_process(void **state)
{
	autoarena a = {};
	struct oci_plan p;

	must_plan(&a,
		  ",\"user\":{\"uid\":5,\"gid\":6,\"umask\":63,\"additionalGids\":[7,8]},\"noNewPrivileges\":true,"
		  "\"oomScoreAdj\":-5,\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":2}],"
		  "\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_NOSUCH\"],\"ambient\":[\"CAP_CHOWN\"]},"
		  "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":-3}}}",
		  &p);
	assert_int_equal(p.app->uid, 5);
	assert_string_equal(p.app->groups[1], "8");
	assert_int_equal(p.how.umask, 63);
	assert_false(p.app->new_privs);
	assert_true(p.how.has_oom_score);
	assert_int_equal(p.how.oom_score, -5);
	assert_string_equal(p.app->rlimits.v[0].name, "nofile");
	assert_int_equal(p.how.caps.bounding, 1 << 5);
	assert_int_equal(p.how.caps.ambient, 1);
	assert_int_equal(p.how.scheduler.nice, -3);
}

static void test_mount_options(void **state)
{
	autoarena a = {};
	struct oci_plan p;

	must_plan(&a,
		  "},\"mounts\":[{\"destination\":\"/a\",\"type\":\"none\",\"source\":\"/x\",\"options\":"
		  "[\"rbind\",\"ro\",\"rw\",\"nosuid\",\"rro\",\"rnoatime\",\"rslave\"]},"
		  "{\"destination\":\"b\",\"type\":\"tmpfs\",\"options\":[\"size=5k\",\"noexec\",\"strictatime\"]},"
		  "{\"destination\":\"/c\",\"type\":\"cgroup\",\"source\":\"cgroup\"}],"
		  "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}",
		  &p);
	assert_int_equal(p.mounts.v[0].kind, OCI_ATTACH_BIND);
	assert_true(p.mounts.v[0].recursive);
	assert_int_equal(p.mounts.v[0].set, MOUNT_ATTR_NOSUID);
	assert_int_equal(p.mounts.v[0].clear, MOUNT_ATTR_RDONLY);
	assert_int_equal(p.mounts.v[0].set_all, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_int_equal(p.mounts.v[0].clear_all, MOUNT_ATTR__ATIME);
	assert_int_equal(p.mounts.v[0].propagation, 1 << 19);
	assert_true(p.mounts.v[0].propagation_recursive);
	assert_string_equal(p.mounts.v[1].target, "/b");
	assert_string_equal(p.mounts.v[1].data[0], "size=5k");
	assert_null(p.mounts.v[1].data[1]);
	assert_int_equal(p.mounts.v[1].set, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME);
	assert_int_equal(p.mounts.v[2].kind, OCI_ATTACH_CGROUP);
}

static void test_namespaces(void **state)
{
	autoarena a = {};
	struct oci_plan p;

	must_plan(&a, "},\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/n\"}]}}", &p);
	assert_int_equal(p.namespaces, CLONE_NEWPID | CLONE_NEWNET);
	assert_int_equal(p.fresh, CLONE_NEWPID);
	assert_int_equal(p.joins.n, 1);
	assert_string_equal(p.joins.v[0].path, "/n");
}

static void test_refusals_name_the_field(void **state)
{
	must_refuse(",\"terminal\":1}}", "process.terminal");
	must_refuse(",\"user\":{\"uid\":-1}}}", "process.user.uid");
	must_refuse(",\"user\":{\"uid\":1.5}}}", "process.user.uid");
	must_refuse(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\"},{\"type\":\"RLIMIT_CPU\"}]}}", "rlimits");
	must_refuse(",\"scheduler\":{\"policy\":\"SCHED_NOSUCH\"}}}", "scheduler");
	must_refuse(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}}}", "ioPriority");
	must_refuse("},\"linux\":{\"namespaces\":[{\"type\":\"user\"}]}}", "uidMappings");
	must_refuse("},\"linux\":{\"uidMappings\":[{\"size\":1}],\"gidMappings\":[{\"size\":1}]}}", "uidMappings");
	must_refuse("},\"linux\":{\"sysctl\":{\"net.core.somaxconn\":\"1\"}}}", "network");
	must_refuse("},\"linux\":{\"sysctl\":{\"vm.swappiness\":\"1\"}}}", "vm.swappiness");
	must_refuse("},\"linux\":{\"resources\":{\"memory\":{\"limit\":\"5\"}}}}", "linux.resources.memory.limit");
	must_refuse("},\"linux\":{\"netDevices\":{\"eth0\":{}}}}", "netDevices");
	must_refuse("},\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}}}", "memoryPolicy");
	must_refuse("},\"hostname\":\"x\"}", "hostname");
	must_refuse("},\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}}", "timeout");
	must_refuse("},\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\"}]}", "mount namespace");
	must_refuse("},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":[{\"type\":\"tmpfs\"}]}", "destination");
	must_refuse("", "byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_null_and_unknown_are_absent),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_refusals_name_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
