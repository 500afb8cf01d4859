/* SPDX-License-Identifier: Apache-2.0 */
/* An appc PodManifest becomes the same struct pod; isolators are enforced or refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/caps.h"
#include "pod/manifest.h"
#include "world.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define ID "sha512-" HEX32 HEX32 HEX32 HEX32

static unsigned warnings;

static void count_warning(const struct err *warning)
{
	warnings += warning->what[0] != 0;
}

static int parse(struct world *w, const char *text, bool lenient, struct pod *ret, struct err *e)
{
	const struct native_input in = {
		.arena = &w->arena, .file = "pod.json", .base_dir = "/base", .warn = lenient ? count_warning : NULL};

	return manifest_parse(&in, text, strlen(text), ret, e);
}

static const char whole[] =
	"{\"acVersion\": \"0.8.11\", \"acKind\": \"PodManifest\",\n"
	" \"apps\": [\n"
	"  {\"name\": \"reduce-worker\", \"image\": {\"name\": \"example.com/reduce\", \"id\": \"" ID "\", \"labels\": [{\"name\": \"os\", \"value\": \"linux\"}]},\n"
	"   \"app\": {\"exec\": [\"/bin/reduce\", \"-x\"], \"user\": \"web\", \"group\": \"0\", \"supplementaryGIDs\": [400, 500],\n"
	"     \"workingDirectory\": \"/opt\", \"environment\": [{\"name\": \"A\", \"value\": \"b=c\"}],\n"
	"     \"eventHandlers\": [{\"name\": \"pre-start\", \"exec\": [\"/pre\"]}, {\"name\": \"post-stop\", \"exec\": [\"/post\", \"1\"]}],\n"
	"     \"mountPoints\": [{\"name\": \"db\", \"path\": \"/db\", \"readOnly\": true}],\n"
	"     \"ports\": [{\"name\": \"health\", \"protocol\": \"tcp\", \"port\": 4000}, {\"name\": \"range\", \"protocol\": \"udp\", \"port\": 70, \"count\": 3}],\n"
	"     \"isolators\": [{\"name\": \"resource/cpu\", \"value\": {\"request\": \"250m\", \"limit\": \"500m\"}},\n"
	"       {\"name\": \"resource/memory\", \"value\": {\"limit\": \"64Mi\"}}, {\"name\": \"os/linux/oom-score-adj\", \"value\": -7},\n"
	"       {\"name\": \"os/linux/capabilities-retain-set\", \"value\": {\"set\": [\"CAP_KILL\", \"CAP_NET_ADMIN\"]}},\n"
	"       {\"name\": \"os/linux/no-new-privileges\", \"value\": true}, {\"name\": \"os/unix/sysctl\", \"value\": {\"net.core.somaxconn\": \"5\"}}]},\n"
	"   \"readOnlyRootFS\": true,\n"
	"   \"mounts\": [{\"volume\": \"work\", \"path\": \"/db\"}, {\"volume\": \"site\", \"path\": \"/site\"}, {\"volume\": \"work\", \"path\": \"/rw\"}],\n"
	"   \"annotations\": [{\"name\": \"foo\", \"value\": \"baz\"}]},\n"
	"  {\"name\": \"plain\", \"image\": {\"id\": \"" ID "\"}}],\n"
	" \"volumes\": [{\"name\": \"work\", \"kind\": \"empty\", \"mode\": \"0700\", \"uid\": 5, \"gid\": 6},\n"
	"   {\"name\": \"site\", \"kind\": \"host\", \"source\": \"/srv/site\", \"readOnly\": true, \"recursive\": true}],\n"
	" \"isolators\": [{\"name\": \"resource/memory\", \"value\": {\"limit\": \"1G\"}}],\n"
	" \"annotations\": [{\"name\": \"ip-address\", \"value\": \"10.1.2.3\"}], \"userLabels\": {\"x\": \"y\"},\n"
	" \"ports\": [{\"name\": \"health\", \"hostPort\": 80}, {\"name\": \"range\", \"hostPort\": 170, \"hostIP\": \"127.0.0.1\"}, {\"name\": \"other\", \"hostPort\": 9, \"podPort\": 99}]}\n";

static struct pod parsed(struct world *w, const char *text)
{
	struct image *i;
	struct pod p = {};
	struct err e = {};

	world_init(w);
	i = world_image(w, ID);
	arena_strv_add(&w->arena, &i->config.entrypoint, "/image");
	arena_strv_add(&w->arena, &i->config.env, "IMAGE=1");
	arena_strv_add(&w->arena, &i->config.volumes, "/vol");
	if (parse(w, text, false, &p, &e))
		fail_msg("%s (%s)", e.what, e.because);
	return p;
}

static void an_app_section_is_read(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	const struct pod_app *a = &p.apps.v[0];

	assert_int_equal(p.apps.n, 2);
	assert_string_equal(a->name, "reduce-worker");
	assert_string_equal(a->image, ID);
	assert_true(a->replaces_config && a->read_only && !p.apps.v[1].replaces_config);
	assert_string_equal(world_join(&w, a->exec), "/bin/reduce -x");
	assert_string_equal(a->user, "web:0");
	assert_string_equal(world_join(&w, a->groups), "400 500");
	assert_string_equal(a->workdir, "/opt");
	assert_string_equal(world_join(&w, a->env), "AC_APP_NAME=reduce-worker A=b=c");
	assert_string_equal(world_join(&w, a->pre_start), "/pre");
	assert_string_equal(world_join(&w, a->post_stop), "/post 1");
	assert_int_equal(a->limits.cpus_milli, 500);
	assert_int_equal(a->limits.cpu_shares, 256);
	assert_int_equal(a->limits.memory_bytes, 64 << 20);
	assert_int_equal(a->oom_score, -7);
	assert_int_equal(a->cap_drop, caps_all & ~(UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_ADMIN));
	assert_string_equal(world_join(&w, a->sysctls), "net.core.somaxconn=5");
	assert_string_equal(world_join(&w, a->labels), "foo=baz");
	world_free(&w);
}

static void the_pods_part_is_read(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	const struct pod_app *a = &p.apps.v[0];

	assert_null(p.name);
	assert_int_equal(p.limits.memory_bytes, 1000000000);
	assert_string_equal(world_join(&w, p.labels), "ip-address=10.1.2.3 x=y");
	assert_int_equal(p.volumes.n, 1);
	assert_int_equal(p.volumes.v[0].mode, 0700);
	assert_int_equal(p.volumes.v[0].gid, 6);
	assert_int_equal(a->mounts.n, 2);
	assert_true(a->mounts.v[0].read_only && !a->mounts.v[1].read_only);
	assert_int_equal(p.holes.n, 5);
	assert_string_equal(p.holes.v[0].text, "cap:NET_ADMIN@reduce-worker");
	assert_string_equal(p.holes.v[1].text, "path:/srv/site:/site@reduce-worker");
	assert_string_equal(p.holes.v[2].text, "in:any:80:4000@reduce-worker");
	assert_string_equal(p.holes.v[3].text, "in:127.0.0.1:170-172:70/udp@reduce-worker");
	assert_string_equal(p.holes.v[4].text, "in:any:9:99");
	world_free(&w);
}

static void an_app_section_replaces_the_images_whole(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	struct plan plan = {};
	struct err e = {};

	if (world_resolve(&w, &p, &plan, &e))
		fail_msg("%s (%s)", e.what, e.because);
	assert_string_equal(world_join(&w, plan.apps.v[0].argv), "/bin/reduce -x");
	assert_null(world_env(&plan.apps.v[0], "IMAGE"));
	assert_null(world_mount(&plan.apps.v[0], "/vol"));
	assert_int_equal(plan.apps.v[0].uid, 101);
	assert_int_equal(plan.apps.v[0].gid, 0);
	assert_int_equal(plan.apps.v[0].caps, UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_ADMIN);
	assert_string_equal(world_join(&w, plan.apps.v[1].argv), "/image");
	assert_string_equal(world_env(&plan.apps.v[1], "IMAGE"), "1");
	assert_non_null(world_mount(&plan.apps.v[1], "/vol"));
	world_free(&w);
}

#define POD(apps, rest) "{acVersion: 0.8.11, acKind: PodManifest, apps: [" apps "]" rest "}"
#define APP(rest) "{name: a, image: {id: " ID "}" rest "}"
#define SECTION(rest) APP(", app: {exec: [x], user: \"0\", group: \"0\"" rest "}")
#define ISOLATOR(name, value) POD(SECTION(", isolators: [{name: " name ", value: " value "}]"), "")

static const struct {
	const char *text, *what;
	bool warning;
} refusals[] = {
	{"{acVersion: 0.8.11, acKind: ImageManifest, apps: []}", "describes no pod", false},
	{"{acVersion: 1.0.0, acKind: PodManifest, apps: []}", "acVersion 1.0.0", false},
	{POD("", ""), "at least one app", false},
	{POD("{name: a}", ""), "lacks the key image", false},
	{POD("{name: a, image: {name: x}}", ""), "lacks the key id", false},
	{POD("{name: a, image: {id: sha512-00}}", ""), "whole id", false},
	{POD("{name: a, image: {id: ../../x}}", ""), "whole id", false},
	{POD("{name: A, image: {id: " ID "}}", ""), "can't be an app's name", false},
	{POD(APP(""), ", extra: 1"), "no key extra", true},
	{POD(APP(", app: {exec: [x]}"), ""), "lacks the key user", false},
	{POD(APP(", app: {user: /bin/x, group: \"0\"}"), ""), "owner of a file", true},
	{POD(SECTION(", workingDirectory: x"), ""), "absolute", false},
	{POD(SECTION(", environment: [{name: \"\", value: x}]"), ""), "can't be empty", false},
	{POD(SECTION(", eventHandlers: [{name: pre-stop, exec: [x]}]"), ""), "pre-start and post-stop", false},
	{POD(SECTION(", eventHandlers: [{name: pre-start, exec: [x]}, {name: pre-start, exec: [y]}]"), ""), "each once", false},
	{POD(SECTION(", eventHandlers: [{name: pre-start, exec: []}]"), ""), "a program", false},
	{POD(SECTION(", mountPoints: [{name: db, path: /db}]"), ""), "nothing is mounted", false},
	{POD(APP(", mounts: [{volume: v, path: /v}]"), ""), "no volume 'v'", false},
	{POD(APP(", mounts: [{volume: v, path: /v, appVolume: {}}]"), ", volumes: [{name: v, kind: empty}]"), "no key appVolume", true},
	{POD(APP(", mounts: [{volume: v, path: v}]"), ", volumes: [{name: v, kind: empty}]"), "nothing can be mounted", false},
	{POD(APP(", mounts: [{volume: v, path: /sys}]"), ", volumes: [{name: v, kind: host, source: /srv}]"), "no hole", false},
	{POD(APP(""), ", volumes: [{name: v, kind: tmp}]"), "kind host", false},
	{POD(APP(""), ", volumes: [{name: v, kind: empty, source: /x}]"), "kind host", false},
	{POD(APP(""), ", volumes: [{name: v, kind: host}]"), "absolute source", false},
	{POD(APP(""), ", volumes: [{name: v, kind: host, source: x}]"), "absolute source", false},
	{POD(APP(""), ", volumes: [{name: v, kind: host, source: /x, uid: 5}]"), "belong to an empty", false},
	{POD(APP(""), ", volumes: [{name: v, kind: host, source: /x, recursive: false}]"), "recursive", true},
	{POD(APP(""), ", volumes: [{name: v, kind: empty, mode: 9}]"), "octal", false},
	{POD(APP(""), ", volumes: [{name: v, kind: empty}, {name: v, kind: empty}]"), "two volumes", false},
	{POD(APP(""), ", ports: [{name: p, hostPort: 80}]"), "has a port named 'p'", false},
	{POD(APP(""), ", ports: [{name: p, hostPort: 0, podPort: 1}]"), "1 to 65535", false},
	{POD(APP(""), ", ports: [{name: p, hostPort: 1, podPort: 70000}]"), "1 to 65535", false},
	{POD(SECTION(", ports: [{name: p, port: 65535, protocol: tcp, count: 2}]"), ", ports: [{name: p, hostPort: 80}]"), "1 to 65535", false},
	{POD(SECTION(", ports: [{name: p, port: 80, protocol: sctp}]"), ", ports: [{name: p, hostPort: 80}]"), "tcp or udp", false},
	{POD(SECTION(", ports: [{name: p, port: 80, protocol: tcp, socketActivated: true}]"), ", ports: [{name: p, hostPort: 80}]"), "socketActivated", true},
	{POD(APP(""), ", isolators: [{name: os/linux/no-new-privileges, value: true}]"), "does not belong to a pod", false},
	{POD(APP(""), ", isolators: [{name: x}]"), "a name and a value", false},
	{POD(APP(""), ", isolators: {}"), "must be a list", false},
	{ISOLATOR("made/up", "1"), "which nobody knows", true},
	{ISOLATOR("os/linux/seccomp-retain-set", "{set: [x]}"), "os/linux/seccomp-retain-set", true},
	{ISOLATOR("os/linux/apparmor-profile", "{profile: x}"), "apparmor", true},
	{ISOLATOR("resource/network-bandwidth", "{default: true, limit: 1G}"), "network-bandwidth", true},
	{ISOLATOR("os/linux/capabilities-remove-set", "{set: []}"), "not empty", false},
	{ISOLATOR("os/linux/capabilities-remove-set", "{set: [CAP_X]}"), "no capability", false},
	{ISOLATOR("os/linux/oom-score-adj", "2000"), "-1000 to 1000", false},
	{ISOLATOR("os/linux/cpu-shares", "1"), "2 to 262144", false},
	{ISOLATOR("resource/memory", "{limit: lots}"), "quantity", false},
	{ISOLATOR("resource/memory", "{}"), "request or limit", false},
	{ISOLATOR("resource/memory", "{limit: 64Mi, max: 1}"), "'max' stands there", false},
	{ISOLATOR("resource/memory", "{limit: 1}"), "out of range", false},
	{ISOLATOR("resource/memory", "{limit: 64Mi, request: 65Mi}"), "larger", false},
	{ISOLATOR("resource/cpu", "{limit: fast}"), "quantity", false},
	{ISOLATOR("os/unix/sysctl", "{kernel.core_pattern: x}"), "can't be set", false},
	{ISOLATOR("os/linux/no-new-privileges", "1"), "true or false", false},
	{POD(SECTION(", isolators: [{name: os/linux/cpu-shares, value: 5}, {name: os/linux/cpu-shares, value: 5}]"), ""), "given twice", false},
	{POD(APP(""), "") "\n---\na: b\n", "one document", false},
};

static void what_cant_be_honoured_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct world w;
		struct pod p = {};
		struct err e = {};
		int rc;

		world_init(&w);
		if (parse(&w, refusals[i].text, false, &p, &e) != -ERR_USAGE || !strstr(e.what, refusals[i].what))
			fail_msg("%s\nerror: %s\nbecause: %s", refusals[i].text, e.what, e.because);
		assert_true(e.because[0] && e.hint[0]);
		assert_true(str_has_prefix(e.what, "pod.json:"));
		warnings = 0;
		rc = refusals[i].warning ? parse(&w, refusals[i].text, true, &p, &e) : 0;
		if (rc || (refusals[i].warning && !warnings))
			fail_msg("%s\nwith --ignore-unknown: %s", refusals[i].text, e.what);
		world_free(&w);
	}
}

static void false_opens_new_privileges(void **state)
{
	struct world w;
	struct pod p = parsed(&w, ISOLATOR("os/linux/no-new-privileges", "false"));

	assert_int_equal(p.holes.n, 1);
	assert_string_equal(p.holes.v[0].text, "newprivs@a");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_app_section_is_read),
		cmocka_unit_test(the_pods_part_is_read),
		cmocka_unit_test(an_app_section_replaces_the_images_whole),
		cmocka_unit_test(what_cant_be_honoured_is_refused_by_name),
		cmocka_unit_test(false_opens_new_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
