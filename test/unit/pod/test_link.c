/* SPDX-License-Identifier: Apache-2.0 */
/* Links: both spellings, what is refused, which way the plan carries each, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/str.h"
#include "pod/link_plan.h"
#include "pod/manifest_write.h"
#include "world.h"

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

/* ---- the grammar ---- */

static const struct {
	const char *text, *normal;
} spellings[] = {
	{ "web -> db: tcp 5432", "web -> db: tcp 5432" },
	{ "web -> db:   tcp   8080:80 ", "web -> db: tcp 8080:80" },
	{ "web -> db: tcp 80:80", "web -> db: tcp 80" },
	{ "web:db:tcp:5432", "web -> db: tcp 5432" },
	{ "web:db:tcp:8080:80", "web -> db: tcp 8080:80" },
	{ "a <-> b: udp 53", "a <-> b: udp 53" },
	{ "web:php:unix:/run/php/php.sock", "web -> php: unix /run/php/php.sock" },
	{ "web -> php: unix /run//a/../php.sock /x.sock", "web -> php: unix /run/php.sock /x.sock" },
	{ "a:b:unix:@bus", "a -> b: unix @bus" },
	{ "a:b:unix:@bus:@other", "a -> b: unix @bus @other" },
	{ "a:b:stdout", "a -> b: stdout" },
	{ "a -> b: stderr", "a -> b: stderr" },
	{ "a -> b: output", "a -> b: output" },
	{ "a:b:fifo:/run/f", "a -> b: fifo /run/f" },
	{ "a <-> b: files data /data /var/data", "a <-> b: files data /data /var/data" },
	{ "a:b:files:data:/data:/data", "a -> b: files data /data" },
	{ "a <-> b: ipc", "a <-> b: ipc" },
	{ "a:b:signal:SIGHUP:usr1", "a -> b: signal HUP USR1" },
};

static void links_have_one_normal_text(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		autoarena a = {};
		struct link l = {}, again = {};
		struct err e = {};

		if (link_parse(&a, spellings[i].text, &l, &e) < 0)
			fail_msg("%s: %s: %s", spellings[i].text, e.what, e.because);
		assert_string_equal(l.text, spellings[i].normal);
		assert_int_equal(link_parse(&a, l.text, &again, &e), 0);
		assert_string_equal(again.text, l.text);
		assert_string_equal(link_file(&a, &again), link_file(&a, &l));
	}
}

static const struct {
	const char *text, *what, *because;
} no_links[] = {
	{ "", "is no link", "FROM -> TO" },
	{ "web", "is no link", "FROM -> TO" },
	{ "web:db", "is no link", "" },
	{ "web -> db", "is no link", "" },
	{ "web->db: tcp 80", "is no link", "" },
	{ "web -> db:", "needs FROM, TO and a kind", "" },
	{ "web -> web: tcp 80", "to itself", "" },
	{ "web -> pod: tcp 80", "can't be", "" },
	{ "web -> db: tpc 80", "'tpc' is no kind of link", "tcp, udp" },
	{ "web -> db: tcp", "can't be read", "one word" },
	{ "web -> db: tcp 80 81", "can't be read", "one word" },
	{ "web -> db: tcp 65536", "can't be read", "1 to 65535" },
	{ "web -> db: tcp 80:", "can't be read", "1 to 65535" },
	{ "web -> db: tcp 80:81:82", "can't be read", "1 to 65535" },
	{ "web -> db: unix", "can't be read", "path of a socket" },
	{ "web -> db: unix run.sock", "can't be read", "begins with /" },
	{ "web -> db: unix @bus /run/x", "can't be read", "abstract" },
	{ "web -> db: unix @", "can't be read", "1 to 106" },
	{ "web -> db: unix /proc/x", "can't be read", "" },
	{ "web <-> db: unix /run/x.sock", "can't be both ways", "one listens" },
	{ "web <-> db: fifo /run/x", "can't be both ways", "" },
	{ "web -> db: output 1", "can't be read", "nothing comes behind" },
	{ "web -> db: files data", "can't be read", "a volume" },
	{ "web -> db: files a/b /x", "can't be a volume's name", "" },
	{ "web -> db: signal", "can't be read", "names of the signals" },
	{ "web -> db: signal HUPP", "HUPP", "" },
};

static void what_is_no_link_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_links); i++) {
		autoarena a = {};
		struct link l = {};
		struct err e = {};

		if (link_parse(&a, no_links[i].text, &l, &e) != -ERR_USAGE)
			fail_msg("taken: %s", no_links[i].text);
		if (!strstr(e.what, no_links[i].what) || !strstr(e.because, no_links[i].because))
			fail_msg("%s: %s\nbecause: %s", no_links[i].text, e.what, e.because);
		assert_null(l.text);
	}
}

