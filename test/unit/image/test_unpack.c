/* SPDX-License-Identifier: Apache-2.0 */
/* The directory form: what is written is what the tree says, as root with all of it and as a user without what needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/unpack.h"

struct place {
	char path[64];
	int fd;
	int tar;
	struct tree *tree;
	uint32_t shift;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e = {};

	strcpy(p->path, "/tmp/rocket-unpack-XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->tar = io_memfd("tar", "0123456789abcdef", 16);
	p->tree = tree_new();
	*state = p;
	return tree_begin_layer(p->tree, TREE_OCI, NULL, &e);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	struct err e = {};

	autoclose int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = fchmod(p->fd, 0700);

	autoclose int sub = openat(p->fd, "d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (sub >= 0 && fchmod(sub, 0700)) /* who may not pass permissions makes them fit */
		r = -1;
	close(p->fd);
	close(p->tar);
	tree_free(p->tree);
	if (!r)
		r = io_remove_tree(tmp, p->path + strlen("/tmp/"), &e);

	free(p);
	return r;
}

static void add(struct place *p, const struct tar_entry *x)
{
	struct err e = {};

	if (tree_add(p->tree, x, &e))
		fail_msg("%s: %s", x->path, e.because);
}

static int write_tree(struct place *p, bool as_user, bool mount_points, struct err *e)
{
	struct unpack u = {.tree = p->tree, .layer_fds = &p->tar, .n_layers = 1, .dirfd = p->fd, .as_user = as_user,
			   .mount_points = mount_points, .shift = p->shift};

	tree_finish(p->tree);
	return unpack_tree(&u, e);
}

static void unpack_good(struct place *p, bool as_user)
{
	struct err e = {};

	if (write_tree(p, as_user, false, &e))
		fail_msg("%s: %s", e.what, e.because);
}

static struct stat stat_of(const struct place *p, const char *path)
{
	struct stat st;

	if (fstatat(p->fd, path, &st, AT_SYMLINK_NOFOLLOW))
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static void check_text(const struct place *p, const char *path, const char *wanted)
{
	autofree char *text = NULL;
	size_t n;
	struct err e = {};

	assert_int_equal(io_read_file(p->fd, path, 1 << 20, &text, &n, &e), 0);
	assert_int_equal(n, strlen(wanted));
	assert_string_equal(text, wanted);
}

static void add_usual(struct place *p)
{
	static const struct tar_xattr user = {"user.k", (const uint8_t *)"v", 1, NULL};

	add(p, &(struct tar_entry){.type = TAR_DIR, .path = ".", .mode = 0751, .mtime = 99});
	add(p, &(struct tar_entry){.type = TAR_DIR, .path = "d", .mode = 0555, .mtime = 1000, .mtime_ns = 5});
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "d/f", .mode = 0640, .size = 4, .stored = 4, .offset = 10, .mtime = 2000,
				   .mtime_ns = 123456789, .xattrs = &user});
	add(p, &(struct tar_entry){.type = TAR_HARD_LINK, .path = "d/same", .link = "d/f"});
	add(p, &(struct tar_entry){.type = TAR_HARD_LINK, .path = "e/deep/other", .link = "d/f"});
	add(p, &(struct tar_entry){.type = TAR_SYMLINK, .path = "l", .link = "/etc/passwd", .mtime = 3000});
	add(p, &(struct tar_entry){.type = TAR_HARD_LINK, .path = "m", .link = "l"});
	add(p, &(struct tar_entry){.type = TAR_FIFO, .path = "p", .mode = 0600, .mtime = 4000});
}

