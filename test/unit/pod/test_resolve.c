/* SPDX-License-Identifier: Apache-2.0 */
/* From pod to plan: every default of the manual, every lookup, and every refusal that needs two values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/str.h"
#include "pod/caps.h"
#include "world.h"

#define MI (UINT64_C(1) << 20)

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	world_init(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static struct plan plan_of(struct world *w, const char *yaml)
{
	struct plan p = {};
	struct err e = {};

	if (world_plan(w, yaml, &p, &e))
		fail_msg("%s\nerror: %s\nbecause: %s", yaml, e.what, e.because);
	return p;
}

/* ---- defaults ---- */

static void a_pod_has_defaults(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {web: {image: nginx}}");

	assert_string_equal(p.id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(p.created_ns, 42);
	assert_string_equal(p.boot_id, "boot");
	assert_string_equal(p.cgroup, "rocket/0123");
	assert_int_equal(p.ids.base, 524288);
	assert_int_equal(p.distance, DISTANCE_CLOSE);
	assert_string_equal(p.exit, "all");
	assert_int_equal(p.shm_bytes, 64 * MI);
	assert_non_null(strchr(p.name, '-'));
	assert_string_equal(p.hostname, p.name);
	assert_int_equal(p.limits.memory_bytes + p.limits.pids + p.limits.cpus_milli, 0);
	assert_false(p.host_net || p.host_ipc || p.host_pid || p.remove);
	assert_int_equal(p.holes.n + p.volumes.n, 0);
	assert_null(p.dns);
}

static void an_app_has_defaults(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {box: {image: box}}");
	const struct plan_app *a = &p.apps.v[0];

	assert_string_equal(a->image, "box");
	assert_string_equal(a->image_digest, "sha256:box");
	assert_string_equal(a->view, "view-box");
	assert_int_equal(a->distance, DISTANCE_CLOSE);
	assert_int_equal(a->kind, APP_MAIN);
	assert_int_equal(a->restart, RESTART_NEVER);
	assert_int_equal(a->stop_signal, 15);
	assert_int_equal(a->stop_grace_ns, INT64_C(10000000000));
	assert_int_equal(a->uid, 0);
	assert_int_equal(a->gid, 0);
	assert_string_equal(world_join(w, a->groups), "0");
	assert_int_equal(a->caps, caps_default);
	assert_false(a->new_privs || a->read_only || a->tty || a->stdin_open || a->init);
	assert_string_equal(a->seccomp, "default");
	assert_string_equal(a->workdir, "/");
	assert_int_equal(a->limits.pids, 4096);
	assert_int_equal(a->limits.memory_bytes, 0);
	assert_int_equal(a->log_bytes, 10 * MI);
	assert_int_equal(a->log_files, 3);
	assert_int_equal(a->rlimits.n, 1);
	assert_string_equal(a->rlimits.v[0].name, "nofile");
	assert_int_equal(a->rlimits.v[0].soft, 1024);
	assert_int_equal(a->rlimits.v[0].hard, 524288);
	assert_int_equal(a->devices.n, 0);
	assert_null(a->tz);
	assert_null(a->pre_start);
}

static void the_environment_has_defaults(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{pod: my_shop, apps: {box: {image: box}}}");
	const struct plan_app *a = &p.apps.v[0];

	assert_string_equal(p.hostname, "my-shop");
	assert_string_equal(world_env(a, "PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	assert_string_equal(world_env(a, "HOME"), "/root");
	assert_string_equal(world_env(a, "HOSTNAME"), "my-shop");
	assert_string_equal(world_env(a, "container"), "rocket");
	assert_null(world_env(a, "TERM"));
	assert_int_equal(strv_len(a->env), 4);
}

static void a_terminal_brings_term(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {box: {image: box, tty: true}}");

	assert_string_equal(world_env(&p.apps.v[0], "TERM"), "vt220");
	w->term = NULL;
	p = plan_of(w, "apps: {box: {image: box, tty: true}}");
	assert_string_equal(world_env(&p.apps.v[0], "TERM"), "xterm");
}

static void the_owner_wins_over_the_image_over_defaults(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {web: {image: nginx, env: {NGINX: mine, HOME: /x, EMPTY: \"\"}}}");
	const struct plan_app *a = &p.apps.v[0];

	assert_string_equal(world_env(a, "PATH"), "/bin");
	assert_string_equal(world_env(a, "NGINX"), "mine");
	assert_string_equal(world_env(a, "HOME"), "/x");
	assert_string_equal(world_env(a, "EMPTY"), "");
	assert_int_equal(a->stop_signal, 3);
}

static void an_images_env_without_equals_takes_nothing_of_the_host(void **state)
{
	struct world *w = *state;
	struct image *i = world_image(w, "box");
	struct plan p;

	arena_strv_add(&w->arena, &i->config.env, "SECRET");
	arena_strv_add(&w->arena, &i->config.env, "=x");
	arena_strv_add(&w->arena, &i->config.env, "container=docker");
	p = plan_of(w, "apps: {box: {image: box}}");
	assert_int_equal(strv_len(p.apps.v[0].env), 4);
	assert_string_equal(world_env(&p.apps.v[0], "container"), "rocket");
}

static void nofile_is_clipped_to_the_hosts(void **state)
{
	struct world *w = *state;
	struct plan p;

	w->nofile_hard = 4096;
	p = plan_of(w, "apps: {box: {image: box}}");
	assert_int_equal(p.apps.v[0].rlimits.v[0].hard, 4096);
	w->nofile_hard = 512;
	p = plan_of(w, "apps: {box: {image: box}}");
	assert_int_equal(p.apps.v[0].rlimits.v[0].soft, 512);
	p = plan_of(w, "apps: {box: {image: box, rlimits: {nofile: 99}}}");
	assert_int_equal(p.apps.v[0].rlimits.n, 1);
	assert_int_equal(p.apps.v[0].rlimits.v[0].hard, 99);
	w->nofile_hard = 0;
	p = plan_of(w, "apps: {box: {image: box}}");
	assert_int_equal(p.apps.v[0].rlimits.v[0].hard, 524288);
}

static void a_zone_becomes_its_rule(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {a: {image: box, tz: Europe/Berlin}, b: {image: box, tz: UTC}}");

	assert_string_equal(world_env(&p.apps.v[0], "TZ"), "CET-1CEST,M3.5.0,M10.5.0/3");
	assert_string_equal(p.apps.v[0].tz, "Europe/Berlin");
	assert_string_equal(world_env(&p.apps.v[1], "TZ"), "UTC0");
}

/* ---- program ---- */

static void programs_are_put_together_as_docker_and_kubernetes_do(void **state)
{
	static const char *const cases[][2] = {
		{"{image: nginx}", "/entry.sh nginx -g daemon"},
		{"{image: nginx, args: [a, b]}", "/entry.sh a b"},
		{"{image: nginx, args: []}", "/entry.sh"},
		{"{image: nginx, exec: [/x]}", "/x"},
		{"{image: nginx, exec: [/x], args: [y]}", "/x y"},
		{"{image: nginx, exec: [], args: [y]}", "y"},
		{"{image: box}", "/bin/sh"},
		{"{image: box, args: [ls, -l]}", "ls -l"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan p = plan_of(w, arena_printf(&w->arena, "apps: {web: %s}", cases[i][0]));

		assert_string_equal(world_join(w, p.apps.v[0].argv), cases[i][1]);
	}
}

static void users_come_from_the_owner_else_the_image(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {r: {image: redis}, w: {image: nginx, user: web}, n: {image: redis, user: \"5\", groups: [www, \"7\"]}}");

	assert_int_equal(p.apps.v[0].uid, 999);
	assert_int_equal(p.apps.v[0].gid, 999);
	assert_string_equal(world_env(&p.apps.v[0], "HOME"), "/data");
	assert_string_equal(p.apps.v[0].workdir, "/data");
	assert_int_equal(p.apps.v[1].uid, 101);
	assert_string_equal(world_join(w, p.apps.v[1].groups), "101 4 33");
	assert_string_equal(world_env(&p.apps.v[1], "HOME"), "/var/www");
	assert_int_equal(p.apps.v[2].uid, 5);
	assert_int_equal(p.apps.v[2].gid, 0);
	assert_string_equal(world_join(w, p.apps.v[2].groups), "0 33 7");
	assert_string_equal(world_env(&p.apps.v[2], "HOME"), "/");
	p = plan_of(w, "apps: {h: {image: box, user: homeless}}");
	assert_string_equal(world_env(&p.apps.v[0], "HOME"), "/");
}

/* ---- mounts ---- */

static void files_of_names_are_mounted(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {box: {image: box}}");
	const struct plan_app *a = &p.apps.v[0];

	assert_int_equal(a->mounts.n, 3);
	assert_string_equal(a->mounts.v[0].target, "/etc/hostname");
	assert_string_equal(world_mount(a, "/etc/hosts")->source, "hosts");
	assert_string_equal(world_mount(a, "/etc/resolv.conf")->source, "resolv.conf");
	assert_int_equal(a->mounts.v[0].kind, MOUNT_FILE);
	assert_true(a->mounts.v[0].read_only);
}

static void the_owner_replaces_a_generated_file(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{apps: {box: {image: box}}, holes: [\"path:/srv/file:/etc/hosts\"]}");
	const struct plan_mount *m = world_mount(&p.apps.v[0], "/etc/hosts");

	assert_int_equal(m->kind, MOUNT_BIND);
	assert_true(m->socket && m->read_only && !m->create_dir);
	p = plan_of(w, "{apps: {box: {image: box, mounts: {/etc: tmpfs}}}}");
	assert_int_equal(p.apps.v[0].mounts.n, 1);
}

static void an_images_volume_is_filled_from_it(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {cache: {image: redis}, other: {image: redis}}");
	const struct plan_mount *m = world_mount(&p.apps.v[0], "/data");

	assert_int_equal(p.volumes.n, 2);
	assert_string_equal(p.volumes.v[0].name, "cache-data");
	assert_string_equal(p.volumes.v[1].name, "other-data");
	assert_string_equal(p.volumes.v[0].fill_view, "view-redis");
	assert_string_equal(p.volumes.v[0].fill_path, "/data");
	assert_true(p.volumes.v[0].from_image && !p.volumes.v[0].keep);
	assert_int_equal(m->kind, MOUNT_VOLUME);
	assert_string_equal(m->source, "cache-data");
}

static void a_mount_of_the_owner_covers_an_images_volume(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{apps: {cache: {image: redis, mounts: {/data: d}}}, volumes: {d: {keep: true}}}");

	assert_int_equal(p.volumes.n, 1);
	assert_string_equal(p.volumes.v[0].fill_view, "view-redis");
	assert_true(p.volumes.v[0].keep && !p.volumes.v[0].from_image);
	assert_int_equal(p.volumes.v[0].uid, 999);
	p = plan_of(w, "{apps: {cache: {image: redis, mounts: {/data: tmpfs}}}}");
	assert_int_equal(p.volumes.n, 0);
	p = plan_of(w, "{apps: {cache: {image: redis}}, holes: [\"path:/srv/site:/data:rw\"]}");
	assert_int_equal(p.volumes.n, 0);
}

static void image_volumes_are_checked(void **state)
{
	static const char *const bad[] = {"/proc", "/sys/fs", "/", "", "/dev/x", "/v/../..", "../.."};
	struct world *w = *state;
	struct image *i = world_image(w, "box");

	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		struct plan p = {};
		struct err e = {};

		i->config.volumes = NULL;
		arena_strv_add(&w->arena, &i->config.volumes, bad[n]);
		assert_int_equal(world_plan(w, "apps: {box: {image: box}}", &p, &e), -ERR_USAGE);
		assert_non_null(strstr(e.what, "declares a volume"));
	}
	i->config.volumes = NULL;
	arena_strv_add(&w->arena, &i->config.volumes, "/a");
	arena_strv_add(&w->arena, &i->config.volumes, "//a/");
	arena_strv_add(&w->arena, &i->config.volumes, "/a/b");
	arena_strv_add(&w->arena, &i->config.volumes, "rel/v..x");
	struct plan p = plan_of(w, "apps: {box: {image: box}}");

	assert_int_equal(p.volumes.n, 3);
	assert_string_equal(p.volumes.v[2].fill_path, "/rel/v..x");
	assert_string_equal(p.volumes.v[2].name, "box-rel-v--x");
}

static void mounts_come_parents_first(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{apps: {box: {image: box, mounts: {/a/b/c: tmpfs, /a-b: tmpfs, /a: tmpfs, /a/b: v}}}, volumes: {v: }}");
	const struct plan_app *a = &p.apps.v[0];

	assert_string_equal(a->mounts.v[0].target, "/a");
	assert_string_equal(a->mounts.v[1].target, "/a-b");
	assert_string_equal(a->mounts.v[2].target, "/a/b");
	assert_string_equal(a->mounts.v[3].target, "/a/b/c");
	assert_true(a->mounts.v[0].create_dir);
	assert_int_equal(p.volumes.v[0].mode, 0755);
}

static void volumes_belong_to_who_mounts_them_first(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{apps: {a: {image: nginx, user: web, mounts: {/u: v}}, b: {image: redis, mounts: {/u: v, /o: o}}},"
				   " volumes: {v: {}, o: {owner: \"7:8\", mode: 0700}}}");

	assert_int_equal(p.volumes.v[0].uid, 101);
	assert_int_equal(p.volumes.v[1].uid, 7);
	assert_int_equal(p.volumes.v[1].gid, 8);
	assert_int_equal(p.volumes.v[1].mode, 0700);
}

/* ---- holes ---- */

static void holes_reach_the_apps_that_they_name(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {a: {image: box}, b: {image: box}}\n"
				   "holes: [\"path:/srv/site:/site@a\", \"path:site:/both:rw\", \"socket:/run/x.sock@b\", dev:/dev/fuse@a,\n"
				   "  \"dev:/dev/sdx:/dev/disk:r\", cap:NET_ADMIN@a, newprivs@b, \"in:80@a\", \"in:80@a\"]");
	const struct plan_app *a = &p.apps.v[0], *b = &p.apps.v[1];

	assert_int_equal(p.holes.n, 8);
	assert_string_equal(world_mount(a, "/site")->source, "/srv/site");
	assert_null(world_mount(b, "/site"));
	assert_true(world_mount(a, "/site")->read_only && world_mount(a, "/site")->create_dir);
	assert_false(world_mount(b, "/both")->read_only);
	assert_string_equal(world_mount(b, "/both")->source, "/base/site");
	assert_true(world_mount(b, "/run/x.sock")->socket);
	assert_null(world_mount(a, "/run/x.sock"));
	assert_int_equal(a->devices.n, 2);
	assert_int_equal(b->devices.n, 1);
	assert_int_equal(a->devices.v[0].major * 1000 + a->devices.v[0].minor, 10229);
	assert_string_equal(a->devices.v[0].access, "rw");
	assert_true(b->devices.v[0].block);
	assert_int_equal(a->caps, caps_default | UINT64_C(1) << CAP_NET_ADMIN);
	assert_int_equal(b->caps, caps_default);
	assert_true(b->new_privs && !a->new_privs);
}

static void drop_comes_before_holes(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{apps: {a: {image: box, caps: {drop: [ALL]}}, b: {image: box, caps: {drop: [NET_RAW]}}}, holes: [cap:NET_BIND_SERVICE@a]}");

	assert_int_equal(p.apps.v[0].caps, UINT64_C(1) << CAP_NET_BIND_SERVICE);
	assert_int_equal(p.apps.v[1].caps, caps_default & ~(UINT64_C(1) << CAP_NET_RAW));
}

static void ports_that_do_not_meet_are_fine(void **state)
{
	static const char *const lists[] = {
		"in:80, in:81",
		"in:80, in:80/udp",
		"in:127.0.0.1:80, \"in:[::1]:80\"",
		"in:127.0.0.1:80, in:10.0.0.1:80",
		"in:0:80@a, in:0:80@a",
		"in:80:80@a, in:81:80@a",
		"in:80:80@a, in:81:80",
		"in:80:80@a, in:81:80/udp@b",
		"in:80-89, in:90-99",
		"in:0.0.0.0:80, \"in:[::]:80\"",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		plan_of(w, arena_printf(&w->arena, "{apps: {a: {image: box}, b: {image: box}}, holes: [%s]}", lists[i]));
}

/* ---- refusals ---- */

#define TWO "apps: {a: {image: box}, b: {image: box}}"

static const struct {
	const char *yaml;
	int code;
	const char *what, *because, *hint;
} refusals[] = {
	{"apps: {a: {image: none}}", ERR_NOT_FOUND, "pod.yaml:1:11: there is no image none", "", ""},
	{"apps: {a: {image: box, user: nobody}}", ERR_NOT_FOUND, "no user 'nobody'", "passwd", "number"},
	{"apps: {a: {image: box, user: \"4294967296\"}}", ERR_USAGE, "can't be a user", "", ""},
	{"apps: {a: {image: box, user: \"70000\"}}", ERR_USAGE, "user id 70000", "", "--ids 131072"},
	{"apps: {a: {image: box, user: \"1:70000\"}}", ERR_USAGE, "group id 70000", "", "--ids 131072"},
	{"apps: {a: {image: box, user: \"2000000000\"}}", ERR_USAGE, "user id", "more than", ""},
	{"apps: {a: {image: box, groups: [nogroup]}}", ERR_NOT_FOUND, "no group", "", ""},
	{"apps: {a: {image: box, exec: []}}", ERR_USAGE, "nothing to run", "", ""},
	{"apps: {a: {image: box, args: [\"\"]}}", ERR_USAGE, "nothing to run", "", ""},
	{"apps: {a: {image: box, workdir: /proc/self/fd/7}}", ERR_USAGE, "working directory", "/proc", ""},
	{"apps: {a: {image: box, workdir: /x/../proc}}", ERR_USAGE, "working directory", "/proc", ""},
	{"apps: {a: {image: box, tz: Mars/Base}}", ERR_NOT_FOUND, "zone", "", ""},
	{"apps: {a: {image: box, tz: ../../etc/shadow}}", ERR_USAGE, "no time zone", "", ""},
	{"apps: {a: {image: box, kind: init, restart: always}}", ERR_USAGE, "kind init", "", ""},
	{"{exit: c, " TWO "}", ERR_USAGE, "exit can't be 'c'", "all, first", "exit: a"},
	{"apps: {a: {image: box, mounts: {/d: dta}}}", ERR_USAGE, "pod.yaml:1:37: the pod has no volume 'dta'", "declared", "{dta: {}}"},
	{"{volumes: {data: }, apps: {a: {image: box, mounts: {/d: dta}}}}", ERR_USAGE, "no volume 'dta'", "", "{/d: data}"},
	{"{apps: {a: {image: box, mounts: {/d: tmpfs}}}, holes: [\"path:/srv/site:/d\"]}", ERR_USAGE, "two mounts on the path /d", "a tmpfs, and the hole path:", ""},
	{"{apps: {a: {image: box, mounts: {/d: tmpfs, /d/: tmpfs}}}}", ERR_USAGE, "two mounts", "", ""},
	{"{" TWO ", holes: [\"in:80@c\"]}", ERR_USAGE, "an app that the pod does not have", "no app 'c'", "@"},
	{"{" TWO ", holes: [in:80, in:80:81]}", ERR_USAGE, "same port of the host: in:80 and in:80:81", "", "another"},
	{"{" TWO ", holes: [in:80-90, in:85]}", ERR_USAGE, "same port of the host", "", ""},
	{"{" TWO ", holes: [in:any:80, in:127.0.0.1:80:1]}", ERR_USAGE, "same port of the host", "", ""},
	{"{" TWO ", holes: [in:80, \"in:[::]:80\"]}", ERR_USAGE, "same port of the host", "", ""},
	{"{" TWO ", holes: [in:80:80@a, in:81:80@b]}", ERR_USAGE, "'a' and 'b' want the same port", "in:80@a and in:81:80@b", ""},
	{"{" TWO ", holes: [in:80-90:100@a, in:99:105@b]}", ERR_USAGE, "want the same port", "", ""},
	{"{" TWO ", holes: [cap:SYS_TIME]}", ERR_USAGE, "cap:SYS_TIME can't be opened", "ns:user", ""},
	{"{" TWO ", holes: [cap:MKNOD]}", ERR_USAGE, "can't be opened", "MKNOD works only in the host's", "dev:"},
	{"{" TWO ", holes: [cap:ALL]}", ERR_USAGE, "can't be opened", "part of ALL", "cap:NET_ADMIN"},
	{"{" TWO ", holes: [cap:SYS_TIME, ns:user]}", ERR_USAGE, "can't open a namespace", "ns:user", ""},
	{"{" TWO ", holes: [\"path:/nowhere:/x\"]}", ERR_NOT_FOUND, "pod.yaml:1:", "", ""},
	{"{" TWO ", holes: [\"path:/dev/fuse:/x\"]}", ERR_USAGE, "can't be opened", "device", "dev:/dev/fuse"},
	{"{" TWO ", holes: [\"socket:/srv/file\"]}", ERR_USAGE, "can't be opened", "no socket", "path:/srv/file"},
	{"{" TWO ", holes: [dev:/srv/file:/dev/x]}", ERR_USAGE, "can't be opened", "no device", ""},
	{"{" TWO ", holes: [dev:/dev/dri]}", ERR_USAGE, "can't be opened", "folder", ""},
	{"{" TWO ", holes: [dev:/dev/fuse, \"dev:/dev/sdx:/dev/fuse\"]}", ERR_USAGE, "can't be opened", "another device", ""},
	{"apps: {a: {image: box, sysctls: {net.core.somaxconn: 1}}, b: {image: box, sysctls: {net.core.somaxconn: 2}}}", ERR_USAGE, "two values", "=1, and", ""},
	{"{sysctls: {net.core.somaxconn: 1}, apps: {a: {image: box, sysctls: {net.core.somaxconn: 2}}}}", ERR_USAGE, "two values", "(a)", ""},
};

static void contradictions_are_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct plan p = {.shm_bytes = 4711};
		struct err e = {};

		if (world_plan(w, refusals[i].yaml, &p, &e) != -refusals[i].code || !strstr(e.what, refusals[i].what) ||
		    !strstr(e.because, refusals[i].because) || !strstr(e.hint, refusals[i].hint))
			fail_msg("%s\n(%d) error: %s\nbecause: %s\ntry: %s", refusals[i].yaml, e.code, e.what, e.because, e.hint);
		if (!*e.because && e.code == ERR_USAGE)
			fail_msg("%s\n%s: no reason", refusals[i].yaml, e.what);
		assert_int_equal(p.shm_bytes, 4711);
	}
}

static void equal_sysctls_are_one(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{sysctls: {net.core.somaxconn: 1}, apps: {a: {image: box, sysctls: {net.core.somaxconn: 1, kernel.sem: 2}}}}");

	assert_string_equal(world_join(w, p.sysctls), "net.core.somaxconn=1 kernel.sem=2");
}

static void large_ids_of_an_image_need_a_wider_range(void **state)
{
	struct world *w = *state;
	struct plan p = {};
	struct err e = {};

	world_image(w, "box")->max_id = 200000;
	assert_int_equal(world_plan(w, "apps: {a: {image: box}}", &p, &e), -ERR_USAGE);
	assert_non_null(strstr(e.what, "200000"));
	assert_non_null(strstr(e.hint, "--ids 262144"));
	w->ids.count = 262144;
	plan_of(w, "apps: {a: {image: box}}");
	w->ids.count = 0;
	plan_of(w, "apps: {a: {image: box, user: \"99999999\"}}");
}

static void a_bad_stop_signal_of_an_image_is_named(void **state)
{
	struct world *w = *state;
	struct plan p = {};
	struct err e = {};

	world_image(w, "box")->config.stop_signal = (char *)"SIGFOO";
	assert_int_equal(world_plan(w, "apps: {a: {image: box}}", &p, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "SIGFOO"));
	plan_of(w, "apps: {a: {image: box, stop: {signal: INT}}}");
}

static void made_up_names_are_free(void **state)
{
	struct world *w = *state;
	struct plan first = plan_of(w, "apps: {a: {image: box}}"), p;

	w->taken = first.name;
	p = plan_of(w, "apps: {a: {image: box}}");
	assert_string_not_equal(p.name, first.name);
	w->taken = "*";
	p = plan_of(w, "apps: {a: {image: box}}");
	assert_true(str_has_suffix(p.name, "-2"));
}

static void exit_rules_are_taken(void **state)
{
	struct world *w = *state;

	assert_string_equal(plan_of(w, "{exit: first, " TWO "}").exit, "first");
	assert_string_equal(plan_of(w, "{exit: b, " TWO "}").exit, "b");
}

static void logs_fall_back_to_the_pods(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "{logs: {size: 1Mi, files: 9}, apps: {a: {image: box}, b: {image: box, logs: {files: 2}}}}");

	assert_int_equal(p.apps.v[0].log_bytes, MI);
	assert_int_equal(p.apps.v[0].log_files, 9);
	assert_int_equal(p.apps.v[1].log_bytes, MI);
	assert_int_equal(p.apps.v[1].log_files, 2);
}

/* ---- the record ---- */

static void a_plan_survives_its_record(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "pod: shop\nexit: a\napps: {a: {image: redis, tty: true, oom_score: -7, restart: always, mounts: {/t: tmpfs 1Mi}},\n"
				   "  b: {image: box, rlimits: {core: unlimited}, limits: {cpus: 0.5}}}\n"
				   "labels: {a: b}\nholes: [in:80, \"path:/srv/site:/s@a\", dev:/dev/fuse]\n");
	struct plan again = {};
	autostr first = {}, second = {};
	struct err e = {};

	record_write(&first, &plan_set, &p, RECORD_COMPACT);
	assert_int_equal(record_read(&w->arena, &plan_set, first.text, first.len, &again, &e), 0);
	record_write(&second, &plan_set, &again, RECORD_COMPACT);
	assert_string_equal(first.text, second.text);
	assert_int_equal(again.apps.v[0].oom_score, -7);
	assert_int_equal(again.apps.v[1].rlimits.v[0].hard, UINT64_MAX);
	assert_int_equal(again.apps.v[0].caps, caps_default);
	assert_string_equal(plan_find_app(&again, "b")->name, "b");
	assert_null(plan_find_app(&again, "c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pod_has_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(an_app_has_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(the_environment_has_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(a_terminal_brings_term, setup, teardown),
		cmocka_unit_test_setup_teardown(the_owner_wins_over_the_image_over_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(an_images_env_without_equals_takes_nothing_of_the_host, setup, teardown),
		cmocka_unit_test_setup_teardown(nofile_is_clipped_to_the_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_zone_becomes_its_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(programs_are_put_together_as_docker_and_kubernetes_do, setup, teardown),
		cmocka_unit_test_setup_teardown(users_come_from_the_owner_else_the_image, setup, teardown),
		cmocka_unit_test_setup_teardown(files_of_names_are_mounted, setup, teardown),
		cmocka_unit_test_setup_teardown(the_owner_replaces_a_generated_file, setup, teardown),
		cmocka_unit_test_setup_teardown(an_images_volume_is_filled_from_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mount_of_the_owner_covers_an_images_volume, setup, teardown),
		cmocka_unit_test_setup_teardown(image_volumes_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(mounts_come_parents_first, setup, teardown),
		cmocka_unit_test_setup_teardown(volumes_belong_to_who_mounts_them_first, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_reach_the_apps_that_they_name, setup, teardown),
		cmocka_unit_test_setup_teardown(drop_comes_before_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(ports_that_do_not_meet_are_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(contradictions_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_sysctls_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(large_ids_of_an_image_need_a_wider_range, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_stop_signal_of_an_image_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(made_up_names_are_free, setup, teardown),
		cmocka_unit_test_setup_teardown(exit_rules_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(logs_fall_back_to_the_pods, setup, teardown),
		cmocka_unit_test_setup_teardown(a_plan_survives_its_record, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
