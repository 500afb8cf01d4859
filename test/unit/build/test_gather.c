/* SPDX-License-Identifier: Apache-2.0 */
/* From recipes over a throw-away tree to what would be in the image, line by line. */
#include "build/gather.h"

#include "fixture.h"

/* Runs a recipe over the fixture, which serves as tree and as folder. */
static int gather(struct fixture *f, struct arena *a, const char *text, struct gathered *ret, struct err *e)
{
	struct recipe *recipe = arena_new(a, struct recipe);
	struct gather_input in = {
		.recipe = recipe,
		.tree = &f->source,
		.folder = &f->folder,
		.base_passwd = "",
		.base_group = "",
	};
	int rc = recipe_read(a, "recipe", text, strlen(text), recipe, e);

	return rc ? rc : gather_files(a, &in, ret, e);
}

static void expect(struct fixture *f, const char *recipe, const char *want)
{
	autoarena a = {};
	autostr got = {};
	struct gathered g = {};
	struct err e = {};

	if (gather(f, &a, recipe, &g, &e))
		fail_msg("%s / %s", e.what, e.because);
	rootfs_text(&g.rootfs, &got);
	assert_string_equal(str_text(&got), want);
}

static void expect_error(struct fixture *f, const char *recipe, int code, const char *part)
{
	autoarena a = {};
	struct gathered g = {};
	struct err e = {};

	assert_int_equal(gather(f, &a, recipe, &g, &e), -code);
	if (!strstr(e.what, part))
		fail_msg("\"%s\" does not say \"%s\"", e.what, part);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_open(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static void files_keep_their_place_and_lose_their_owner(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "etc/app.conf", "x", 0640);
	fixture_file(f, "usr/bin/su", "x", 04755);
	assert_int_equal(fchownat(f->fd, "etc/app.conf", geteuid() ? geteuid() : 7, (gid_t)-1, 0), 0);
	expect(f, "files: [/etc/app.conf, /usr/bin/su]",
	       "f 0640 0:0 etc/app.conf\n"
	       "f 0755 0:0 usr/bin/su\n");
}

static void a_recipe_gives_modes_and_owners(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "usr/bin/su", "x", 0755);
	expect(f,
	       "users: {joe: {uid: 101, home: /j}}\n"
	       "groups: {tty: 5}\n"
	       "files:\n"
	       "- {copy: /usr/bin/su, mode: 04755, owner: 'joe:tty'}\n"
	       "- {dir: /data, owner: joe, mode: 1777}\n"
	       "- {text: hello, to: /etc/motd, owner: 7}\n"
	       "- {link: /a/b, to: ../data}\n",
	       "l a/b -> ../data\n"
	       "d 1777 101:101 data\n"
	       "f 0644 0:0 etc/group\n"
	       "f 0644 7:7 etc/motd\n"
	       "f 0644 0:0 etc/passwd\n"
	       "f 4755 101:5 usr/bin/su\n");
}

static void links_on_the_way_come_along(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "usr/bin/mawk", "x", 0755);
	fixture_link(f, "usr/bin/awk", "/etc/alternatives/awk");
	fixture_link(f, "etc/alternatives/awk", "/usr/bin/mawk");
	fixture_link(f, "bin", "usr/bin");
	expect(f, "files: [/bin/awk]",
	       "l bin -> usr/bin\n"
	       "l etc/alternatives/awk -> /usr/bin/mawk\n"
	       "l usr/bin/awk -> /etc/alternatives/awk\n"
	       "f 0755 0:0 usr/bin/mawk\n");
	/* Renamed, it is the file that counts. */
	expect(f, "files: [{copy: /bin/awk, to: /awk}]", "f 0755 0:0 awk\n");
}

static void links_never_leave_the_tree(void **state)
{
	struct fixture *f = *state;

	fixture_link(f, "escape", "../../../../../../etc/hostname");
	fixture_link(f, "loop", "loop");
	/* Clamped at the tree's root, where there is nothing. */
	expect(f, "files: [/escape]", "l escape -> ../../../../../../etc/hostname\n");
	expect_error(f, "files: [{copy: /escape, to: /x}]", ERR_NOT_FOUND, "does not exist");
	expect_error(f, "files: [/loop]", ERR_FAILED, "more than 40 links");
	expect_error(f, "files: [{local: ../x, to: /x}]", ERR_NOT_FOUND, "does not exist");
}

static void directories_are_copied_whole(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "srv/site/index.html", "x", 0600);
	fixture_file(f, "srv/site/img/a.png", "x", 0644);
	fixture_file(f, "srv/site/img/a.psd", "x", 0644);
	fixture_link(f, "srv/site/home", "/nowhere");
	expect(f, "files: [{copy: /srv/site, to: /www, except: ['*.psd'], mode: 0444, dir_mode: 0555, owner: '3:4'}]",
	       "d 0555 3:4 www\n"
	       "l www/home -> /nowhere\n"
	       "d 0555 3:4 www/img\n"
	       "f 0444 3:4 www/img/a.png\n"
	       "f 0444 3:4 www/index.html\n");
}

