/* SPDX-License-Identifier: Apache-2.0 */
/* The hole grammar: every form and its normal text, what is no hole, the long form, what is supported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/hole.h"

/* What is written, and its normal form (NULL: the same). */
static const char *const good[][2] = {
	{"in:8080", NULL},
	{"in:8080:80", NULL},
	{"in:8080:8080", "in:8080"},
	{"in:8080:80/tcp", "in:8080:80"},
	{"in:8080:80/udp", NULL},
	{"in:8080:80@web", NULL},
	{"in:127.0.0.1:8080:80", NULL},
	{"in:any:80", NULL},
	{"in:0.0.0.0:80", NULL},
	{"in:[::1]:8080:80", NULL},
	{"in:[0:0::1]:8080", "in:[::1]:8080"},
	{"in:0:80", NULL},
	{"in:8000-8010", NULL},
	{"in:8000-8010:9000", NULL},
	{"in:8000-8010:9000-9010", "in:8000-8010:9000"},
	{"in:8000-8000:90", "in:8000:90"},
	{"in:fd:http.socket", NULL},
	{"in:pod:5432@db", NULL},
	{"in:pod/shop:5432", NULL},
	{"in:pod:53/udp", NULL},
	{"out:api.example.com:443", NULL},
	{"out:API.Example.COM:443@web", "out:api.example.com:443@web"},
	{"out:.example.org:443", NULL},
	{"out:10.1.2.3:80-90", NULL},
	{"out:10.0.0.0/8:*", NULL},
	{"out:[2001:db8::1]:443", NULL},
	{"out:[2001:db8::/32]:443/udp", NULL},
	{"out:example.com:*/icmp", NULL},
	{"out:internet", NULL},
	{"out:lan/udp", NULL},
	{"out:host:5432", NULL},
	{"out:pod/db:5432", NULL},
	{"path:/srv/site:/usr/share/site", NULL},
	{"path:/srv/site:/usr/share/site:rw@web", NULL},
	{"path:/srv/site:/usr/share/site:ro", "path:/srv/site:/usr/share/site"},
	{"path:./site:/site", "path:/base/site:/site"},
	{"path:../site:/site/", "path:/site:/site"},
	{"path:/a//b/./c/../d:/x", "path:/a/b/d:/x"},
	{"socket:/run/x.sock", NULL},
	{"socket:/run/x.sock:/run/y.sock@web", NULL},
	{"socket:/run/x.sock:/run/x.sock", "socket:/run/x.sock"},
	{"dev:/dev/fuse", NULL},
	{"dev:/dev/fuse:rw", "dev:/dev/fuse"},
	{"dev:/dev/fuse:r", NULL},
	{"dev:/dev/sda:/dev/disk:rwm", NULL},
	{"dev:vendor.com/gpu=0", NULL},
	{"cap:net_admin", "cap:NET_ADMIN"},
	{"cap:CAP_SYS_PTRACE@web", "cap:SYS_PTRACE@web"},
	{"cap:all", "cap:ALL"},
	{"newprivs", NULL},
	{"newprivs@web", NULL},
	{"ns:net", NULL},
	{"ns:user", NULL},
};

static void forms_have_one_normal_text(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		autoarena a = {};
		struct hole h = {}, again = {};
		struct err e = {};

		if (hole_parse(&a, good[i][0], "/base", &h, &e))
			fail_msg("%s: %s (%s)", good[i][0], e.what, e.because);
		assert_string_equal(h.text, good[i][1] ? good[i][1] : good[i][0]);
		assert_int_equal(hole_parse(&a, h.text, NULL, &again, &e), 0);
		assert_string_equal(again.text, h.text);
	}
}

