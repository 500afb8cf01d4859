/* SPDX-License-Identifier: Apache-2.0 */
/* A plan written as a manifest gives the same plan again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/str.h"
#include "pod/manifest_write.h"
#include "world.h"

static const char *const pods[] = {
	"{pod: shop, apps: {web: {image: nginx}}}",
	"{pod: my_shop, apps: {cache: {image: redis}, other: {image: redis}}}",
	"{pod: a, distance: joined, exit: x, hostname: h, shm: 1Mi, labels: {\"k: \": \"v\\n\\\"\\u00e9#\"},\n"
	" limits: {memory: 1Gi, swap: 5, cpus: 2}, dns: {servers: [1.1.1.1], search: [a.b]}, hosts: {x: 1.2.3.4, y: \"::1\"},\n"
	" sysctls: {net.core.somaxconn: 7}, apps: {x: {image: box, distance: close, kind: sidecar, exec: [\"\\ttab\", \": #\", \"{x}\"],\n"
	"  env: {A: \"1\", B: \"no\", C: \"a=b\"}, workdir: /srv/x y, user: web, groups: [video], read_only: true, tty: true,\n"
	"  stdin: true, init: true, tz: Europe/Berlin, limits: {memory: 5Mi, swap: unlimited, cpus: 0.25, cpu_shares: 2, cpuset: 0-1, pids: 5, io_weight: 3},\n"
	"  rlimits: {core: unlimited, nofile: \"1:2\"}, mounts: {/t: tmpfs, /u: tmpfs 1Mi noexec, /v: v ro, /w: {tmpfs: true, mode: \"0700\"}},\n"
	"  caps: {drop: [NET_RAW, MKNOD]}, seccomp: none, oom_score: -9, restart: always, stop: {signal: RTMIN+3, grace: 1500ms},\n"
	"  hooks: {pre_start: [/a, b], post_stop: [/c]}, logs: {size: 1Mi, files: 2}, labels: {q: r}}},\n"
	" volumes: {v: {keep: true, mode: \"0700\"}, t: {tmpfs: 5Mi}, u: {tmpfs: true, owner: \"3:4\"}}}",
	"{pod: b, apps: {x: {image: box}}, holes: [in:80, \"in:[::1]:0:5/udp@x\", \"in:1000-1005:2000\", \"path:/srv/site:/s:rw@x\",\n"
	" {path: /srv/file, to: \"/f:g@h\", why: \"a: b\"}, {in: 81, to: 82, addr: any, app: x, why: w}, {dev: /dev/fuse, access: r, why: y},\n"
	" {newprivs: true, app: x, why: z}, cap:NET_ADMIN@x, {cap: KILL, why: k}, socket:/run/x.sock, dev:/dev/sdx:/dev/y]}",
	"{pod: c, apps: {cache: {image: redis, mounts: {/data: d}}, two: {image: redis, mounts: {/data: d}}}, volumes: {d: {}}}",
};

/* What is the start's own and not the manifest's. */
static void forget_start(struct plan *p)
{
	for (size_t i = 0; i < p->holes.n; i++) {
		p->holes.v[i].origin = NULL;
		p->holes.v[i].writable_is_docker = false;
	}
}

static void check_same(struct world *w, struct plan *p, const char *yaml)
{
	struct plan again = {};
	autostr text = {}, first = {}, second = {};
	struct err e = {};

	forget_start(p);
	manifest_write(&text, p);
	if (world_plan(w, text.text, &again, &e))
		fail_msg("%s\n%s\nerror: %s\nbecause: %s", yaml, text.text, e.what, e.because);
	record_write(&first, &plan_set, p, RECORD_PRETTY);
	record_write(&second, &plan_set, &again, RECORD_PRETTY);
	if (strcmp(first.text, second.text))
		fail_msg("%s\n%s\n%s\n---\n%s", yaml, text.text, first.text, second.text);
}

static void manifests_come_back_as_the_same_plan(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		struct world w;
		struct plan p = {};
		struct err e = {};

		world_init(&w);
		if (world_plan(&w, pods[i], &p, &e))
			fail_msg("%s\nerror: %s\nbecause: %s", pods[i], e.what, e.because);
		check_same(&w, &p, pods[i]);
		world_free(&w);
	}
}

static void command_lines_come_back_too(void **state)
{
	static const char *const lines[] = {
		"run --name a nginx -p 8080:80 -v /srv/site:/s -v data:/d --tmpfs /t --- redis -m 64m -it",
		"run --name b --ids 131072 --rm box ls -l",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct world w;
		struct plan p = {};
		struct err e = {};

		world_init(&w);
		w.ids.count = 131072;
		assert_int_equal(world_line_plan(&w, lines[i], &p, &e), 0);
		p.remove = false;
		check_same(&w, &p, lines[i]);
		world_free(&w);
	}
}

static void closed_holes_are_left_out(void **state)
{
	struct world w;
	struct plan p = {};
	autostr text = {};
	struct err e = {};

	world_init(&w);
	assert_int_equal(world_plan(&w, "{apps: {x: {image: box}}, holes: [in:80, in:81]}", &p, &e), 0);
	p.holes.v[0].text = (char *)"";
	manifest_write(&text, &p);
	assert_null(strstr(text.text, "in:80"));
	assert_non_null(strstr(text.text, "in:81"));
	p.holes.v[1].text = NULL;
	str_reset(&text);
	manifest_write(&text, &p);
	assert_null(strstr(text.text, "holes"));
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_come_back_as_the_same_plan),
		cmocka_unit_test(command_lines_come_back_too),
		cmocka_unit_test(closed_holes_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
