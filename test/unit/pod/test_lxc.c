/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/lxc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define ROOT "lxc.rootfs.path = dir:/c/web/rootfs\nlxc.no_new_privs = 1\nlxc.cap.keep = chown\n"

static int read_file(void *context, const char *path, const char **ret_text, size_t *ret_len, struct err *e)
{
	*ret_text = context ? context : "";
	*ret_len = strlen(*ret_text);
	return context ? 0 : err_new(e, ERR_NOT_FOUND, "there is no %s", path);
}

static int convert(struct arena *a, const char *text, const char *included, struct str *out, struct lxc_losses *losses,
		   struct err *e)
{
	const struct lxc_input in = {.arena = a, .file = "config", .read_file = read_file, .context = (void *)(uintptr_t)included};

	return lxc_convert(&in, text, strlen(text), out, losses, e);
}

/* The config's line beside ROOT gives this text, and loses nothing. */
static void gives(const char *line, const char *expected)
{
	autoarena a = {};
	autostr out = {};
	struct lxc_losses losses = {};
	struct err e = {};
	char *text = arena_printf(&a, ROOT "%s\n", line);

	if (convert(&a, text, NULL, &out, &losses, &e) < 0)
		fail_msg("%s: %s (%s)", line, e.what, e.because);
	if (losses.list.n)
		fail_msg("%s: lost %s: %s", line, losses.list.v[0].what, losses.list.v[0].why);
	if (!strstr(out.text, expected))
		fail_msg("%s: expected %s in\n%s", line, expected, out.text);
}

static void loses(const char *line, const char *why)
{
	autoarena a = {};
	autostr out = {};
	struct lxc_losses losses = {};
	struct err e = {};
	char *text = arena_printf(&a, ROOT "%s\n", line);

	assert_int_equal(convert(&a, text, NULL, &out, &losses, &e), 0);
	if (losses.list.n == 0)
		fail_msg("%s: nothing lost", line);
	if (!strstr(losses.list.v[0].why, why))
		fail_msg("%s: lost because %s", line, losses.list.v[0].why);
	assert_true(!strncmp(losses.list.v[0].place, "config", 6));
}

static void refuses(const char *text, const char *included, const char *what)
{
	autoarena a = {};
	autostr out = {};
	struct lxc_losses losses = {};
	struct err e = {};

	assert_true(convert(&a, text, included, &out, &losses, &e) < 0);
	if (!strstr(e.what, what))
		fail_msg("%s: refused by %s", text, e.what);
	assert_int_equal(out.len, 0);
}

static void carries_over(void **state)
{
	gives("lxc.uts.name = db", "hostname: \"db\"");
	gives("lxc.init.cmd = /bin/sh -c \"a b\"", "exec: [\"/bin/sh\", \"-c\", \"a b\"]");
	gives("lxc.cgroup2.memory.max = 64M", "memory: 67108864");
	gives("lxc.cgroup2.cpu.max = 25000 100000", "cpus: 250m");
	gives("lxc.cgroup2.cpu.weight = 100", "cpu_shares: 2598");
	gives("lxc.cgroup.cpuset.cpus = 0-1", "cpuset: \"0-1\"");
	gives("lxc.cgroup2.pids.max = 7", "pids: 7");
	gives("lxc.cgroup2.memory.high = 1000000", "\"memory.high\": \"1000000\"");
	gives("lxc.cgroup2.devices.deny = a", "pod:");
	gives("lxc.cgroup2.devices.allow = c 1:3 rwm", "pod:");
	gives("lxc.prlimit.nofile = 10:20", "nofile: \"10:20\"");
	gives("lxc.sysctl.net.core.somaxconn = 9", "\"net.core.somaxconn\": \"9\"");
	gives("lxc.mount.entry = /srv srv none bind,ro 0 0", "{path: \"/srv\", to: \"/srv\", why:");
	gives("lxc.mount.entry = /a\\040b srv none rbind 0 0", "{path: \"/a b\", to: \"/srv\", rw: true");
	gives("lxc.mount.entry = /dev/fuse dev/fuse none bind,create=file 0 0", "{dev: \"/dev/fuse\", to: \"/dev/fuse\"");
	gives("lxc.mount.entry = tmpfs tmp tmpfs size=1m", "\"/tmp\": {tmpfs: 1048576}");
	gives("lxc.mount.entry = proc proc proc nodev", "pod:");
	gives("lxc.mount.auto = proc:mixed sys:ro", "pod:");
	gives("lxc.rootfs.options = ro", "read_only: true");
	gives("lxc.environment = A=b=c", "\"A\": \"b=c\"");
	gives("lxc.signal.halt = SIGRTMIN+3", "signal: \"SIGRTMIN+3\"");
	gives("lxc.proc.oom_score_adj = -3", "oom_score: -3");
	gives("lxc.hook.start = /bin/x y", "pre_start: [\"/bin/x\", \"y\"]");
	gives("lxc.init.uid = 5", "user: \"5:5\"");
	gives("lxc.net.0.type = empty", "pod:");
	gives("lxc.cap.keep =\nlxc.cap.keep = net_admin", "{cap: \"NET_ADMIN\"");
	gives("lxc.log.level = DEBUG", "pod: \"web\"");
}

