/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of run and prepare: whom a flag is for, the order rules, docker's flags, -f. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	world_init(w);
	world_text(w, "pod.yaml", "pod: shop\nlabels: {a: b}\ndns: [1.1.1.1]\napps: {web: {image: nginx}}\nholes: [in:80]\n");
	world_text(w, "sub/pod.yaml", "apps: {web: {image: ./x.oci}}\nholes: [\"path:site:/site\"]\n");
	world_text(w, "bad.yaml", "apps: {web: {imag: nginx}}\n");
	world_text(w, "two.yaml", "apps: {web: {image: a}}\n---\napps: {web: {image: a}}\n");
	world_text(w, "empty.yaml", "");
	world_text(w, "env", "# comment\nA=1\r\n\nTOKEN\nNONE\n  B=x y=z\n");
	world_text(w, "badenv", "A=1\nB C=2\n");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static struct pod line(struct world *w, const char *words, struct run_flags *run)
{
	struct run_flags ignored;
	struct pod p = {};
	struct err e = {};

	if (world_line(w, words, &p, run ? run : &ignored, &e))
		fail_msg("%s\nerror: %s\nbecause: %s", words, e.what, e.because);
	return p;
}

static void words_behind_an_image_are_its_arguments(void **state)
{
	static const char *const cases[][2] = {
		{"run box", ""},
		{"run box ls -l", "ls -l"},
		{"run box -e A=b ls -l", "ls -l"},
		{"run box -- -x", "-x"},
		{"run box --", ""},
		{"run box -i - x", "- x"},
		{"run box sh -- -c", "sh -- -c"},
		{"run -- box ls", "ls"},
		{"run box ls -d", "ls -d"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pod p = line(w, cases[i][0], NULL);

		assert_int_equal(p.apps.n, 1);
		assert_string_equal(p.apps.v[0].image, "box");
		assert_string_equal(world_join(w, p.apps.v[0].args), cases[i][1]);
		assert_int_equal(p.apps.v[0].args != NULL, *cases[i][1] != 0);
	}
}

static void several_images_are_parted(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run --name shop nginx -m 64m --- redis:7 --name db -- --x --- nginx echo --", NULL);

	assert_int_equal(p.apps.n, 3);
	assert_string_equal(p.name, "shop");
	assert_string_equal(p.apps.v[0].name, "nginx");
	assert_string_equal(p.apps.v[1].name, "db");
	assert_string_equal(p.apps.v[2].name, "nginx-2");
	assert_int_equal(p.apps.v[0].limits.memory_bytes, 64 << 20);
	assert_int_equal(p.apps.v[1].limits.memory_bytes, 0);
	assert_string_equal(world_join(w, p.apps.v[1].args), "--x");
	assert_string_equal(world_join(w, p.apps.v[2].args), "echo --");
}

static void with_one_image_any_order_works(void **state)
{
	static const char *const lines[] = {
		"run -d --rm -m 64m --hostname h -e A=b box",
		"run box -d --rm -m 64m --hostname h -e A=b",
		"run -m 64m --rm box -d -e A=b --hostname h",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run_flags run = {};
		struct pod p = line(w, lines[i], &run);

		assert_true(run.detach && p.remove);
		assert_string_equal(p.hostname, "h");
		assert_int_equal(p.apps.v[0].limits.memory_bytes, 64 << 20);
		assert_string_equal(world_join(w, p.apps.v[0].env), "A=b");
	}
}

static void holes_are_the_pods_or_an_apps(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run --hole in:1 nginx --hole in:2 --hole in:3@nginx --- redis --hole path:./x:/x", NULL);

	assert_int_equal(p.holes.n, 4);
	assert_string_equal(p.holes.v[0].text, "in:1");
	assert_string_equal(p.holes.v[1].text, "in:2@nginx");
	assert_string_equal(p.holes.v[2].text, "in:3@nginx");
	assert_string_equal(p.holes.v[3].text, "path:/base/x:/x@redis");
	assert_null(p.holes.v[1].origin);
}

static void dockers_flags_are_holes(void **state)
{
	static const char *const cases[][2] = {
		{"-p 80", "in:0:80@box"},
		{"-p 8080:80", "in:8080:80@box"},
		{"-p 8080:80/udp", "in:8080:80/udp@box"},
		{"-p 53/udp", "in:0:53/udp@box"},
		{"-p :80", "in:0:80@box"},
		{"-p 127.0.0.1:8080:80", "in:127.0.0.1:8080:80@box"},
		{"-p 127.0.0.1::80", "in:127.0.0.1:0:80@box"},
		{"-p 0.0.0.0:80:80", "in:0.0.0.0:80@box"},
		{"-p [::1]:80", "in:[::1]:80@box"},
		{"-p 127.0.0.1:80", "in:127.0.0.1:80@box"},
		{"-p [::1]:8080:80", "in:[::1]:8080:80@box"},
		{"-p [::1]::80", "in:[::1]:0:80@box"},
		{"-p 8000-8002:9000-9002", "in:8000-8002:9000@box"},
		{"-v /srv/site:/site", "path:/srv/site:/site:rw@box"},
		{"-v /srv/site:/site:ro", "path:/srv/site:/site@box"},
		{"-v ./site:/site:rw", "path:/base/site:/site:rw@box"},
		{"--device /dev/fuse", "dev:/dev/fuse@box"},
		{"--device /dev/fuse:/dev/f:r", "dev:/dev/fuse:/dev/f:r@box"},
		{"--cap-add NET_ADMIN", "cap:NET_ADMIN@box"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pod p = line(w, arena_printf(&w->arena, "run %s box", cases[i][0]), NULL);

		assert_int_equal(p.holes.n, 1);
		assert_string_equal(p.holes.v[0].text, cases[i][1]);
		assert_string_equal(p.holes.v[0].origin, cases[i][0]);
	}
	assert_true(line(w, "run -v /srv/site:/s box", NULL).holes.v[0].writable_is_docker);
	assert_false(line(w, "run -v /srv/site:/s:ro box", NULL).holes.v[0].writable_is_docker);
}

static void network_and_privileged_are_the_pods_holes(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run --network host box", NULL);

	assert_string_equal(p.holes.v[0].text, "ns:net");
	assert_int_equal(line(w, "run --network none box", NULL).holes.n, 0);
	p = line(w, "run --privileged box", NULL);
	assert_int_equal(p.holes.n, 3);
	assert_string_equal(p.holes.v[0].text, "ns:user");
	assert_string_equal(p.holes.v[1].text, "cap:ALL");
	assert_string_equal(p.holes.v[2].text, "newprivs");
	assert_string_equal(p.holes.v[2].origin, "--privileged");
}

static void volumes_are_named_or_not(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run -v data:/data:ro -v data:/more -v /cache box", NULL);
	const struct pod_app *a = &p.apps.v[0];

	assert_int_equal(p.volumes.n, 2);
	assert_string_equal(p.volumes.v[0].name, "data");
	assert_true(p.volumes.v[0].keep);
	assert_string_equal(p.volumes.v[1].name, "box-cache");
	assert_false(p.volumes.v[1].keep);
	assert_int_equal(a->mounts.n, 3);
	assert_true(a->mounts.v[0].read_only && !a->mounts.v[1].read_only);
	assert_string_equal(a->mounts.v[2].target, "/cache");
	p = line(w, "run --tmpfs /a --tmpfs /b:size=64m,mode=0700,exec,nosuid box", NULL);
	assert_true(p.apps.v[0].mounts.v[0].noexec && !p.apps.v[0].mounts.v[1].noexec);
	assert_int_equal(p.apps.v[0].mounts.v[1].size_bytes, 64 << 20);
	assert_int_equal(p.apps.v[0].mounts.v[1].mode, 0700);
}

static void an_apps_flags_are_taken(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run box -u 5:6 -w /srv -m 1g --cpus 1.5 --pids 7 --cap-drop ALL --read-only --entrypoint /x"
			       " --restart always --stop-signal INT --stop-timeout 3 --init --tz UTC -it --hole in:9", NULL);
	const struct pod_app *a = &p.apps.v[0];

	assert_string_equal(a->user, "5:6");
	assert_string_equal(a->workdir, "/srv");
	assert_int_equal(a->limits.memory_bytes, 1 << 30);
	assert_int_equal(a->limits.cpus_milli, 1500);
	assert_int_equal(a->limits.pids, 7);
	assert_true(a->cap_drop && a->read_only && a->init && a->tty && a->stdin_open);
	assert_string_equal(world_join(w, a->exec), "/x");
	assert_int_equal(a->restart, RESTART_ALWAYS);
	assert_int_equal(a->stop.signal, 2);
	assert_int_equal(a->stop.grace_ns, 3000000000);
	assert_string_equal(a->tz, "UTC");
	assert_int_equal(line(w, "run --stop-timeout 0 box", NULL).apps.v[0].stop.has_grace, true);
	assert_int_equal(line(w, "run --stop-timeout 1m30s box", NULL).apps.v[0].stop.grace_ns, INT64_C(90000000000));
	assert_int_equal(line(w, "run --restart no box", NULL).apps.v[0].restart, RESTART_NEVER);
	assert_string_equal(world_join(w, line(w, "run --entrypoint [\"/a\",\"b\ac\"] box", NULL).apps.v[0].exec), "/a b c");
}

static void the_pods_flags_are_taken(void **state)
{
	struct world *w = *state;
	struct run_flags run = {};
	struct pod p = line(w, "run -q --name shop --distance joined --exit first --dns 1.1.1.1 --dns ::1 --pull never --label a=b"
			       " --label a=c --ids 131072 box", &run);

	assert_string_equal(p.name, "shop");
	assert_int_equal(p.distance, DISTANCE_JOINED + 1);
	assert_string_equal(p.exit, "first");
	assert_string_equal(world_join(w, p.dns.servers), "1.1.1.1 ::1");
	assert_int_equal(run.pull, PULL_NEVER);
	assert_string_equal(world_join(w, p.labels), "a=c");
	assert_int_equal(p.ids, 131072);
}

static void names_stand_for_pod_or_app_by_place(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run --name shop box --name web", NULL);

	assert_string_equal(p.name, "shop");
	assert_string_equal(p.apps.v[0].name, "web");
	p = line(w, "run -p 80:80 box --name web", NULL);
	assert_string_equal(p.holes.v[0].text, "in:80@web");
}

static void environments_come_from_words_files_and_the_caller(void **state)
{
	struct world *w = *state;
	struct pod p = line(w, "run -e A=0 --env-file env -e HOME -e NOTHING -e E= box", NULL);

	assert_string_equal(world_join(w, p.apps.v[0].env), "A=1 TOKEN=s3cret B=x y=z HOME=/home/me E=");
}

static void manifests_take_holes_and_replace_the_rest(void **state)
{
	struct world *w = *state;
	struct run_flags run = {};
	struct pod p = line(w, "run -f pod.yaml --hole in:81 --name other --dns 8.8.8.8 --label a=c --label d=e -d --rm", &run);

	assert_string_equal(p.name, "other");
	assert_string_equal(p.file, "pod.yaml");
	assert_true(run.detach && p.remove);
	assert_int_equal(p.holes.n, 2);
	assert_string_equal(p.holes.v[1].text, "in:81");
	assert_string_equal(world_join(w, p.dns.servers), "8.8.8.8");
	assert_string_equal(world_join(w, p.labels), "a=c d=e");
	p = line(w, "run -f sub/pod.yaml", NULL);
	assert_string_equal(p.apps.v[0].image, "/base/sub/x.oci");
	assert_string_equal(p.holes.v[0].source, "/base/sub/site");
}

static const struct {
	const char *line;
	int code;
	const char *what, *because, *hint;
} refusals[] = {
	{"run", ERR_USAGE, "nothing to run", "", "rocket run"},
	{"run -d", ERR_USAGE, "nothing to run", "", ""},
	{"run box ---", ERR_USAGE, "an image is missing", "", ""},
	{"run --- box", ERR_USAGE, "an image is missing", "---", ""},
	{"run box --- --- box", ERR_USAGE, "an image is missing", "", ""},
	{"run box --- -e A=b box", ERR_USAGE, "an image is missing", "'-e'", ""},
	{"run -m 64m box --- redis", ERR_USAGE, "-m 64m is a flag of one app", "", "box -m 64m"},
	{"run -p 80:80 box --- redis", ERR_USAGE, "-p 80:80 is a flag of one app", "", "box -p 80:80"},
	{"run box -d --- redis", ERR_USAGE, "-d is a flag of the whole pod", "", "-d box"},
	{"run box --- redis --network host", ERR_USAGE, "whole pod", "", ""},
	{"run --memmory 5 box", ERR_USAGE, "--memmory", "", "--memory"},
	{"run box --hole in:80@redis --- redis", ERR_USAGE, "stands behind the image of 'box'", "", "before"},
	{"run box --hole ns:net", ERR_USAGE, "whole pod's", "", ""},
	{"run box --name web --- redis --name WEB", ERR_USAGE, "can't be an app's name", "", ""},
	{"run box --name", ERR_USAGE, "needs a value", "", ""},
	{"run --name Shop box", ERR_USAGE, "can't be a pod's name", "", ""},
	{"run --hostname a_b box", ERR_USAGE, "can't be a host's name", "", ""},
	{"run --distance near box", ERR_USAGE, "can't be done", "joined, close, apart", ""},
	{"run --dns localhost box", ERR_USAGE, "--dns localhost can't be done", "IP", ""},
	{"run --pull now box", ERR_USAGE, "can't be done", "missing, always, never", ""},
	{"run --label x box", ERR_USAGE, "can't be done", "KEY=VALUE", ""},
	{"run --ids 5 box", ERR_USAGE, "can't be done", "65536", ""},
	{"run --ignore-unknown box", ERR_USAGE, "can't be done", "-f", ""},
	{"run --network bridge box", ERR_USAGE, "can't be done", "no networks", "--hole"},
	{"run --link a:b:tpc:1 box", ERR_USAGE, "'tpc' is no kind of link", "a link is one of", "tcp"},
	{"run --grant all box", ERR_USAGE, "--grant is not built yet", "", ""},
	{"run box --secret a", ERR_USAGE, "can't be done", "where the secret comes from", "NAME=./FILE"},
	{"run box --secret a=env:9", ERR_USAGE, "no name of a variable", "", ""},
	{"run box --secret ../a=x", ERR_USAGE, "can't be a volume's name", "", ""},
	{"run box --ready tcp:80:", ERR_USAGE, "no address", "", ""},
	{"run box --ready tcp::70000", ERR_USAGE, "no address", "", ""},
	{"run box --ready http:example.org:80/", ERR_USAGE, "no address", "the app itself", ""},
	{"run box --ready smtp::25", ERR_USAGE, "no probe", "exec:", ""},
	{"run box --param a", ERR_USAGE, "can't be done", "KEY=VALUE", ""},
	{"run -e = box", ERR_USAGE, "can't be done", "KEY=VALUE", ""},
	{"run --env-file nofile box", ERR_NOT_FOUND, "no file", "", ""},
	{"run --env-file badenv box", ERR_USAGE, "badenv:2", "", ""},
	{"run -w srv box", ERR_USAGE, "can't be done", "absolute", ""},
	{"run -m much box", ERR_USAGE, "can't be done", "256m", ""},
	{"run -m 0 box", ERR_USAGE, "can't be done", "", ""},
	{"run -m 1k box", ERR_USAGE, "out of range", "", ""},
	{"run --cpus 0 box", ERR_USAGE, "can't be done", "", ""},
	{"run --cpus 0.001 box", ERR_USAGE, "out of range", "0.01", ""},
	{"run --pids 0 box", ERR_USAGE, "can't be done", "", ""},
	{"run --cap-drop NET box", ERR_USAGE, "no capability", "", ""},
	{"run --cap-add NET box", ERR_USAGE, "no capability", "", ""},
	{"run --restart unless-stopped box", ERR_USAGE, "can't be done", "never, on-failure", "always"},
	{"run --restart on-failure:3 box", ERR_USAGE, "can't be done", "", "on-failure"},
	{"run --stop-signal FOO box", ERR_USAGE, "no signal", "", ""},
	{"run --stop-timeout soon box", ERR_USAGE, "can't be done", "10s", ""},
	{"run --entrypoint [1] box", ERR_USAGE, "can't be done", "no text", ""},
	{"run --entrypoint [ box", ERR_USAGE, "can't be done", "JSON", ""},
	{"run --entrypoint [] box", ERR_USAGE, "can't be done", "empty", ""},
	{"run -p x box", ERR_USAGE, "no hole", "", ""},
	{"run -p 80-90 box", ERR_USAGE, "can't be done", "range", ""},
	{"run -p 1:2:3:4:5 box", ERR_USAGE, "no hole", "", ""},
	{"run -p host:80:80 box", ERR_USAGE, "no hole", "", ""},
	{"run -v /a:/b:z box", ERR_USAGE, "can't be done", "ro and rw", ""},
	{"run -v :/b box", ERR_USAGE, "can't be done", "missing", ""},
	{"run -v /a:b box", ERR_USAGE, "nothing can be mounted", "", ""},
	{"run -v /a:/proc box", ERR_USAGE, "nothing can be mounted", "", ""},
	{"run -v x/y:/b box", ERR_USAGE, "can't be a volume's name", "", ""},
	{"run -v tmpfs:/b box", ERR_USAGE, "can't be done", "", ""},
	{"run -v data box", ERR_USAGE, "nothing can be mounted", "", ""},
	{"run --tmpfs tmp box", ERR_USAGE, "nothing can be mounted", "", ""},
	{"run --tmpfs /t:size=0 box", ERR_USAGE, "can't be done", "", ""},
	{"run --tmpfs /t:ro box", ERR_USAGE, "can't be done", "", ""},
	{"run --device /dev/null box", ERR_USAGE, "no hole", "", ""},
	{"run -f pod.yaml box", ERR_USAGE, "can't go together", "", ""},
	{"run -f pod.yaml -m 5m", ERR_USAGE, "flag of one app", "", "pod.yaml"},
	{"run -f pod.yaml -p 80:80", ERR_USAGE, "flag of one app", "", "--hole"},
	{"run -f pod.yaml -f two.yaml", ERR_USAGE, "can't be done", "once", ""},
	{"run -f none.yaml", ERR_NOT_FOUND, "no file", "", ""},
	{"run -f bad.yaml", ERR_USAGE, "bad.yaml:1:14", "", "image"},
	{"run -f two.yaml", ERR_USAGE, "two.yaml:3:1", "", ""},
	{"run -f empty.yaml", ERR_USAGE, "empty.yaml is empty", "", ""},
};

static void everything_else_is_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct run_flags run = {};
		struct pod p = {.ids = 4711};
		struct err e = {};

		if (world_line(w, refusals[i].line, &p, &run, &e) != -refusals[i].code || !strstr(e.what, refusals[i].what) ||
		    !strstr(e.because, refusals[i].because) || !strstr(e.hint, refusals[i].hint))
			fail_msg("%s\n(%d) error: %s\nbecause: %s\ntry: %s", refusals[i].line, e.code, e.what, e.because, e.hint);
		if (!*e.because && e.code == ERR_USAGE)
			fail_msg("%s\n%s: no reason", refusals[i].line, e.what);
		assert_int_equal(p.ids, 4711);
	}
}