static void long_texts_are_bounded(void **state)
{
	autoarena a = {};
	autostr text = {};
	struct link l = {};
	struct err e = {};

	str_add(&text, "web -> db: signal");
	for (int i = 0; i < 200; i++)
		str_add(&text, " HUP");
	assert_int_equal(link_parse(&a, text.text, &l, &e), -ERR_USAGE);
	str_reset(&text);
	str_add(&text, "web -> db: unix /");
	for (int i = 0; i < 107; i++)
		str_add_char(&text, 'x');
	assert_int_equal(link_parse(&a, text.text, &l, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "107"));
}

/* ---- the plan ---- */

#define TWO(distance) "distance: " distance "\napps: {web: {image: nginx}, db: {image: box}}\n"

static struct plan plan_of(struct world *w, const char *yaml)
{
	struct plan p = {};
	struct err e = {};

	if (world_plan(w, yaml, &p, &e))
		fail_msg("%s\nerror: %s\nbecause: %s", yaml, e.what, e.because);
	return p;
}

static const struct {
	const char *link;
	enum link_way joined, close, apart;
} ways[] = {
	{ "web -> db: tcp 5432", LINK_WAY_SHARED, LINK_WAY_SHARED, LINK_WAY_RELAY },
	{ "web -> db: tcp 80:8080", LINK_WAY_RELAY, LINK_WAY_RELAY, LINK_WAY_RELAY },
	{ "web -> db: udp 53", LINK_WAY_SHARED, LINK_WAY_SHARED, LINK_WAY_RELAY },
	{ "web -> db: unix @bus", LINK_WAY_SHARED, LINK_WAY_SHARED, LINK_WAY_RELAY },
	{ "web -> db: unix /run/db/s", LINK_WAY_FOLDER, LINK_WAY_FOLDER, LINK_WAY_FOLDER },
	{ "web -> db: unix /run/db/s /run/db/t", LINK_WAY_RELAY, LINK_WAY_RELAY, LINK_WAY_RELAY },
	{ "web -> db: unix /full/s", LINK_WAY_RELAY, LINK_WAY_RELAY, LINK_WAY_RELAY },
	{ "web -> db: unix /s", LINK_WAY_RELAY, LINK_WAY_RELAY, LINK_WAY_RELAY },
	{ "web -> db: stdout", LINK_WAY_PIPE, LINK_WAY_PIPE, LINK_WAY_PIPE },
	{ "web -> db: fifo /run/f", LINK_WAY_PIPE, LINK_WAY_PIPE, LINK_WAY_PIPE },
	{ "web -> db: ipc", LINK_WAY_SHARED, LINK_WAY_SHARED, LINK_WAY_NAMESPACE },
	{ "web -> db: signal HUP", LINK_WAY_SIGNALS, LINK_WAY_SIGNALS, LINK_WAY_SIGNALS },
};

static void the_way_follows_the_distance(void **state)
{
	struct world *w = *state;

	world_text(w, "view-box:/full", "a file");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		for (int d = DISTANCE_JOINED; d <= DISTANCE_APART; d++) {
			const enum link_way want[] = { ways[i].joined, ways[i].close, ways[i].apart };
			const char *yaml = arena_printf(&w->arena, "distance: %s\napps: {web: {image: nginx}, db: {image: box}}\n"
							"links: [\"%s\"]\n", distance_names[d], ways[i].link);
			struct plan p = plan_of(w, yaml);

			assert_int_equal(p.links.n, 1);
			if (p.links.v[0].way != want[d])
				fail_msg("%s at %s: %s", ways[i].link, distance_names[d],
					 link_way_names[p.links.v[0].way]);
		}
}

static void a_folder_belongs_to_who_listens(void **state)
{
	struct world *w = *state;
	struct plan p;
	const struct plan_mount *m;

	world_text(w, "view-box:/run/db", "empty");
	p = plan_of(w, TWO("apart") "links: [\"web -> db: unix /run/x/s /run/db/s\"]\n");
	assert_int_equal(p.volumes.n, 1);
	assert_true(p.volumes.v[0].tmpfs && p.volumes.v[0].from_link);
	assert_int_equal(p.volumes.v[0].uid, 33);
	assert_int_equal(p.volumes.v[0].mode, 0775);
	m = world_mount(&p.apps.v[0], "/run/x");
	assert_true(m && m->kind == MOUNT_VOLUME && m->read_only);
	m = world_mount(&p.apps.v[1], "/run/db");
	assert_true(m && m->kind == MOUNT_VOLUME && !m->read_only);
}

