/* SPDX-License-Identifier: Apache-2.0 */
/* Files whole or not at all, descriptors over sockets, trees made, measured and removed. */
#include "fixture.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/path.h"
#include "base/str.h"

static void test_read_file(void **state)
{
	struct err e = {};
	char *text = NULL;
	size_t len = 77;

	put_file("small", "text");
	autofree char *small = get_file("small");
	assert_string_equal(small, "text");
	assert_int_equal(io_read_file(AT_FDCWD, "small", 3, &text, &len, &e), -ERR_FAILED);
	assert_non_null(strstr(e.because, "more than 3 bytes"));
	assert_int_equal(io_read_file(AT_FDCWD, "none", 3, &text, &len, &e), -ERR_FAILED);
	assert_int_equal(e.errnum, ENOENT);
	assert_int_equal(len, 77); /* untouched on failure */
	assert_null(text);
	/* The kernel says 0 of these. */
	autofree char *proc = get_file("/proc/self/status");
	assert_true(strlen(proc) > 100);
}

static void test_read_refuses_what_is_no_file(void **state)
{
	struct err e = {};
	char *text;
	size_t len;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(io_read_file(AT_FDCWD, "fifo", 10, &text, &len, &e), -ERR_FAILED); /* and does not hang */
	assert_int_equal(io_read_file(AT_FDCWD, ".", 10, &text, &len, &e), -ERR_FAILED);
	assert_int_equal(io_read_file(AT_FDCWD, "/dev/zero", 10, &text, &len, &e), -ERR_FAILED);
	assert_string_equal(e.because, "it is no regular file");
}

static void test_write_atomic(void **state)
{
	struct err e = {};
	struct stat st;

	put_file("f", "old");
	assert_int_equal(io_write_file_atomic(AT_FDCWD, "f", "new!", 4, 0600, IO_SYNC, &e), 0);
	autofree char *text = get_file("f");
	assert_string_equal(text, "new!");
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(".f.tmp", F_OK), -1);
	assert_int_equal(io_write_file_atomic(AT_FDCWD, "a/b", "", 0, 0600, IO_NO_SYNC, &e), -ERR_FAILED);
}

static void test_write_takes_over_what_a_dead_writer_left(void **state)
{
	struct err e = {};

	put_file(".g.tmp", "half of somethi");
	assert_int_equal(io_write_file_atomic(AT_FDCWD, "g", "whole", 5, 0600, IO_NO_SYNC, &e), 0);
	autofree char *text = get_file("g");
	assert_string_equal(text, "whole");
	/* A link in that place is not followed. */
	put_file("victim", "untouched");
	assert_int_equal(symlink("victim", ".h.tmp"), 0);
	assert_int_equal(io_write_file_atomic(AT_FDCWD, "h", "x", 1, 0600, IO_NO_SYNC, &e), -ERR_FAILED);
	autofree char *victim = get_file("victim");
	assert_string_equal(victim, "untouched");
}

static void test_fds(void **state)
{
	int pair[2], fds[16], sent[3];
	size_t n = 2;
	char byte[8];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < 3; i++)
		sent[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_send_fds(pair[0], "hello", 5, sent, 3), 0);
	assert_int_equal(io_recv_fds(pair[1], byte, sizeof(byte), fds, &n), 5);
	assert_memory_equal(byte, "hello", 5);
	assert_int_equal(n, 2); /* the third was closed, not leaked */
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(io_send_fds(pair[0], "x", 1, NULL, 0), 0);
	n = 16;
	assert_int_equal(io_recv_fds(pair[1], byte, sizeof(byte), fds + 2, &n), 1);
	assert_int_equal(n, 0);
	assert_int_equal(io_send_fds(pair[0], "x", 1, sent, 17), -1);
	for (int i = 0; i < 3; i++)
		close(sent[i]);
	close(fds[0]);
	close(fds[1]);
	close(pair[0]);
	close(pair[1]);
}

static void test_memfd(void **state)
{
	char text[8] = {};
	autoclose int fd = io_memfd("x", "sealed", 6);

	assert_true(fd >= 0);
	assert_int_equal(io_read_full(fd, text, 8), 6);
	assert_string_equal(text, "sealed");
	assert_int_equal(write(fd, "y", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
}

static void test_mkdir_p(void **state)
{
	struct err e = {};
	struct stat st;

	assert_int_equal(io_mkdir_p(AT_FDCWD, "a/b//c/", 0755, &e), 0);
	assert_int_equal(io_mkdir_p(AT_FDCWD, "a/b/c", 0755, &e), 0);
	assert_int_equal(stat("a/b/c", &st), 0);
	put_file("file", "");
	assert_int_equal(io_mkdir_p(AT_FDCWD, "file", 0755, &e), -ERR_FAILED);
	assert_int_equal(io_mkdir_p(AT_FDCWD, "file/x", 0755, &e), -ERR_FAILED);
}

/* Deeper than descriptors, and than any path. */
static void make_deep(const char *top, int depth)
{
	int at = AT_FDCWD;

	assert_int_equal(mkdir(top, 0755), 0);
	at = open(top, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, "a-directory", 0755), 0);
		int next = openat(at, "a-directory", O_RDONLY | O_DIRECTORY);

		assert_true(next >= 0);
		close(openat(at, "file", O_CREAT | O_WRONLY, 0600));
		close(at);
		at = next;
	}
	close(at);
}