static void lines_become_plans(void **state)
{
	struct world *w = *state;
	struct plan p = {};
	struct err e = {};

	if (world_line_plan(w, "run -d --name shop nginx -p 8080:80 -v /srv/site:/site:ro --- redis", &p, &e))
		fail_msg("%s", e.what);
	assert_string_equal(p.apps.v[0].name, "nginx");
	assert_string_equal(world_join(w, p.apps.v[0].argv), "/entry.sh nginx -g daemon");
	assert_non_null(world_mount(&p.apps.v[0], "/site"));
	assert_int_equal(world_line_plan(w, "run --privileged box", &p, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "--privileged"));
}

static void every_option_has_help(void **state)
{
	static const struct opt *const tables[] = {flags_pod_options, flags_app_options};

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct opt *o = tables[t]; o->name; o++)
			assert_true(o->help && *o->help && o->help[strlen(o->help) - 1] != '.');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(words_behind_an_image_are_its_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(several_images_are_parted, setup, teardown),
		cmocka_unit_test_setup_teardown(with_one_image_any_order_works, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_are_the_pods_or_an_apps, setup, teardown),
		cmocka_unit_test_setup_teardown(dockers_flags_are_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(network_and_privileged_are_the_pods_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(volumes_are_named_or_not, setup, teardown),
		cmocka_unit_test_setup_teardown(an_apps_flags_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(the_pods_flags_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(names_stand_for_pod_or_app_by_place, setup, teardown),
		cmocka_unit_test_setup_teardown(environments_come_from_words_files_and_the_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(manifests_take_holes_and_replace_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(everything_else_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_become_plans, setup, teardown),
		cmocka_unit_test_setup_teardown(every_option_has_help, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
