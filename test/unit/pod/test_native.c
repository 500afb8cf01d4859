/* SPDX-License-Identifier: Apache-2.0 */
/* The native manifest: every key into its member, and what is refused, with its place and the better word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/native.h"
#include "world.h"

static const char whole[] = "pod: shop\n"
			    "distance: joined\n"
			    "exit: web\n"
			    "hostname: Shop.example\n"
			    "shm: 128Mi\n"
			    "ids: 131072\n"
			    "labels: {team: a, tier: 1}\n"
			    "limits: {memory: 1Gi, pids: 500}\n"
			    "logs: {size: 1Mi, files: 5}\n"
			    "dns: {servers: [1.1.1.1, \"2606:4700::1111\"], search: [example.com]}\n"
			    "hosts: {db.example: 10.0.0.7}\n"
			    "sysctls: {net.core.somaxconn: 1024}\n"
			    "apps:\n"
			    "  web:\n"
			    "    image: ./nginx.oci\n"
			    "    distance: close\n"
			    "    kind: sidecar\n"
			    "    exec: [/bin/nginx, -g]\n"
			    "    args: [1, true, daemon off;]\n"
			    "    env: {MODE: prod, N: 5, ON: yes}\n"
			    "    workdir: /srv\n"
			    "    user: 101:101\n"
			    "    groups: [adm, 33]\n"
			    "    read_only: true\n"
			    "    tty: true\n"
			    "    stdin: true\n"
			    "    init: true\n"
			    "    tz: Europe/Berlin\n"
			    "    limits: {memory: 256Mi, memory_request: 64Mi, swap: 32Mi, cpus: 0.5, cpu_shares: 512, cpuset: 0-1, pids: 200, io_weight: 50}\n"
			    "    mounts:\n"
			    "      /var/uploads: uploads ro noexec\n"
			    "      /tmp/: tmpfs 64Mi noexec\n"
			    "      /data: {volume: data, read_only: true}\n"
			    "      /run: {tmpfs: 1Mi, mode: \"0700\"}\n"
			    "    rlimits: {nofile: \"10:20\", core: unlimited, memlock: {soft: 1, hard: 2}}\n"
			    "    sysctls: {net.ipv4.tcp_syncookies: 1}\n"
			    "    oom_score: -5\n"
			    "    seccomp: ./profile.bpf\n"
			    "    caps: {drop: [NET_RAW, cap_chown]}\n"
			    "    restart: on-failure\n"
			    "    stop: {signal: QUIT, grace: 1500ms}\n"
			    "    hooks: {pre_start: [/bin/a, b], post_stop: [/bin/c]}\n"
			    "    labels: {x: y}\n"
			    "    logs: {size: 2Mi, files: 7}\n"
			    "  php: {image: php}\n"
			    "volumes:\n"
			    "  uploads:\n"
			    "  data: {keep: true, mode: 0750, owner: \"5:6\"}\n"
			    "  cache: {tmpfs: 16Mi}\n"
			    "  fast: {tmpfs: true}\n"
			    "holes:\n"
			    "  - in:8080:80@web\n"
			    "  - {path: site, to: /site, app: web, why: the pages}\n";

static void the_pods_keys_are_read(void **state)
{
	struct world w;
	struct pod p = {};
	struct err e = {};

	world_init(&w);
	if (world_parse(&w, whole, &p, &e))
		fail_msg("%s (%s)", e.what, e.because);
	assert_string_equal(p.name, "shop");
	assert_int_equal(p.distance, DISTANCE_JOINED + 1);
	assert_string_equal(p.exit, "web");
	assert_string_equal(p.hostname, "Shop.example");
	assert_int_equal(p.shm_bytes, 128 << 20);
	assert_int_equal(p.ids, 131072);
	assert_string_equal(world_join(&w, p.labels), "team=a tier=1");
	assert_int_equal(p.limits.memory_bytes, 1 << 30);
	assert_int_equal(p.limits.pids, 500);
	assert_int_equal(p.logs.files, 5);
	assert_string_equal(world_join(&w, p.dns.servers), "1.1.1.1 2606:4700::1111");
	assert_string_equal(world_join(&w, p.dns.search), "example.com");
	assert_string_equal(world_join(&w, p.hosts), "10.0.0.7 db.example");
	assert_string_equal(world_join(&w, p.sysctls), "net.core.somaxconn=1024");
	assert_int_equal(p.apps.n, 2);
	assert_int_equal(p.volumes.n, 4);
	assert_true(p.volumes.v[1].keep && p.volumes.v[1].has_owner);
	assert_int_equal(p.volumes.v[1].mode, 0750);
	assert_int_equal(p.volumes.v[1].uid * 10 + p.volumes.v[1].gid, 56);
	assert_true(p.volumes.v[2].tmpfs && p.volumes.v[3].tmpfs);
	assert_int_equal(p.volumes.v[2].size_bytes, 16 << 20);
	assert_int_equal(p.holes.n, 2);
	assert_string_equal(p.holes.v[0].text, "in:8080:80@web");
	assert_string_equal(p.holes.v[1].text, "path:/base/site:/site@web");
	assert_string_equal(p.holes.v[1].why, "the pages");
	world_free(&w);
}

static void the_apps_keys_are_read(void **state)
{
	const struct pod_app *a;
	struct world w;
	struct pod p = {};
	struct err e = {};

	world_init(&w);
	assert_int_equal(world_parse(&w, whole, &p, &e), 0);
	a = &p.apps.v[0];
	assert_string_equal(a->name, "web");
	assert_string_equal(a->place, "pod.yaml:15:5");
	assert_string_equal(a->image, "/base/nginx.oci");
	assert_int_equal(a->distance, DISTANCE_CLOSE + 1);
	assert_int_equal(a->kind, APP_SIDECAR);
	assert_string_equal(world_join(&w, a->exec), "/bin/nginx -g");
	assert_string_equal(world_join(&w, a->args), "1 true daemon off;");
	assert_string_equal(world_join(&w, a->env), "MODE=prod N=5 ON=yes");
	assert_string_equal(a->workdir, "/srv");
	assert_string_equal(a->user, "101:101");
	assert_string_equal(world_join(&w, a->groups), "adm 33");
	assert_true(a->read_only && a->tty && a->stdin_open && a->init);
	assert_string_equal(a->tz, "Europe/Berlin");
	assert_int_equal(a->limits.memory_bytes, 256 << 20);
	assert_int_equal(a->limits.memory_request_bytes, 64 << 20);
	assert_int_equal(a->limits.swap_bytes, 32 << 20);
	assert_int_equal(a->limits.cpus_milli, 500);
	assert_int_equal(a->limits.cpu_shares, 512);
	assert_string_equal(a->limits.cpuset, "0-1");
	assert_int_equal(a->limits.pids, 200);
	assert_int_equal(a->limits.io_weight, 50);
	assert_string_equal(world_join(&w, a->sysctls), "net.ipv4.tcp_syncookies=1");
	assert_int_equal(a->oom_score, -5);
	assert_string_equal(a->seccomp, "/base/profile.bpf");
	assert_int_equal(a->cap_drop, (UINT64_C(1) << CAP_NET_RAW) | (UINT64_C(1) << CAP_CHOWN));
	assert_int_equal(a->restart, RESTART_ON_FAILURE);
	assert_int_equal(a->stop.signal, 3);
	assert_int_equal(a->stop.grace_ns, 1500000000);
	assert_string_equal(world_join(&w, a->pre_start), "/bin/a b");
	assert_string_equal(world_join(&w, a->post_stop), "/bin/c");
	assert_string_equal(world_join(&w, a->labels), "x=y");
	assert_int_equal(a->logs.size_bytes, 2 << 20);
	assert_int_equal(a->logs.files, 7);
	world_free(&w);
}

static void mounts_and_rlimits_are_read(void **state)
{
	const struct pod_app *a;
	struct world w;
	struct pod p = {};
	struct err e = {};

	world_init(&w);
	assert_int_equal(world_parse(&w, whole, &p, &e), 0);
	a = &p.apps.v[0];
	assert_int_equal(a->mounts.n, 4);
	assert_string_equal(a->mounts.v[0].volume, "uploads");
	assert_true(a->mounts.v[0].read_only && a->mounts.v[0].noexec);
	assert_string_equal(a->mounts.v[1].target, "/tmp");
	assert_int_equal(a->mounts.v[1].kind, MOUNT_TMPFS);
	assert_int_equal(a->mounts.v[1].size_bytes, 64 << 20);
	assert_true(a->mounts.v[1].noexec && !a->mounts.v[0].size_bytes);
	assert_string_equal(a->mounts.v[2].volume, "data");
	assert_true(a->mounts.v[2].read_only);
	assert_int_equal(a->mounts.v[3].mode, 0700);
	assert_int_equal(a->rlimits.n, 3);
	assert_int_equal(a->rlimits.v[0].hard, 20);
	assert_int_equal(a->rlimits.v[1].soft, UINT64_MAX);
	assert_int_equal(a->rlimits.v[2].hard, 2);
	world_free(&w);
}

static void json_is_a_manifest_too(void **state)
{
	struct world w;
	struct pod p = {};
	struct err e = {};

	world_init(&w);
	assert_int_equal(world_parse(&w, "{\"apps\": {\"web\": {\"image\": \"nginx\", \"args\": []}}}", &p, &e), 0);
	assert_non_null(p.apps.v[0].args);
	assert_null(p.apps.v[0].args[0]);
	assert_null(p.apps.v[0].exec);
	world_free(&w);
}

/* Text of one app named web, and parts of the error. */
static const struct {
	const char *app, *place, *what, *hint;
} app_refusals[] = {
	{"{}", "3", "lacks the key image", ""},
	{"{image: \"\"}", "3", "is empty", ""},
	{"{image: a, imag: b}", "3:23", "has no key imag", "image"},
	{"{image: a, ports: [80]}", "3:23", "has no key ports", "in:PORT"},
	{"{image: a, depends_on: [b]}", "3", "has no key depends_on", "after:"},
	{"{image: a, environment: {A: b}}", "3", "has no key environment", "env:"},
	{"{image: a, command: [b]}", "3", "has no key command", "exec:"},
	{"{image: a, volumes: [b]}", "3", "has no key volumes", "mounts:"},
	{"{image: a, privileged: true}", "3", "has no key privileged", "holes:"},
	{"{image: a, name: b}", "3", "has no key name", "key is its name"},
	{"{image: a, distance: near}", "3:33", "can't be 'near'", ""},
	{"{image: a, distance: 1}", "3:33", "can't be '1'", ""},
	{"{image: a, kind: initt}", "3", "kind can't be", "init"},
	{"{image: a, restart: allways}", "3", "restart can't be", "always"},
	{"{image: a, exec: /bin/sh}", "3", "must be a list", "[/bin/sh]"},
	{"{image: a, args: [[a]]}", "3", "text", ""},
	{"{image: a, env: [A=b]}", "3", "map", ""},
	{"{image: a, env: {\"A=B\": c}}", "3", "'='", ""},
	{"{image: a, env: {A: [b]}}", "3", "text", ""},
	{"{image: a, workdir: srv}", "3", "absolute", ""},
	{"{image: a, tty: maybe}", "3", "true or false", ""},
	{"{image: a, tz: [x]}", "3", "time zone", ""},
	{"{image: a, limits: {memory: 10}}", "3", "out of range", ""},
	{"{image: a, limits: {memory: lots}}", "3", "size", "64Mi"},
	{"{image: a, limits: {memory: 0}}", "3", "limited to nothing", "leave"},
	{"{image: a, limits: {pids: 0}}", "3", "limited to nothing", ""},
	{"{image: a, limits: {swap: 1Mi}}", "3", "together with memory", "memory"},
	{"{image: a, limits: {memory: 1Mi, swap: some}}", "3", "swap must be", ""},
	{"{image: a, limits: {cpuset: 1-4294967295}}", "3", "list of CPUs", ""},
	{"{image: a, limits: {cpu: 1}}", "3", "has no key cpu", "cpus:"},
	{"{image: a, limits: 5}", "3", "map", ""},
	{"{image: a, mounts: {/data: /srv}}", "3", "is a hole", "path:/srv:/data"},
	{"{image: a, mounts: {/data: ./srv}}", "3", "is a hole", "path:"},
	{"{image: a, mounts: {data: vol}}", "3", "nothing can be mounted", ""},
	{"{image: a, mounts: {/proc/x: vol}}", "3", "nothing can be mounted", ""},
	{"{image: a, mounts: {/a/../b: vol}}", "3", "nothing can be mounted", ""},
	{"{image: a, mounts: {/a: vol 64Mi}}", "3", "no option '64Mi'", ""},
	{"{image: a, mounts: {/a: tmpfs ro}}", "3", "no option 'ro'", ""},
	{"{image: a, mounts: {/a: tmpfs 0}}", "3", "size 0", ""},
	{"{image: a, mounts: {/a: \" \"}}", "3", "volume's name", ""},
	{"{image: a, mounts: {/a: v/o}}", "3", "can't be a volume's name", ""},
	{"{image: a, mounts: {/a: {}}}", "3", "either", ""},
	{"{image: a, mounts: {/a: {volume: v, tmpfs: 1Mi}}}", "3", "either", ""},
	{"{image: a, mounts: {/a: {volume: v, mode: \"0700\"}}}", "3", "mode", ""},
	{"{image: a, mounts: {/a: {tmpfs: 1Mi, mode: 9}}}", "3", "octal", ""},
	{"{image: a, mounts: {/a: {hostPath: /x}}}", "3", "has no key hostPath", "path:"},
	{"{image: a, mounts: [/a]}", "3", "must be a map", "tmpfs"},
	{"{image: a, rlimits: {nofiles: 1}}", "3", "no resource limit", "nofile"},
	{"{image: a, rlimits: {nofile: \"2:1\"}}", "3", "above", ""},
	{"{image: a, rlimits: [1]}", "3", "must be a map", ""},
	{"{image: a, sysctls: {kernel.core_pattern: x}}", "3", "can't be set", ""},
	{"{image: a, oom_score: 1001}", "3", "-1000 to 1000", ""},
	{"{image: a, oom_score: -1001}", "3", "-1000 to 1000", ""},
	{"{image: a, seccomp: strict}", "3", "can't be 'strict'", ""},
	{"{image: a, caps: {add: [KILL]}}", "3", "has no key add", "hole"},
	{"{image: a, caps: {drop: KILL}}", "3", "must be a list", ""},
	{"{image: a, caps: {drop: [KILLL]}}", "3", "no capability", "KILL"},
	{"{image: a, stop: {signal: TERN}}", "3", "no signal", "TERM"},
	{"{image: a, stop: {grace: 10}}", "3", "time", "10s"},
	{"{image: a, stop: 10s}", "3", "map", ""},
	{"{image: a, hooks: {pre_start: []}}", "3", "a hook is a program", ""},
	{"{image: a, hooks: {preStop: [a]}}", "3", "has no key preStop", "pre_stop"},
	{"{image: a, logs: {size: 1}}", "3", "at least 64Ki", ""},
	{"{image: a, logs: {files: 0}}", "3", "1 to 100", ""},
	{"{image: a, image: b}", "3", "twice", ""},
	/* understood, not built */
	{"{image: a, ready: {http: \":80 /\"}}", "3", "no address", "ready"},
	{"{image: a, ready: {htp: \":80/\"}}", "3", "has no key htp", "http"},
	{"{image: a, ready: {}}", "3", "exactly one", ""},
	{"{image: a, alive: {tcp: \":80\", exec: [a]}}", "3", "exactly one", ""},
	{"{image: a, alive: {tcp: \":80\", every: 5}}", "3", "time", "5s"},
	{"{image: a, started: {exec: []}}", "3", "exec is a program", ""},
	{"{image: a, ready: {tcp: \":80/x\"}}", "3", "no address", ""},
	{"{image: a, ready: {tcp: \":80\", headers: {A: b}}}", "3", "headers belong to an http probe", ""},
	{"{image: a, ready: {http: \":80\", headers: {\"A b\": c}}}", "3", "no header", ""},
	{"{image: a, ready: {http: \":80\", headers: {A: \"c\\r\\nB: d\"}}}", "3", "no header", ""},
	{"{image: a, alive: {tcp: \":80\", successes: 2}}", "3", "successes is 1", ""},
	{"{image: a, alive: {tcp: \":80\", failures: 0}}", "3", "failures is 1", ""},
	{"{image: a, ready: {tcp: \":80\", every: 1ms}}", "3", "at most every 10ms", ""},
	{"{image: a, hooks: {pre_stop: {tcp: \":1\"}}}", "3", "has no key tcp", ""},
	{"{image: a, hooks: {pre_stop: {sleep: 1s, exec: [a]}}}", "3", "exactly one", ""},
	{"{image: a, after: b}", "3", "list", ""},
	{"{image: a, params: [a]}", "3", "map", ""},
	{"{image: a, secrets: a}", "3", "map from a name", "token"},
	{"{image: a, secrets: [{a: b}]}", "3", "name of a secret", ""},
	{"{image: a, secrets: {a: /proc/x}}", "3", "nothing can be mounted", ""},
	{"{image: a, config: [a]}", "3", "map from a name", "site"},
	{"{image: a, config: {a: }}", "3", "needs its place", ""},
	{"{image: a, apparmor: x}", "3", "is not built yet", ""},
	{"{image: a, selinux: x}", "3", "is not built yet", ""},
};