static void test_remove_tree(void **state)
{
	struct err e = {};

	make_deep("deep", 1500);
	put_file("kept", "kept");
	assert_int_equal(symlink("../kept", "deep/link"), 0);
	assert_int_equal(mkfifo("deep/fifo", 0600), 0);
	assert_int_equal(mkdir("deep/closed", 0700), 0);
	put_file("deep/closed/x", "");
	assert_int_equal(chmod("deep/closed", 0), 0);
	assert_int_equal(io_remove_tree(AT_FDCWD, "deep", &e), 0);
	assert_int_equal(access("deep", F_OK), -1);
	assert_int_equal(access("kept", F_OK), 0);
	assert_int_equal(io_remove_tree(AT_FDCWD, "deep", &e), 0); /* gone already */
	assert_int_equal(io_remove_tree(AT_FDCWD, "kept", &e), 0);
}

static void test_remove_link_not_target(void **state)
{
	struct err e = {};

	assert_int_equal(mkdir("target", 0755), 0);
	put_file("target/x", "");
	assert_int_equal(symlink("target", "link"), 0);
	assert_int_equal(io_remove_tree(AT_FDCWD, "link", &e), 0);
	assert_int_equal(access("target/x", F_OK), 0);
}

static void test_disk_usage(void **state)
{
	struct err e = {};
	uint64_t bytes = 0, again = 0;
	autofree char *data = malloc(1 << 20);

	memset(data, 'x', 1 << 20);
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(io_write_file_atomic(AT_FDCWD, "f", data, 1 << 20, 0600, IO_SYNC, &e), 0);
	assert_int_equal(rename("f", "d/f"), 0);
	assert_int_equal(io_disk_usage(AT_FDCWD, "d", &bytes, &e), 0);
	assert_true(bytes >= 1 << 20 && bytes < 2 << 20);
	assert_int_equal(link("d/f", "d/g"), 0); /* two names, once the bytes */
	assert_int_equal(io_disk_usage(AT_FDCWD, "d", &again, &e), 0);
	assert_int_equal(bytes, again);
	assert_int_equal(io_disk_usage(AT_FDCWD, "none", &bytes, &e), -ERR_FAILED);
}

static void test_paths(void **state)
{
	assert_int_equal(io_mkdir_p(AT_FDCWD, "root/etc", 0755, &(struct err){}), 0);
	put_file("root/etc/passwd", "inside");
	put_file("secret", "outside");
	assert_int_equal(symlink("/etc", "root/abs"), 0);
	assert_int_equal(symlink("../../../secret", "root/up"), 0);
	autoclose int root = open("root", O_PATH | O_DIRECTORY);
	autoclose int in = path_open_in_root(root, "/abs/passwd", O_RDONLY, 0);
	char text[16] = {};

	assert_int_equal(io_read_full(in, text, 15), 6);
	assert_string_equal(text, "inside");
	assert_int_equal(path_open_in_root(root, "up", O_RDONLY, 0), -1);
	assert_int_equal(path_open_beneath(root, "abs/passwd", O_RDONLY, 0), -1);
	assert_int_equal(path_open_beneath(root, "../secret", O_RDONLY, 0), -1);
	autoclose int proc = open("/proc/self", O_PATH | O_DIRECTORY);
	assert_int_equal(path_open_in_root(proc, "exe", O_RDONLY, 0), -1);
	assert_string_equal(path_base("/a/b"), "b");
	assert_true(path_is_clean_absolute("/"));
	assert_true(path_is_clean_absolute("/a/b/"));
	assert_false(path_is_clean_absolute("/a//b"));
	assert_false(path_is_clean_absolute("/a/../b"));
	assert_false(path_is_clean_absolute("a"));
	assert_true(path_is_clean_absolute("/..a/.b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_dir(test_read_file),
		in_dir(test_read_refuses_what_is_no_file),
		in_dir(test_write_atomic),
		in_dir(test_write_takes_over_what_a_dead_writer_left),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_memfd),
		in_dir(test_mkdir_p),
		in_dir(test_remove_tree),
		in_dir(test_remove_link_not_target),
		in_dir(test_disk_usage),
		in_dir(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