static void patterns_match_names_of_one_level(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "etc/a.conf", "x", 0644);
	fixture_file(f, "etc/b.conf", "x", 0644);
	fixture_file(f, "etc/.hidden.conf", "x", 0644);
	fixture_file(f, "etc/d/c.conf", "x", 0644);
	expect(f, "files: ['/etc/*.conf']", "f 0644 0:0 etc/a.conf\nf 0644 0:0 etc/b.conf\n");
	expect(f, "files: [{copy: '/e*/*/c.conf', to: /x}]", "f 0644 0:0 x/c.conf\n");
	expect_error(f, "files: ['/etc/*.ini']", ERR_NOT_FOUND, "recipe:1:");
}

static void files_of_the_folder_ignore_the_umask(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "run.sh", "x", 0700);
	fixture_file(f, "conf", "x", 0660);
	expect(f, "files: [{local: run.sh, to: /run.sh}, {local: conf, to: /etc/}]",
	       "f 0644 0:0 etc/conf\n"
	       "f 0755 0:0 run.sh\n");
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifoat(f->fd, "pipe", 0644), 0);
	expect_error(f, "files: [/pipe]", ERR_USAGE, "a FIFO");
	expect_error(f, "files: [/none]", ERR_NOT_FOUND, "recipe:1:9: /none does not exist");
	expect_error(f, "files: [{dir: /x}, {text: a, to: /x}]", ERR_USAGE, "can't be a file");
	expect_error(f, "files: [{dir: /x, owner: nobody}]", ERR_USAGE, "user nobody");
}

static void later_items_win(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "etc/a/x", "x", 0644);
	expect(f, "files: [/etc/a, {text: y, to: /etc/a/x, mode: 0400}, {dir: /etc/a, mode: 0700}]",
	       "d 0700 0:0 etc/a\n"
	       "f 0400 0:0 etc/a/x\n");
}

static void paths_follow_the_links_of_the_image(void **state)
{
	expect(*state, "files: [{link: /lib, to: usr/lib}, {text: x, to: /lib/a}, {dir: /lib/b}]",
	       "l lib -> usr/lib\n"
	       "f 0644 0:0 usr/lib/a\n"
	       "d 0755 0:0 usr/lib/b\n");
}

/* ---- libraries ---- */

static void libc(struct fixture *f)
{
	fixture_elf(f, "lib/x86_64-linux-gnu/ld.so.2", &(struct make_elf){.soname = "ld.so.2"});
	fixture_link(f, "lib64/ld.so.2", "/lib/x86_64-linux-gnu/ld.so.2");
	fixture_elf(f, "lib/x86_64-linux-gnu/libc.so.6", &(struct make_elf){.needed = {"ld.so.2"}});
}

static void programs_bring_their_libraries(void **state)
{
	struct fixture *f = *state;

	libc(f);
	fixture_elf(f, "bin/app", &(struct make_elf){.interp = "/lib64/ld.so.2", .needed = {"liba.so.1", "libc.so.6"}});
	fixture_elf(f, "usr/lib/x86_64-linux-gnu/liba.so.1.2", &(struct make_elf){.needed = {"libb.so", "libc.so.6"}});
	fixture_link(f, "usr/lib/x86_64-linux-gnu/liba.so.1", "liba.so.1.2");
	fixture_elf(f, "usr/lib/libb.so", &(struct make_elf){});
	fixture_elf(f, "usr/lib/unused.so", &(struct make_elf){});
	/* Of another machine: passed over, as the loader does. */
	fixture_elf(f, "lib/x86_64-linux-gnu/libb.so", &(struct make_elf){.machine = EM_AARCH64});
	expect(f, "files: [/bin/app]",
	       "f 0755 0:0 bin/app\n"
	       "f 0755 0:0 lib/x86_64-linux-gnu/ld.so.2\n"
	       "f 0755 0:0 lib/x86_64-linux-gnu/libc.so.6\n"
	       "l lib64/ld.so.2 -> /lib/x86_64-linux-gnu/ld.so.2\n"
	       "f 0755 0:0 usr/lib/libb.so\n"
	       "l usr/lib/x86_64-linux-gnu/liba.so.1 -> liba.so.1.2\n"
	       "f 0755 0:0 usr/lib/x86_64-linux-gnu/liba.so.1.2\n");
	expect(f, "files: [/bin/app]\nlibraries: none", "f 0755 0:0 bin/app\n");
}

static void run_paths_are_searched_as_the_loader_does(void **state)
{
	struct fixture *f = *state;

	libc(f);
	fixture_elf(f, "opt/bin/app", &(struct make_elf){.rpath = "$ORIGIN/../lib", .needed = {"liba.so"}});
	/* An own runpath: neither the program's rpath nor an inherited one counts for what liba needs. */
	fixture_elf(f, "opt/lib/liba.so", &(struct make_elf){.runpath = "${ORIGIN}/deep:relative:$WHAT/x", .needed = {"libb.so"}});
	fixture_elf(f, "opt/lib/libb.so", &(struct make_elf){.soname = "wrong"});
	fixture_elf(f, "opt/lib/deep/libb.so", &(struct make_elf){.needed = {"libc.so.6", "libz.so"}});
	/* No runpath: the rpath of the program holds down here. */
	fixture_elf(f, "opt/lib/libz.so", &(struct make_elf){});
	expect(f, "files: [/opt/bin/app]",
	       "f 0755 0:0 lib/x86_64-linux-gnu/ld.so.2\n"
	       "f 0755 0:0 lib/x86_64-linux-gnu/libc.so.6\n"
	       "f 0755 0:0 opt/bin/app\n"
	       "f 0755 0:0 opt/lib/deep/libb.so\n"
	       "f 0755 0:0 opt/lib/liba.so\n"
	       "f 0755 0:0 opt/lib/libz.so\n");
}