static void check_refusal(const char *yaml, const char *place, const char *what, const char *hint)
{
	struct world w;
	struct pod p = {.ids = 4711};
	struct err e = {};
	autostr prefix = {};

	world_init(&w);
	str_addf(&prefix, "pod.yaml:%s:", place);
	if (world_parse(&w, yaml, &p, &e) != -ERR_USAGE)
		fail_msg("taken: %s (%s)", yaml, e.what);
	if (!str_has_prefix(e.what, prefix.text) || !strstr(e.what, what) || !strstr(e.hint, hint))
		fail_msg("%s\nerror: %s\nbecause: %s\ntry: %s\nexpected %s %s %s", yaml, e.what, e.because, e.hint,
			 prefix.text, what, hint);
	if (!*e.because || !*e.hint)
		fail_msg("%s\n%s: no reason or no advice", yaml, e.what);
	assert_int_equal(p.ids, 4711);
	world_free(&w);
}

static void bad_apps_are_refused_with_their_place(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(app_refusals); i++) {
		autostr yaml = {};

		str_addf(&yaml, "pod: shop\napps:\n      web: %s\n", app_refusals[i].app);
		check_refusal(yaml.text, app_refusals[i].place, app_refusals[i].what, app_refusals[i].hint);
	}
}

static const struct {
	const char *pod, *what, *hint;
} pod_refusals[] = {
	{"pod: Shop", "can't be a pod's name", ""},
	{"pod: [a]", "must be the pod's name", ""},
	{"name: shop", "has no key name", "pod:"},
	{"services: {}", "has no key services", "apps:"},
	{"hostname: a_b", "can't be a host's name", ""},
	{"dns: [localhost]", "must be an IP address", ""},
	{"dns: {servers: [1.1.1.1], search: [a b]}", "can't be a host's name", ""},
	{"dns: {nameservers: [1.1.1.1]}", "has no key nameservers", "servers:"},
	{"hosts: {db: localhost}", "IP address", ""},
	{"hosts: {\"a b\": 1.1.1.1}", "can't be a host's name", ""},
	{"hosts: [1.1.1.1]", "and a name", ""},
	{"hosts: [db 1.1.1.1]", "and a name", ""},
	{"hosts: [1.1.1.1 a_b]", "can't be a host's name", ""},
	{"hosts: 1.1.1.1", "must be a map", ""},
	{"ids: 1000", "multiple of 65536", "131072"},
	{"shm: big", "size", ""},
	{"holes: in:80", "must be a list", "in:8080:80"},
	{"holes: [in:80x]", "is no hole", ""},
	{"holes: [in:80, {in: 81, wy: x}]", "has no key wy", "why"},
	{"volumes: {a: {kep: true}}", "has no key kep", "keep"},
	{"volumes: {a: {tmpfs: 1Mi, keep: true}}", "can't be in memory", ""},
	{"volumes: {tmpfs: {}}", "can't be named tmpfs", ""},
	{"volumes: {a: {owner: web}}", "two numbers", ""},
	{"volumes: {a: {owner: \"5:-1\"}}", "two numbers", ""},
	{"volumes: {../a: {}}", "can't be a volume's name", ""},
	{"volumes: {a: {hostPath: /x}}", "has no key hostPath", "path:"},
	{"limits: {memory: 0}", "limited to nothing", ""},
	{"config: [a]", "map from a name", ""},
	{"config: {a: {fil: b}}", "has no key fil", "file"},
	{"config: {a: {}}", "exactly one of", ""},
	{"secrets: {a: b}", "map", ""},
	{"secrets: {a: {text: b}}", "does not stand in the manifest", "file"},
	{"secrets: {a: {env: \"A-B\"}}", "no name of a variable", ""},
	{"secrets: {a: {credential: ../b}}", "can't be a volume's name", ""},
	{"deadline: 10", "how long the pod may run", ""},
	{"volumes: {a: {image: x, keep: true}}", "as the image has them", ""},
	{"links: web", "links must be a list", "web -> php"},
	{"links: [[web]]", "expected a link", ""},
	{"links: [\"web -> php\"]", "is no link", "unix"},
	{"links: [web to php: tcp 1]", "is no link", ""},
	{"links: [web -> php: pigeon 1]", "'pigeon' is no kind of link", ""},
	{"links: [web -> PHP: tcp 1]", "can't be an app's name", ""},
	{"links: [web -> php]", "is no link", ""},
	{"links: [web -> php: tcp 0]", "can't be read", "tcp 5432"},
	{"grant: all", "is not built yet", ""},
	{"net: {mtu: 1400}", "is not built yet", ""},
};