static const char *const bad[] = {
	"", ":", "in", "in:", "in:web", "in:65536", "in:-1", "in:80:", "in:80:0", "in:80:80:80:80", "in:0", "in:0-5", "in:9-8",
	"in:80-90:65530", "in:80-90:1-5", "in:80/icmp", "in:80/sctp", "in:::1:80", "in:[::1]80", "in:[::1]", "in:[80]:80",
	"in:1.2.3:80", "in:localhost:80", "in:1.2.3.4", "in:80@", "in:80@WEB", "in:80@all", "in:80@host", "in:fd:", "in:fd:a/b",
	"in:pod", "in:pod:", "in:pod/:80", "in:pod/A:80", "in:pod/a:x", "in:+80", "in: 80", "in:080:80x", "in:8080\n",
	"out:", "out:example.com", "out:example.com:", "out::443", "out:exa mple:443", "out:-a.com:443", "out:a..b:443",
	"out:2001:db8::1:443", "out:[2001:db8::1]", "out:10.0.0.1/8:443", "out:10.0.0.0/33:443", "out:[::]/0:1",
	"out:example.com:443/icmp", "out:pod/:1", "out:internet:443x", "out:.:443", "out:[1.2.3.4]:80",
	"path:", "path:/a", "path:/a:", "path::/a", "path:/a:b", "path:/a:/", "path:/a:/b:x", "path:/a:/b:rw:rw", "path:/a:/proc",
	"path:/a:/proc/x", "path:/a:/sys", "path:/a:/dev/shm", "path:/a:/b/../c", "path:/a:/b//c", "path:/a:/b//",
	"socket:", "socket:/a:b", "socket:/a:/b:/c", "socket:/a:/proc/1",
	"dev:", "dev:/dev/a:/b", "dev:/dev/a:x", "dev:/dev/a:rr", "dev:/dev/a:/dev/null", "dev:/dev/a:/dev/pts/0", "dev:a=b",
	"dev:/b=", "dev:v/=x", "dev:/dev/a:r:/dev/b", "dev:/dev/../etc/shadow",
	"cap:", "cap:NET", "cap:CAP_", "cap:SYS_ADMINX", "newprivs:", "newprivs:x", "ns:", "ns:mnt", "ns:net@web",
	"port:80", "In:80", "in 80", "path:/a:/b@c:d",
};

static void what_is_no_hole_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		struct hole h = {.port = 4711};
		struct err e = {};
		int rc = hole_parse(&a, bad[i], "/base", &h, &e);

		if (rc != -ERR_USAGE)
			fail_msg("'%s' was taken as %s", bad[i], h.text);
		assert_int_equal(h.port, 4711);
		assert_true(e.what[0] && e.because[0]);
	}
}

static void long_texts_and_deep_paths_are_bounded(void **state)
{
	autoarena a = {};
	char text[10000];
	struct hole h = {};
	struct err e = {};

	memset(text, 'a', sizeof(text));
	memcpy(text, "path:/", 6);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(hole_parse(&a, text, NULL, &h, &e), -ERR_USAGE);
	text[5000] = 0;
	memcpy(text + 4990, ":/b", 4);
	assert_int_equal(hole_parse(&a, text, NULL, &h, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "4095"));
}

static void relative_paths_need_a_folder(void **state)
{
	autoarena a = {};
	struct hole h = {};
	struct err e = {};

	assert_int_equal(hole_parse(&a, "path:site:/site", NULL, &h, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "absolute"));
}

static void members_are_filled(void **state)
{
	autoarena a = {};
	struct hole h = {};
	struct err e = {};

	assert_int_equal(hole_parse(&a, "in:[::1]:8000-8003:9000/udp@web", NULL, &h, &e), 0);
	assert_int_equal(h.kind, HOLE_IN);
	assert_string_equal(h.addr, "::1");
	assert_int_equal(h.port, 8000);
	assert_int_equal(h.port_end, 8003);
	assert_int_equal(h.app_port, 9000);
	assert_int_equal(h.proto, HOLE_UDP);
	assert_string_equal(h.app, "web");
	assert_true(hole_is_for(&h, "web"));
	assert_false(hole_is_for(&h, "php"));
	assert_int_equal(hole_parse(&a, "in:80", NULL, &h, &e), 0);
	assert_null(h.addr);
	assert_true(hole_is_for(&h, "php"));
	assert_int_equal(hole_parse(&a, "out:internet", NULL, &h, &e), 0);
	assert_true(h.any_port);
	assert_int_equal(hole_parse(&a, "socket:/run/x", NULL, &h, &e), 0);
	assert_string_equal(h.target, "/run/x");
	assert_int_equal(hole_parse(&a, "dev:vendor.com/gpu=0", NULL, &h, &e), 0);
	assert_string_equal(h.name, "vendor.com/gpu=0");
	assert_null(h.source);
}

/* ---- the long form ---- */

static int decode(struct arena *a, const char *yaml, struct hole *ret, struct err *e)
{
	struct doc *doc;
	int rc = doc_parse_yaml(a, "pod.yaml", yaml, strlen(yaml), &doc, e);

	return rc ? rc : hole_decode(a, doc, "/base", ret, e);
}

