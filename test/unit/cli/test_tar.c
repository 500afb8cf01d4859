/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as tar streams: out and in again, and what a hostile archive or tree can't do. */
#include "../base/fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "base/arena.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/since.h"
#include "cli/tar_in.h"
#include "cli/tar_out.h"
#include "cli/tar_parts.h"

static int keep(void *context, const void *bytes, size_t n, struct err *e)
{
	str_add_bytes(context, bytes, n);
	return 0;
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void pack(struct str *out, struct tar_out t, const char *dir, const char *name, const char *as)
{
	autoclose int fd = open_dir(dir);
	struct err e = {};

	t.sink = keep;
	t.context = out;
	if (tar_out_add(&t, fd, name, as, &e) < 0)
		fail_msg("%s: %s", e.what, e.because);
	assert_int_equal(tar_out_finish(&t, &e), 0);
}

static int unpack(const struct str *text, struct tar_in_options options, const char *dir, struct err *e)
{
	autoarena a = {};
	autotarin *in = NULL;
	autoclose int fd = -1;

	(void)!mkdir(dir, 0755);
	fd = open_dir(dir);
	options.dirfd = fd;
	/* In odd pieces, as a pipe brings it. */
	assert_int_equal(tar_in_open(&a, &options, &in, e), 0);
	for (size_t at = 0; at < text->len; at += 777) {
		size_t n = text->len - at < 777 ? text->len - at : 777;

		if (tar_in_push(in, text->text + at, n, e) < 0)
			return -e->code;
	}
	return tar_in_finish(in, e);
}

static void make_tree(void)
{
	struct err e = {};
	char long_name[201];

	memset(long_name, 'n', 200);
	long_name[200] = 0;
	assert_int_equal(io_mkdir_p(AT_FDCWD, "src/a/b", 0755, &e), 0);
	put_file("src/a/file", "content\n");
	put_file("src/a/empty", "");
	assert_int_equal(link("src/a/file", "src/hard"), 0);
	assert_int_equal(symlink("a/file", "src/soft"), 0);
	assert_int_equal(symlink("/etc/passwd", "src/away"), 0);
	assert_int_equal(mkfifo("src/fifo", 0640), 0);
	assert_int_equal(chmod("src/a", 0711), 0);
	assert_int_equal(chmod("src/a/file", 04755), 0);
	autofree char *path = NULL;
	assert_true(asprintf(&path, "src/%s", long_name) > 0);
	put_file(path, "long");
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	assert_int_equal(utimensat(AT_FDCWD, "src/a", times, 0), 0);
}

static void test_round_trip(void **state)
{
	autostr text = {};
	struct stat st, hard;
	struct err e = {};

	make_tree();
	pack(&text, (struct tar_out){.keep_privileges = true, .xattrs = true}, ".", "src", "dst");
	assert_int_equal(unpack(&text, (struct tar_in_options){.keep_privileges = true}, "out", &e), 0);
	autofree char *content = get_file("out/dst/a/file");
	assert_string_equal(content, "content\n");
	assert_int_equal(stat("out/dst/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(st.st_mtime, 1000); /* after its files came into it */
	assert_int_equal(stat("out/dst/a/file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 04755);
	assert_int_equal(stat("out/dst/hard", &hard), 0);
	assert_int_equal(hard.st_ino, st.st_ino);
	char target[64] = {};
	assert_true(readlink("out/dst/away", target, 63) > 0);
	assert_string_equal(target, "/etc/passwd");
	assert_int_equal(lstat("out/dst/fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	autofree char *again = NULL;
	assert_true(asprintf(&again, "cmp -s src/%1$s out/dst/%1$s && diff -r --no-dereference src/a out/dst/a",
			     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn") > 0);
	assert_int_equal(system(again), 0);
}

static void test_gnu_tar_reads_it(void **state)
{
	autostr text = {};

	make_tree();
	pack(&text, (struct tar_out){}, ".", "src", "dst");
	autoclose int fd = open("x.tar", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(io_write_all(fd, text.text, text.len), 0);
	assert_int_equal(system("mkdir gnu && tar -C gnu -xf x.tar && diff -r --no-dereference src/a gnu/dst/a"), 0);
	assert_int_equal(system("test \"$(tar -tf x.tar | wc -l)\" = 10"), 0);
}

static void test_privileges_stay_out(void **state)
{
	autostr text = {};
	struct stat st;
	struct err e = {};

	make_tree();
	pack(&text, (struct tar_out){}, ".", "src", "dst");
	assert_int_equal(unpack(&text, (struct tar_in_options){}, "out", &e), 0);
	assert_int_equal(stat("out/dst/a/file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_ids(void **state)
{
	autostr text = {};
	struct stat st;
	struct err e = {};

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("src", 0755), 0);
	put_file("src/in", "");
	put_file("src/out", "");
	assert_int_equal(chown("src/in", 100005, 100006), 0);
	pack(&text, (struct tar_out){.id_base = 100000, .id_count = 65536}, ".", "src", "dst");
	assert_int_equal(unpack(&text, (struct tar_in_options){.id_base = 300000, .id_count = 65536}, "out", &e), 0);
	assert_int_equal(stat("out/dst/in", &st), 0);
	assert_int_equal(st.st_uid, 300005);
	assert_int_equal(st.st_gid, 300006);
	assert_int_equal(stat("out/dst/out", &st), 0);
	assert_int_equal(st.st_uid, 365534); /* nobody, inside */
	assert_int_equal(unpack(&text, (struct tar_in_options){.id_base = 1, .id_count = 4}, "out2", &e), -ERR_FAILED);
	assert_int_equal(
		unpack(&text, (struct tar_in_options){.one_owner = true, .owner_uid = 7, .owner_gid = 8}, "out3", &e), 0);
	assert_int_equal(stat("out3/dst/in", &st), 0);
	assert_int_equal(st.st_uid, 7);
	assert_int_equal(st.st_gid, 8);
}

/* An archive entry by entry, as only somebody who means harm writes it. */
static void add_entry(struct str *out, char type, const char *path, const char *link, const char *content)
{
	const struct tar_head h = {
		.path = path, .link = link, .type = type, .mode = 0755, .size = content ? strlen(content) : 0};
	struct err e = {};

	assert_int_equal(tar_head_format(out, &h, &e), 0);
	if (!content)
		return;
	str_add(out, content);
	while (out->len % 512)
		str_add_char(out, 0);
}

static void end_archive(struct str *out)
{
	for (int i = 0; i < 1024; i++)
		str_add_char(out, 0);
}

static void test_no_way_out(void **state)
{
	struct err e = {};

	put_file("canary", "untouched");
	/* A link in the archive, and then through it. */
	autostr a = {};
	add_entry(&a, '2', "dir", "../..", NULL);
	add_entry(&a, '0', "dir/canary", NULL, "written");
	end_archive(&a);
	assert_int_equal(unpack(&a, (struct tar_in_options){}, "out", &e), 0);
	autofree char *through = get_file("out/dir/canary"); /* the link became a directory */
	assert_string_equal(through, "written");
	/* A link that stood there before. */
	assert_int_equal(mkdir("there", 0755), 0);
	assert_int_equal(symlink("../canary", "there/file"), 0);
	autostr b = {};
	add_entry(&b, '0', "file", NULL, "written");
	end_archive(&b);
	assert_int_equal(unpack(&b, (struct tar_in_options){}, "there", &e), 0);
	/* Dots, and hard links to the outside. */
	autostr c = {};
	add_entry(&c, '0', "x/../../canary", NULL, "written");
	assert_int_equal(unpack(&c, (struct tar_in_options){}, "out", &e), -ERR_FAILED);
	autostr d = {};
	add_entry(&d, '1', "x", "../canary", NULL);
	assert_int_equal(unpack(&d, (struct tar_in_options){}, "out", &e), -ERR_FAILED);
	autostr f = {};
	add_entry(&f, '0', "/abs", NULL, "inside"); /* absolute is below the directory */
	end_archive(&f);
	assert_int_equal(unpack(&f, (struct tar_in_options){}, "out", &e), 0);
	assert_int_equal(access("out/abs", F_OK), 0);
	autofree char *canary = get_file("canary");
	assert_string_equal(canary, "untouched");
}

static void test_root_stays(void **state)
{
	struct stat st;
	struct err e = {};
	autostr a = {};

	assert_int_equal(mkdir("out", 0700), 0);
	add_entry(&a, '5', ".", NULL, NULL);
	add_entry(&a, '0', "./f", NULL, "x");
	end_archive(&a);
	assert_int_equal(unpack(&a, (struct tar_in_options){.keep_root = true}, "out", &e), 0);
	assert_int_equal(stat("out", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(unpack(&a, (struct tar_in_options){}, "out", &e), 0);
	assert_int_equal(stat("out", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_devices_and_sockets(void **state)
{
	struct err e = {};
	autostr a = {}, packed = {};
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "src/sock"};
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	add_entry(&a, '3', "null", NULL, NULL);
	end_archive(&a);
	assert_int_equal(unpack(&a, (struct tar_in_options){.keep_privileges = true}, "out", &e), 0);
	assert_int_equal(access("out/null", F_OK), -1);
	assert_int_equal(mkdir("src", 0755), 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	pack(&packed, (struct tar_out){.keep_privileges = true}, ".", "src", "src");
	assert_int_equal(unpack(&packed, (struct tar_in_options){}, "out", &e), 0);
	assert_int_equal(access("out/src", F_OK), 0);
	assert_int_equal(access("out/src/sock", F_OK), -1);
}

static void test_xattrs(void **state)
{
	struct err e = {};
	autostr with = {}, without = {};
	char value[16] = {};

	put_file("f", "x");
	if (setxattr("f", "user.note", "hello", 5, 0) < 0)
		skip();
	pack(&with, (struct tar_out){.xattrs = true}, ".", "f", "f");
	pack(&without, (struct tar_out){}, ".", "f", "f");
	assert_int_equal(unpack(&with, (struct tar_in_options){}, "a", &e), 0);
	assert_int_equal(unpack(&without, (struct tar_in_options){}, "b", &e), 0);
	assert_int_equal(getxattr("a/f", "user.note", value, sizeof(value)), 5);
	assert_string_equal(value, "hello");
	assert_int_equal(getxattr("b/f", "user.note", value, sizeof(value)), -1);
}

static void test_truncated(void **state)
{
	struct err e = {};
	autostr text = {};

	make_tree();
	pack(&text, (struct tar_out){}, ".", "src", "dst");
	text.len = 2000;
	assert_int_equal(unpack(&text, (struct tar_in_options){}, "out", &e), -ERR_FAILED);
	assert_true(strstr(e.what, "archive") != NULL);
}

static void test_since(void **state)
{
	struct err e = {};
	int64_t ns;

	assert_int_equal(since_parse("--since", "2026-01-31T12:00:00Z", &ns, &e), 0);
	assert_true(ns == 1769860800000000000);
	assert_int_equal(since_parse("--since", "2026-01-31T12:00:00.5Z", &ns, &e), 0);
	assert_int_equal(since_parse("--since", "2026-01-31", &ns, &e), 0);
	assert_true(ns == 1769817600000000000);
	assert_int_equal(since_parse("--since", "@5", &ns, &e), 0);
	assert_true(ns == 5000000000);
	assert_int_equal(since_parse("--since", "10m", &ns, &e), 0);
	assert_true(ns < io_now_ns() - 599000000000 && ns > io_now_ns() - 610000000000);
	assert_int_equal(since_parse("--since", "yesterday", &ns, &e), -ERR_USAGE);
	assert_int_equal(since_parse("--since", "2026-13-01", &ns, &e), -ERR_USAGE);
	assert_int_equal(since_parse("--since", "2026-01-31T25:00:00Z", &ns, &e), -ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_dir(test_round_trip),
		in_dir(test_gnu_tar_reads_it),
		in_dir(test_privileges_stay_out),
		in_dir(test_ids),
		in_dir(test_no_way_out),
		in_dir(test_root_stays),
		in_dir(test_devices_and_sockets),
		in_dir(test_xattrs),
		in_dir(test_truncated),
		cmocka_unit_test(test_since),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