static void bad_pods_are_refused_with_their_place(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pod_refusals); i++) {
		autostr yaml = {};

		str_addf(&yaml, "apps: {web: {image: a}}\n%s\n", pod_refusals[i].pod);
		check_refusal(yaml.text, "2", pod_refusals[i].what, pod_refusals[i].hint);
	}
	check_refusal("pod: a\n", "1", "lacks the key apps", "");
	check_refusal("apps: {}\n", "1", "at least one app", "");
	check_refusal("apps: {all: {image: a}}\n", "1", "can't be named 'all'", "");
	check_refusal("apps: {We_b: {image: a}}\n", "1", "can't be an app's name", "");
	check_refusal("[a]\n", "1", "map", "");
	check_refusal("apps: {web: {image: a}}\napps: {}\n", "2", "twice", "");
}



static unsigned warnings;
static void count_warning(const struct err *warning)
{
	warnings += strstr(warning->what, "has no key") != NULL;
}

static void unknown_keys_can_be_warnings(void **state)
{
	static const char text[] = "apps: {web: {image: a, ports: [80]}}\nx-note: b\n";
	struct world w;
	struct pod p = {};
	struct err e = {};

	world_init(&w);
	const struct native_input in = {.arena = &w.arena, .file = "pod.yaml", .warn = count_warning};

	assert_int_equal(native_parse(&in, text, strlen(text), &p, &e), 0);
	assert_int_equal(warnings, 2);
	world_free(&w);
}

static void relative_things_need_a_folder(void **state)
{
	static const char *const texts[] = {
		"apps: {web: {image: ./a.oci}}",
		"apps: {web: {image: a, seccomp: ./b}}",
		"{apps: {web: {image: a}}, holes: [\"path:x:/x\"]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autoarena a = {};
		struct pod p = {};
		struct err e = {};
		const struct native_input in = {.arena = &a, .file = "pod.yaml"};

		assert_int_equal(native_parse(&in, texts[i], strlen(texts[i]), &p, &e), -ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pods_keys_are_read),
		cmocka_unit_test(the_apps_keys_are_read),
		cmocka_unit_test(mounts_and_rlimits_are_read),
		cmocka_unit_test(json_is_a_manifest_too),
		cmocka_unit_test(bad_apps_are_refused_with_their_place),
		cmocka_unit_test(bad_pods_are_refused_with_their_place),
		cmocka_unit_test(unknown_keys_can_be_warnings),
		cmocka_unit_test(relative_things_need_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