static void check_usual(struct place *p)
{
	char link[32] = {}, value[8];
	struct stat f = stat_of(p, "d/f");

	check_text(p, "d/f", "abcd");
	assert_int_equal(f.st_mode, S_IFREG | 0640);
	assert_int_equal(f.st_nlink, 3);
	assert_int_equal(f.st_mtim.tv_sec, 2000);
	assert_int_equal(f.st_mtim.tv_nsec, 123456789);
	assert_int_equal(stat_of(p, "d/same").st_ino, f.st_ino);
	assert_int_equal(stat_of(p, "e/deep/other").st_ino, f.st_ino);
	assert_int_equal(stat_of(p, "d").st_mode, S_IFDIR | 0555);
	assert_int_equal(stat_of(p, "d").st_mtim.tv_nsec, 5);
	assert_int_equal(stat_of(p, ".").st_mode, S_IFDIR | 0751);
	assert_int_equal(stat_of(p, ".").st_mtim.tv_sec, 99);
	assert_int_equal(readlinkat(p->fd, "l", link, sizeof(link)), 11);
	assert_string_equal(link, "/etc/passwd");
	assert_int_equal(stat_of(p, "l").st_nlink, 2);
	assert_int_equal(stat_of(p, "l").st_mtim.tv_sec, 3000);
	assert_true(S_ISFIFO(stat_of(p, "p").st_mode));
	autoclose int fd = openat(p->fd, "d/f", O_RDONLY | O_CLOEXEC);

	if (fgetxattr(fd, "user.k", value, sizeof(value)) != 1)
		assert_int_equal(errno, ENOTSUP); /* a file system without user attributes */
}

static void test_usual(void **state)
{
	add_usual(*state);
	unpack_good(*state, geteuid() != 0);
	check_usual(*state);
}

static void test_as_user(void **state)
{
	struct place *p = *state;
	struct err e = {};
	struct unpack u = {.tree = p->tree, .layer_fds = &p->tar, .n_layers = 1, .dirfd = p->fd, .as_user = true};

	add_usual(p);
	add(p, &(struct tar_entry){.type = TAR_CHAR, .path = "null", .major = 1, .minor = 3, .mode = 0666});
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "owned", .uid = 70000, .gid = 70001, .mode = 0600});
	tree_finish(p->tree);
	assert_int_equal(unpack_tree(&u, &e), 0);
	check_usual(p);
	assert_int_equal(u.left_out, geteuid() ? 9 : 2); /* root's files are others' for a user */
	assert_int_equal(stat_of(p, "owned").st_uid, geteuid());
	assert_int_equal(faccessat(p->fd, "null", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void test_as_root(void **state)
{
	static const uint8_t cap[20] = {1, 0, 0, 2, 0, 4};
	static const struct tar_xattr capability = {"security.capability", cap, 20, NULL}, trusted = {"trusted.t", cap, 3, NULL};
	struct place *p = *state;
	char value[32];

	if (geteuid())
		skip();
	add(p, &(struct tar_entry){.type = TAR_DIR, .path = "d", .mode = 02775, .uid = 5, .gid = 6});
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "d/s", .mode = 06755, .uid = 70000, .gid = 70001, .mtime = 5});
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "c", .mode = 0755, .uid = 1, .xattrs = &capability});
	add(p, &(struct tar_entry){.type = TAR_SYMLINK, .path = "l", .link = "x", .uid = 7, .gid = 8, .xattrs = &trusted});
	add(p, &(struct tar_entry){.type = TAR_CHAR, .path = "null", .mode = 01622, .uid = 9, .major = 1, .minor = 259});
	unpack_good(p, false);
	assert_int_equal(stat_of(p, "d").st_mode, S_IFDIR | 02775);
	assert_int_equal(stat_of(p, "d/s").st_mode, S_IFREG | 06755);
	assert_int_equal(stat_of(p, "d/s").st_uid, 70000);
	assert_int_equal(stat_of(p, "d/s").st_gid, 70001);
	assert_int_equal(stat_of(p, "d/s").st_mtim.tv_sec, 5);
	assert_int_equal(stat_of(p, "l").st_uid, 7);
	assert_int_equal(stat_of(p, "null").st_rdev, makedev(1, 259));
	assert_int_equal(stat_of(p, "null").st_mode, S_IFCHR | 01622);
	autoclose int fd = openat(p->fd, "c", O_RDONLY | O_CLOEXEC);

	if (fgetxattr(fd, "security.capability", value, sizeof(value)) < 0)
		assert_int_equal(errno, ENOTSUP);
}