static void configured_directories_get_a_link(void **state)
{
	struct fixture *f = *state;

	fixture_file(f, "etc/ld.so.conf", "# comment\ninclude ld.so.conf.d/*.conf\n", 0644);
	fixture_file(f, "etc/ld.so.conf.d/blas.conf", "  /opt/blas # here\n", 0644);
	fixture_elf(f, "opt/blas/libblas.so.3", &(struct make_elf){});
	fixture_elf(f, "bin/app", &(struct make_elf){.needed = {"libblas.so.3"}});
	expect(f, "files: [/bin/app]",
	       "f 0755 0:0 bin/app\n"
	       "f 0755 0:0 opt/blas/libblas.so.3\n"
	       "l usr/lib/x86_64-linux-gnu/libblas.so.3 -> /opt/blas/libblas.so.3\n");
}

static void a_missing_library_names_who_needs_it(void **state)
{
	struct fixture *f = *state;

	fixture_elf(f, "bin/app", &(struct make_elf){.needed = {"libgone.so.7"}});
	expect_error(f, "files: [/bin/app]", ERR_NOT_FOUND, "/bin/app needs libgone.so.7");
	fixture_elf(f, "bin/other", &(struct make_elf){.interp = "/lib64/none.so"});
	expect_error(f, "files: [/bin/other]", ERR_NOT_FOUND, "/bin/other needs /lib64/none.so");
}

static void plugins_and_name_service_bring_theirs(void **state)
{
	struct fixture *f = *state;

	libc(f);
	fixture_elf(f, "bin/app", &(struct make_elf){.interp = "/lib64/ld.so.2", .needed = {"libc.so.6"}});
	fixture_elf(f, "usr/lib/app/mod_a.so", &(struct make_elf){.needed = {"libx.so"}});
	fixture_elf(f, "usr/lib/x86_64-linux-gnu/libx.so", &(struct make_elf){});
	fixture_elf(f, "usr/lib/x86_64-linux-gnu/libnss_ldap.so.2", &(struct make_elf){});
	expect(f, "files: [/bin/app]\nplugins: ['/usr/lib/app/*.so']\nname_service: [files, dns, ldap]",
	       "f 0755 0:0 bin/app\n"
	       "f 0644 0:0 etc/nsswitch.conf\n"
	       "f 0755 0:0 lib/x86_64-linux-gnu/ld.so.2\n"
	       "f 0755 0:0 lib/x86_64-linux-gnu/libc.so.6\n"
	       "l lib64/ld.so.2 -> /lib/x86_64-linux-gnu/ld.so.2\n"
	       "f 0755 0:0 usr/lib/app/mod_a.so\n"
	       "f 0755 0:0 usr/lib/x86_64-linux-gnu/libnss_ldap.so.2\n"
	       "f 0755 0:0 usr/lib/x86_64-linux-gnu/libx.so\n");
	expect_error(f, "files: [/bin/app]\nname_service: [wins]", ERR_NOT_FOUND, "libnss_wins.so.2");
	expect_error(f, "files: [/bin/app]\nplugins: [libgone.so]", ERR_NOT_FOUND, "plug-in libgone.so");
}

static void programs_agree_on_the_machine(void **state)
{
	struct fixture *f = *state;
	autoarena a = {};
	struct gathered g = {};
	struct err e = {};

	fixture_elf(f, "bin/x", &(struct make_elf){});
	fixture_elf(f, "bin/arm", &(struct make_elf){.machine = EM_AARCH64});
	assert_int_equal(gather(f, &a, "files: [/bin/arm]", &g, &e), 0);
	assert_string_equal(g.arch, "arm64");
	expect_error(f, "files: [/bin/x, /bin/arm]", ERR_USAGE, "for ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(files_keep_their_place_and_lose_their_owner),
		T(a_recipe_gives_modes_and_owners),
		T(links_on_the_way_come_along),
		T(links_never_leave_the_tree),
		T(directories_are_copied_whole),
		T(patterns_match_names_of_one_level),
		T(files_of_the_folder_ignore_the_umask),
		T(what_is_no_file_is_refused),
		T(later_items_win),
		T(paths_follow_the_links_of_the_image),
		T(programs_bring_their_libraries),
		T(run_paths_are_searched_as_the_loader_does),
		T(configured_directories_get_a_link),
		T(a_missing_library_names_who_needs_it),
		T(plugins_and_name_service_bring_theirs),
		T(programs_agree_on_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