static void names_what_is_lost(void **state)
{
	loses("lxc.net.0.type = veth", "holes");
	loses("lxc.cgroup2.devices.allow = b *:* m", "dev:/dev/NAME");
	loses("lxc.cgroup2.cgroup.freeze = 1", "begins with");
	loses("lxc.sysctl.kernel.panic = 1", "network and IPC");
	loses("lxc.prlimit.nosuch = 1", "getrlimit");
	loses("lxc.mount.entry = /srv srv none bind,optional 0 0", "optional");
	loses("lxc.mount.entry = /srv ../etc none bind 0 0", "clean path");
	loses("lxc.mount.entry = a b nfs rw 0 0", "bind");
	loses("lxc.mount.entry = rel srv none bind 0 0", "absolute");
	loses("lxc.mount.entry = /srv", "SOURCE TARGET");
	loses("lxc.mount.auto = proc:rw", "own");
	loses("lxc.hook.mount = /x", "host");
	loses("lxc.seccomp.profile = /x", "format");
	loses("lxc.cap.keep = sys_time", "user namespace");
	loses("lxc.idmap = u 0 100000 65536", "ids of its own");
	loses("lxc.idmap = u 5 100000 65536", "from 0 on");
	loses("lxc.namespace.keep = net", "ns:");
	loses("lxc.apparmor.profile = generated", "AppArmor");
	loses("lxc.start.auto = 1", "systemd");
	loses("lxc.no.such.key = 1", "does not know");
	loses("other = 1", "does not know");
	loses("lxc.init.cmd = \"open", "no program");
	loses("lxc.cgroup2.memory.max = lots", "no size");
}

static void refuses_what_is_no_config(void **state)
{
	refuses("lxc.uts.name = x\n", NULL, "no root file system");
	refuses("lxc.rootfs.path = /\n", NULL, "no root file system");
	refuses("hello\n", NULL, "config:1: expected KEY");
	refuses(ROOT "lxc.include = /gone\n", NULL, "there is no /gone");
	refuses(ROOT "lxc.include = again\n", "lxc.include = again\n", "too deep");
	refuses(ROOT "lxc.include = x\n", "nonsense", "x:1:");
}

static void reads_included_files_and_fstab(void **state)
{
	autoarena a = {};
	autostr out = {};
	struct lxc_losses losses = {};
	struct err e = {};

	assert_int_equal(convert(&a, ROOT "lxc.mount.fstab = /fstab\n", "# comment\n/srv data none bind 0 0\n", &out, &losses, &e), 0);
	assert_non_null(strstr(out.text, "to: \"/data\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_over),
		cmocka_unit_test(names_what_is_lost),
		cmocka_unit_test(refuses_what_is_no_config),
		cmocka_unit_test(reads_included_files_and_fstab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