static void test_sparse(void **state)
{
	struct tar_piece pieces[] = {{100000, 4}, {200000, 2}};
	struct tar_sparse sparse = {.n = 2, .piece = pieces};
	struct place *p = *state;
	char bytes[8];

	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "s", .mode = 0600, .size = 300000, .stored = 6, .offset = 10, .sparse = &sparse});
	unpack_good(p, geteuid() != 0);
	struct stat st = stat_of(p, "s");

	assert_int_equal(st.st_size, 300000);
	assert_true(st.st_blocks * 512 < 300000);
	autoclose int fd = openat(p->fd, "s", O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, bytes, 6, 99999), 6);
	assert_memory_equal(bytes, "\0abcd\0", 6);
	assert_int_equal(pread(fd, bytes, 3, 200000), 3);
	assert_memory_equal(bytes, "ef\0", 3);
}

static void test_mount_points(void **state)
{
	struct place *p = *state;
	struct err e = {};

	add(p, &(struct tar_entry){.type = TAR_DIR, .path = "etc", .mode = 0755});
	assert_int_equal(tree_add_mount_points(p->tree, &e), 0);
	unpack_good(p, geteuid() != 0);
	assert_int_equal(faccessat(p->fd, "proc", F_OK, 0), -1);
	assert_int_equal(faccessat(p->fd, "etc/hosts", F_OK, 0), -1);
	stat_of(p, "etc");
}

/* Whatever stands in the way is never followed and never replaced. */
static void test_in_the_way(void **state)
{
	struct place *p = *state;
	struct err e = {};

	assert_int_equal(symlinkat("/tmp", p->fd, "d"), 0);
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "d/f", .mode = 0600});
	assert_int_not_equal(write_tree(p, geteuid() != 0, false, &e), 0);
	assert_int_equal(e.errnum, EEXIST);
	assert_int_equal(access("/tmp/f", F_OK), -1);
}

/* What the directory inherited must not show: set-group-id, a default ACL. */
static void test_inherited(void **state)
{
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 0, 0, 255, 255, 255, 255,
				      32, 0, 0, 0, 255, 255, 255, 255};
	struct place *p = *state;

	if (!geteuid())
		assert_int_equal(fchown(p->fd, 0, 12345), 0);
	assert_int_equal(fchmod(p->fd, 02700), 0);
	if (fsetxattr(p->fd, "system.posix_acl_default", acl, sizeof(acl), 0))
		assert_int_equal(errno, ENOTSUP);
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "f", .mode = 0664});
	unpack_good(p, geteuid() != 0);
	assert_int_equal(stat_of(p, "f").st_mode, S_IFREG | 0664);
	assert_int_equal(stat_of(p, "f").st_gid, getegid());
}

/* A pod whose file system can't map ids: owners, ACLs and file capabilities name the pod's ids. */
static void test_shifted(void **state)
{
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 5, 0, 0, 0,
				      4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255,
				      32, 0, 4, 0, 255, 255, 255, 255};
	static const uint8_t caps[] = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const struct tar_xattr xattrs[] = {
		{.name = "system.posix_acl_access", .value = acl, .len = sizeof(acl), .next = &xattrs[1]},
		{.name = "security.capability", .value = caps, .len = sizeof(caps)},
	};
	struct place *p = *state;
	uint8_t got[128];

	if (geteuid())
		skip();
	p->shift = 1 << 20;
	add(p, &(struct tar_entry){.type = TAR_FILE, .path = "f", .mode = 0644, .uid = 7, .gid = 8, .xattrs = xattrs});
	unpack_good(p, false);
	assert_int_equal(stat_of(p, "f").st_uid, (1 << 20) + 7);
	assert_int_equal(stat_of(p, "f").st_gid, (1 << 20) + 8);
	autoclose int fd = openat(p->fd, "f", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fgetxattr(fd, "security.capability", got, sizeof(got)), 24);
	assert_int_equal(got[3], 3);
	assert_int_equal(got[0], 1);
	assert_int_equal(got[22], 16); /* the root that it counts for: 1 << 20 */
	ssize_t n = fgetxattr(fd, "system.posix_acl_access", got, sizeof(got));

	if (n < 0)
		assert_int_equal(errno, ENOTSUP);
	else
		assert_int_equal(got[16] | got[18] << 16, (16 << 16) + 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shifted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usual, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_as_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_as_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sparse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mount_points, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_the_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inherited, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