static void files_have_a_direction(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, TWO("close") "volumes: {v: {}}\nlinks: [\"web -> db: files v /a /b\"]\n");
	const struct plan_mount *m = world_mount(&p.apps.v[0], "/a");

	assert_true(m && !m->read_only);
	m = world_mount(&p.apps.v[1], "/b");
	assert_true(m && m->read_only);
	p = plan_of(w, TWO("close") "volumes: {v: {}}\nlinks: [\"web <-> db: files v /a\"]\n");
	m = world_mount(&p.apps.v[1], "/a");
	assert_true(m && !m->read_only);
}

static void a_volume_of_several_apps_is_a_link(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "volumes: {v: {}}\napps: {web: {image: nginx, mounts: {/a: {volume: v, read_only: true}}},"
				   " db: {image: box, mounts: {/b: v}}}\n");

	assert_int_equal(p.links.n, 1);
	assert_string_equal(p.links.v[0].text, "db -> web: files v /b /a");
	assert_string_equal(p.links.v[0].origin, "mounts");
}

static void both_ways_are_two_links(void **state)
{
	struct plan p = plan_of(*state, TWO("apart") "links: [\"web <-> db: tcp 1000:80\"]\n");

	assert_int_equal(p.links.n, 2);
	assert_string_equal(p.links.v[1].text, "db -> web: tcp 1000:80");
}

static void circles_follow_the_words(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "apps: {a: {image: box, distance: apart}, b: {image: box}, c: {image: box, distance: joined},"
				   " d: {image: box, distance: apart}}\nlinks: [b -> d: tcp 80]\n");

	assert_int_equal(plan_circles(&p), 3);
	assert_int_equal(plan_circle(&p, &p.apps.v[0]), 1);
	assert_int_equal(plan_circle(&p, &p.apps.v[1]), 0);
	assert_int_equal(plan_circle(&p, &p.apps.v[2]), 0);
	assert_int_equal(plan_circle(&p, &p.apps.v[3]), 2);
	assert_true(plan_reaches(&p, 0, &p.apps.v[3]));
	assert_false(plan_reaches(&p, 1, &p.apps.v[3]));
	assert_int_equal(ntohl(plan_address(&p, &p.apps.v[3])), 0x7f4d0004);
	assert_string_equal(p.apps.v[0].hostname, "a");
	assert_null(p.apps.v[1].hostname);
	p = plan_of(w, TWO("apart"));
	assert_int_equal(plan_circles(&p), 2);
	assert_int_equal(plan_circle(&p, &p.apps.v[0]), 0);
}

static const struct {
	const char *yaml, *what, *because, *hint;
} contradictions[] = {
	{ TWO("close") "links: [web -> dbb: tcp 1]", "an app that the pod does not have", "no app 'dbb'", "db" },
	{ TWO("close") "links: [web -> db: files v /x]", "needs a volume", "no volume 'v'", "volumes: {v: {}}" },
	{ TWO("close") "links: [web -> db: tcp 80]\nholes: [\"in:8080:80@web\"]", "want the same port 80", "stand close",
	  "distance: apart" },
	{ TWO("apart") "links: [web -> db: tcp 80]\nholes: [\"in:8080:80@web\"]", "can't listen for 'web' at port 80",
	  "answers at that port itself", "tcp 10080:80" },
	{ "apps: {a: {image: box}, b: {image: box}, c: {image: box}}\nlinks: [a -> b: tcp 80, a -> c: tcp 80]",
	  "want the same port 80", "a -> b: tcp 80, and a -> c: tcp 80", "" },
	{ TWO("apart") "holes: [\"in:80\"]", "does not say which app", "stand apart", "in:80@web" },
	{ TWO("close") "links: [web -> db: stdout, web -> db: output]", "the same stream", "one reader", "" },
	{ "apps: {a: {image: box}, b: {image: box, stdin: true}}\nlinks: [a -> b: stdout]", "can't be", "stdin open", "" },
	{ "apps: {a: {image: box, tty: true}, b: {image: box}}\nlinks: [a -> b: stdout]", "can't be", "terminal", "" },
	{ "apps: {a: {image: box, kind: init}, b: {image: box}}\nlinks: [a -> b: stdout]", "can't be", "kind init", "" },
	{ "distance: apart\napps: {a: {image: box}, b: {image: box}, c: {image: box}}\nlinks: [a -> b: ipc, b -> c: ipc]",
	  "'a' and 'c' share their IPC", "one IPC namespace", "a <-> c: ipc" },
	{ "apps: {a: {image: box}, b: {image: box}, c: {image: box, distance: apart}}\nlinks: [a -> c: ipc]",
	  "'b' and 'c' share their IPC", "", "" },
	{ "volumes: {v: {}}\napps: {a: {image: box}, b: {image: box, mounts: {/x: v}}}\nlinks: [a -> b: files v /x]",
	  "and writes it", "TO reads", "<->" },
	{ TWO("close") "volumes: {v: {}}\nlinks: [web -> db: files v /x, web -> db: fifo /x]", "two mounts on the path /x", "",
	  "" },
};