static void long_forms_give_the_same_holes(void **state)
{
	static const char *const pairs[][2] = {
		{"{in: 8080, to: 80, app: web}", "in:8080:80@web"},
		{"{in: 53, addr: any, proto: udp}", "in:any:53/udp"},
		{"{in: \"127.0.0.1:80\", to: 8080}", "in:127.0.0.1:80:8080"},
		{"{in: 8000-8010, to: 9000}", "in:8000-8010:9000"},
		{"{in: 80, addr: \"::1\"}", "in:[::1]:80"},
		{"{in: fd:http}", "in:fd:http"},
		{"{in: pod/shop:80, app: db}", "in:pod/shop:80@db"},
		{"{out: example.com, port: 443}", "out:example.com:443"},
		{"{out: example.com, port: \"*\", proto: icmp}", "out:example.com:*/icmp"},
		{"{out: \"[::/0]\", port: 443}", "out:[::/0]:443"},
		{"{out: internet}", "out:internet"},
		{"{path: ./site, to: /usr/share/site, app: web, why: the pages}", "path:/base/site:/usr/share/site@web"},
		{"{path: /srv, to: /srv, rw: true}", "path:/srv:/srv:rw"},
		{"{path: \"/srv/a:b@c\", to: \"/x:y@z\"}", "path:/srv/a:b@c:/x:y@z"},
		{"{socket: /run/x}", "socket:/run/x"},
		{"{dev: /dev/fuse, access: r}", "dev:/dev/fuse:r"},
		{"{dev: vendor.com/gpu=0}", "dev:vendor.com/gpu=0"},
		{"{cap: net_admin, app: web}", "cap:NET_ADMIN@web"},
		{"{newprivs: true, app: web}", "newprivs@web"},
		{"{ns: net}", "ns:net"},
		{"in:8080:80@web", "in:8080:80@web"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		autoarena a = {};
		struct hole h = {};
		struct err e = {};

		if (decode(&a, pairs[i][0], &h, &e))
			fail_msg("%s: %s (%s)", pairs[i][0], e.what, e.because);
		assert_string_equal(h.text, pairs[i][1]);
		assert_string_equal(h.place, "pod.yaml:1:1");
	}
}

static void bad_long_forms_tell_the_place(void **state)
{
	static const char *const pairs[][2] = {
		{"{}", "one of the keys"},
		{"{in: 80, out: b, port: 1}", "can't be both"},
		{"{in: 80, rw: true}", "'rw' does not go with 'in'"},
		{"{cap: KILL, to: 80}", "'to' does not go with 'cap'"},
		{"{in: 80, target: 80}", "has no key target"},
		{"{path: /a}", "needs 'to'"},
		{"{path: /a, to: /proc/x}", "is no hole"},
		{"{in: \"any:80\", addr: any}", "is no hole"},
		{"{in: fd:x, to: 80}", "is no hole"},
		{"{in: 80, proto: sctp}", "is no hole"},
		{"{in: 80, app: ALL}", "can't be"},
		{"{newprivs: false}", "leave the entry out"},
		{"{out: example.com}", "is no hole"},
		{"[80]", "expected a hole"},
		{"8080", "expected a hole"},
		{"{in: [80]}", "text"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		autoarena a = {};
		struct hole h = {};
		struct err e = {};

		if (decode(&a, pairs[i][0], &h, &e) != -ERR_USAGE)
			fail_msg("%s was taken as %s", pairs[i][0], h.text);
		if (!strstr(e.what, pairs[i][1]))
			fail_msg("%s: '%s' lacks '%s'", pairs[i][0], e.what, pairs[i][1]);
		assert_true(str_has_prefix(e.what, "pod.yaml:1:"));
	}
}

static void only_built_kinds_are_supported(void **state)
{
	static const struct {
		const char *text;
		bool supported;
	} cases[] = {
		{"in:80", true},        {"in:53/udp", true},      {"in:8000-8010", true}, {"path:/a:/b", true},
		{"socket:/a", true},    {"dev:/dev/fuse", true},  {"cap:KILL", true},     {"newprivs", true},
		{"in:fd:x", false},     {"in:pod:80", false},     {"out:internet", true}, {"out:a.b:80", true},
		{"dev:v/c=n", false},   {"ns:net", true}, {"ns:ipc", true}, {"ns:pid", false}, {"ns:user", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena a = {};
		struct hole h = {};
		struct err e = {};

		assert_int_equal(hole_parse(&a, cases[i].text, NULL, &h, &e), 0);
		assert_int_equal(hole_check_supported(&h, &e), cases[i].supported ? 0 : -ERR_USAGE);
		if (!cases[i].supported)
			assert_true(strstr(e.what, "can't open") && strstr(e.because, cases[i].text) && e.hint[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_have_one_normal_text),
		cmocka_unit_test(what_is_no_hole_is_refused),
		cmocka_unit_test(long_texts_and_deep_paths_are_bounded),
		cmocka_unit_test(relative_paths_need_a_folder),
		cmocka_unit_test(members_are_filled),
		cmocka_unit_test(long_forms_give_the_same_holes),
		cmocka_unit_test(bad_long_forms_tell_the_place),
		cmocka_unit_test(only_built_kinds_are_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