static void contradictions_are_refused_with_the_fix(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(contradictions); i++) {
		struct plan p = {};
		struct err e = {};

		if (world_plan(w, contradictions[i].yaml, &p, &e) != -ERR_USAGE)
			fail_msg("taken: %s", contradictions[i].yaml);
		if (!strstr(e.what, contradictions[i].what) || !strstr(e.because, contradictions[i].because) ||
		    !strstr(e.hint, contradictions[i].hint))
			fail_msg("%s\nerror: %s\nbecause: %s\ntry: %s", contradictions[i].yaml, e.what, e.because, e.hint);
	}
}

static void the_same_port_is_no_conflict_apart(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, "distance: apart\napps: {a: {image: box}, b: {image: box}, c: {image: box}}\n"
				   "links: [a -> b: tcp 80, a -> c: tcp 80]\nholes: [\"in:1:80@b\", \"in:2:80@c\"]\n");

	assert_true(p.links.v[0].loopback);
	assert_false(p.links.v[1].loopback);
}

static void links_survive_record_and_manifest(void **state)
{
	struct world *w = *state;
	struct plan p, again;
	struct err e = {};
	autostr record = {}, yaml = {};

	p = plan_of(w, TWO("apart") "volumes: {v: {}}\nlinks: [\"web -> db: tcp 80\", \"web -> db: unix /run/d/s\", "
				    "\"web <-> db: files v /v\", \"db -> web: signal HUP\", \"db -> web: ipc\", \"web -> db: output\"]\n");
	record_write(&record, &plan_set, &p, RECORD_PRETTY);
	assert_int_equal(record_read(&w->arena, &plan_set, record.text, record.len, &again, &e), 0);
	assert_int_equal(again.links.n, 6);
	assert_string_equal(again.links.v[5].text, "web -> db: output");
	manifest_write(&yaml, &again);
	p = plan_of(w, yaml.text);
	assert_int_equal(p.links.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(p.links.v[i].text, again.links.v[i].text);
}

static void links_of_a_plan_come_and_go(void **state)
{
	struct world *w = *state;
	struct plan p = plan_of(w, TWO("apart"));
	struct link l;
	struct err e = {};
	size_t place, second;

	assert_int_equal(link_parse(&w->arena, "web:db:tcp:80", &l, &e), 0);
	assert_int_equal(plan_add_link(&w->arena, &p, &l, &place, &e), 0);
	assert_int_equal(p.links.v[place].way, LINK_WAY_RELAY);
	assert_true(p.links.v[place].loopback);
	assert_int_equal(plan_add_link(&w->arena, &p, &l, &second, &e), 0);
	assert_int_equal(second, place);
	plan_remove_link(&w->arena, &p, place);
	assert_int_equal(plan_find_link(&p, l.text), -1);
	assert_int_equal(link_parse(&w->arena, "web:db:fifo:/f", &l, &e), 0);
	assert_int_equal(plan_add_link(&w->arena, &p, &l, &second, &e), 0);
	assert_int_equal(second, place);
	assert_non_null(world_mount(&p.apps.v[1], "/f"));
	assert_int_equal(link_parse(&w->arena, "db:web:fifo:/f", &l, &e), 0);
	assert_int_equal(plan_add_link(&w->arena, &p, &l, &second, &e), -ERR_USAGE);
	plan_remove_link(&w->arena, &p, place);
	assert_null(world_mount(&p.apps.v[1], "/f"));
	assert_int_equal(link_parse(&w->arena, "web:dbb:tcp:80", &l, &e), 0);
	assert_int_equal(plan_add_link(&w->arena, &p, &l, &second, &e), -ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_have_one_normal_text),
		cmocka_unit_test(what_is_no_link_is_refused),
		cmocka_unit_test(long_texts_are_bounded),
		cmocka_unit_test_setup_teardown(the_way_follows_the_distance, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_belongs_to_who_listens, setup, teardown),
		cmocka_unit_test_setup_teardown(files_have_a_direction, setup, teardown),
		cmocka_unit_test_setup_teardown(a_volume_of_several_apps_is_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(both_ways_are_two_links, setup, teardown),
		cmocka_unit_test_setup_teardown(circles_follow_the_words, setup, teardown),
		cmocka_unit_test_setup_teardown(contradictions_are_refused_with_the_fix, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_port_is_no_conflict_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(links_survive_record_and_manifest, setup, teardown),
		cmocka_unit_test_setup_teardown(links_of_a_plan_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
