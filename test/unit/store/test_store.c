/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs, records, names, lookup and the sweep, in a store of its own below TMPDIR. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "store/blob.h"
#include "store/store.h"

struct fixture {
	char dir[256], run[300];
	struct store store;
	struct arena arena;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "%.200s/rocket-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	*state = f;
	return store_open(f->dir, f->run, &f->store, &f->e);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	autoclose int parent = openat(f->store.dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = io_remove_tree(parent, strrchr(f->dir, '/') + 1, &f->e);

	store_close(&f->store);
	arena_free(&f->arena);
	free(f);
	return r;
}

#define OK(call)                                       \
	do {                                           \
		if ((call) != 0)                       \
			fail_msg("%s", f->e.what);     \
	} while (0)

/* A digest of 64 times this digit. */
static const char *digest_of(struct fixture *f, char digit)
{
	char *d = arena_strdup(&f->arena, "sha256:0000000000000000000000000000000000000000000000000000000000000000");

	memset(d + 7, digit, 64);
	return d;
}

static void put_blob(struct fixture *f, char digit, const char *text)
{
	OK(blob_put(&f->store, BLOB_SHA256, digest_of(f, digit) + 7, text, strlen(text), &f->e));
}

/* An image whose manifest, config and only layer are blobs of these digits. */
static void put_image(struct fixture *f, char manifest, char config, char layer)
{
	struct blob_view_tar tar = {.blob = (char *)digest_of(f, layer), .rules = (char *)"oci"};
	struct blob_view_recipe recipe = {.tars = {&tar, 1}};
	struct image_layer l = {.diff_id = tar.blob, .digest = tar.blob, .size = 5, .tar_size = 5};
	struct image img = {.id = (char *)digest_of(f, config), .manifest_digest = (char *)digest_of(f, manifest),
			    .view = (char *)digest_of(f, layer) + 7, .layers = {&l, 1}};
	autoblob view = BLOB_WRITER_NONE;

	put_blob(f, manifest, "manifest");
	put_blob(f, config, "config");
	put_blob(f, layer, "layer");
	OK(blob_put_view_recipe(&f->store, img.view, &recipe, &f->e));
	OK(blob_writer_open(&f->store, BLOB_VIEW, &view, &f->e));
	assert_int_equal(io_write_all(view.fd, "index", 5), 0);
	OK(blob_writer_commit(&view, img.view, &f->e));
	OK(blob_put_image(&f->store, &img, "root:x:0:0::/:/bin/sh\n", 22, NULL, 0, &f->e));
	OK(blob_sync(&f->store, &f->e));
}

static bool exists(struct fixture *f, const char *path)
{
	return faccessat(f->store.dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void the_store_is_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(fstatat(f->store.dirfd, "blobs/sha256", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	put_blob(f, '1', "x");
	char path[100];

	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_of(f, '1') + 7);
	assert_int_equal(fstatat(f->store.dirfd, path, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_blob_appears_when_committed(void **state)
{
	struct fixture *f = *state;
	autoblob w = BLOB_WRITER_NONE, again = BLOB_WRITER_NONE, dropped = BLOB_WRITER_NONE;
	uint64_t size = 0;

	OK(blob_writer_open(&f->store, BLOB_SHA256, &w, &f->e));
	OK(blob_writer_open(&f->store, BLOB_SHA256, &again, &f->e));
	OK(blob_writer_open(&f->store, BLOB_SHA256, &dropped, &f->e));
	assert_int_equal(io_write_all(w.fd, "hello", 5), 0);
	assert_false(blob_exists(&f->store, digest_of(f, 'a'), NULL));
	OK(blob_writer_commit(&w, digest_of(f, 'a') + 7, &f->e));
	assert_int_equal(w.fd, -1);
	assert_true(blob_exists(&f->store, digest_of(f, 'a'), &size));
	assert_int_equal(size, 5);
	/* Somebody else was first: fine, and theirs stays. */
	OK(blob_writer_commit(&again, digest_of(f, 'a') + 7, &f->e));
	assert_true(blob_exists(&f->store, digest_of(f, 'a'), &size));
	assert_int_equal(size, 5);
}

static void digests_from_outside_are_checked(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"sha256:../../../../etc/passwd", "sha256:", "md5:00", "sha256:ABCDEF", "", "/etc/passwd",
		"sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoblob w = BLOB_WRITER_NONE;
		enum blob_place place;
		const char *hex;
		int fd = -1;

		assert_false(blob_parse_digest(bad[i], &place, &hex));
		assert_false(blob_exists(&f->store, bad[i], NULL));
		assert_int_not_equal(blob_open(&f->store, bad[i], &fd, &f->e), 0);
		OK(blob_writer_open(&f->store, BLOB_SHA256, &w, &f->e));
		assert_int_not_equal(blob_writer_commit(&w, bad[i], &f->e), 0);
	}
}

static void images_are_found_by_all_their_names(void **state)
{
	struct fixture *f = *state;
	struct store_image img;

	put_image(f, 'a', 'b', 'c');
	OK(store_tag_image(&f->store, "docker.io/library/nginx:1", digest_of(f, 'a'), &f->e));
	const char *const names[] = {"nginx:1", "docker.io/library/nginx:1", "docker.io/nginx:1", "library/nginx:1",
				     "aaaa", "bbbbbb", digest_of(f, 'a'), digest_of(f, 'b'),
				     arena_printf(&f->arena, "nginx:1@%s", digest_of(f, 'a'))};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		OK(store_find_image(&f->store, &f->arena, names[i], &img, &f->e));
		assert_string_equal(img.image.id, digest_of(f, 'b'));
		assert_int_equal(img.image.layers.n, 1);
	}
	assert_string_equal(img.name, "docker.io/library/nginx:1");
	const char *const absent[] = {"nginx", "ngnix:1", "aaa", "cccc", "quay.io/nginx:1", digest_of(f, 'c')};

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		f->e = (struct err){};
		assert_int_equal(store_find_image(&f->store, &f->arena, absent[i], &img, &f->e), -ERR_NOT_FOUND);
		assert_true(f->e.what[0] && f->e.hint[0]);
	}
	assert_int_equal(store_find_image(&f->store, &f->arena, "ngnix:1", &img, &f->e), -ERR_NOT_FOUND);
}

static void what_can_mean_two_images_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_image img;

	put_image(f, 'a', 'b', 'c');
	put_image(f, '1', '2', '3');
	OK(store_tag_image(&f->store, "docker.io/library/x:1", digest_of(f, 'a'), &f->e));
	OK(store_tag_image(&f->store, "localhost/x:1", digest_of(f, '1'), &f->e));
	assert_int_equal(store_find_image(&f->store, &f->arena, "x:1", &img, &f->e), -ERR_USAGE);
	/* As typed wins. */
	OK(store_tag_image(&f->store, "x:1", digest_of(f, '1'), &f->e));
	OK(store_find_image(&f->store, &f->arena, "x:1", &img, &f->e));
	assert_string_equal(img.image.id, digest_of(f, '2'));
}

static void the_list_is_sorted_and_survives_damage(void **state)
{
	struct fixture *f = *state;
	struct store_image *list = NULL;
	size_t n = 0;

	put_image(f, 'a', 'b', 'c');
	OK(store_tag_image(&f->store, "zebra", digest_of(f, 'a'), &f->e));
	OK(store_tag_image(&f->store, "ape:1", digest_of(f, 'a'), &f->e));
	OK(io_write_file_atomic(f->store.dirfd, "broken", "{", 1, 0600, IO_NO_SYNC, &f->e));
	assert_int_equal(renameat(f->store.dirfd, "broken", f->store.dirfd, "refs/broken:latest"), 0);
	OK(store_list_images(&f->store, &f->arena, &list, &n, &f->e));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "ape:1");
	assert_string_equal(list[1].name, "zebra:latest");
	assert_true(list[1].tagged_ns > 0);
	/* The sweep can't know what the broken name needs: it refuses. */
	struct store_sweep sweep = {};

	assert_int_equal(store_sweep(&f->store, &sweep, &f->e), -ERR_FAILED);
	assert_int_equal(sweep.freed_files, 0);
}

static void a_name_needs_an_image(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_tag_image(&f->store, "x", digest_of(f, 'a'), &f->e), -ERR_NOT_FOUND);
	assert_int_equal(store_untag_image(&f->store, "x", &f->e), -ERR_NOT_FOUND);
	put_image(f, 'a', 'b', 'c');
	assert_int_equal(store_tag_image(&f->store, "No Name", digest_of(f, 'a'), &f->e), -ERR_USAGE);
	OK(store_tag_image(&f->store, "x", digest_of(f, 'a'), &f->e));
	OK(store_tag_image(&f->store, "x", digest_of(f, 'a'), &f->e));
	OK(store_untag_image(&f->store, "x", &f->e));
	assert_int_equal(store_untag_image(&f->store, "x", &f->e), -ERR_NOT_FOUND);
}

static void accounts_are_kept(void **state)
{
	struct fixture *f = *state;
	autofree char *passwd = NULL, *group = NULL;
	struct store_image img;

	put_image(f, 'a', 'b', 'c');
	OK(store_find_image(&f->store, &f->arena, digest_of(f, 'a'), &img, &f->e));
	OK(store_read_accounts(&f->store, &img.image, "passwd", &passwd, &f->e));
	assert_string_equal(passwd, "root:x:0:0::/:/bin/sh\n");
	OK(store_read_accounts(&f->store, &img.image, "group", &group, &f->e));
	assert_string_equal(group, "");
}

static int one_pod(void *context, struct arena *a, char ***ret, struct err *e)
{
	arena_strv_add(a, ret, context);
	return 0;
}

static void the_sweep_keeps_what_is_needed(void **state)
{
	struct fixture *f = *state;
	struct store_sweep sweep = {.list_pods = one_pod, .context = (char *)digest_of(f, '4')};

	put_image(f, 'a', 'b', 'c');
	put_image(f, '1', '2', 'c');
	put_image(f, '4', '5', '6');
	put_blob(f, '7', "nobody's");
	OK(store_tag_image(&f->store, "keep", digest_of(f, 'a'), &f->e));
	sweep.dry_run = true;
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_int_equal(sweep.freed_files, 5);
	assert_true(blob_exists(&f->store, digest_of(f, '7'), NULL));
	sweep.dry_run = false;
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_int_equal(sweep.freed_files, 5); /* 1, 1.passwd, blobs 1, 2, 7 */
	for (const char *gone = "127"; *gone; gone++)
		assert_false(blob_exists(&f->store, digest_of(f, *gone), NULL));
	for (const char *kept = "abc456"; *kept; kept++)
		assert_true(blob_exists(&f->store, digest_of(f, *kept), NULL));
	assert_true(blob_view_exists(&f->store, digest_of(f, 'c') + 7));
	assert_true(blob_view_exists(&f->store, digest_of(f, '6') + 7));
}

static void the_sweep_waits_and_spares_the_young(void **state)
{
	struct fixture *f = *state;
	struct store_sweep sweep = {.grace_ns = 3600 * 1000000000LL};
	int lock = -1;

	put_blob(f, '7', "nobody's");
	OK(store_lock_shared(&f->store, &lock, &f->e));
	assert_int_equal(store_sweep(&f->store, &sweep, &f->e), -ERR_BUSY);
	close(lock);
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_int_equal(sweep.freed_files, 0);
	sweep.grace_ns = 0;
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_int_equal(sweep.freed_files, 1);
	assert_true(sweep.freed_bytes > 0);
}

static void one_image_goes_alone(void **state)
{
	struct fixture *f = *state;
	struct store_sweep sweep = {.only = digest_of(f, '1')};

	put_image(f, 'a', 'b', 'c');
	put_image(f, '1', '2', 'c');
	put_blob(f, '7', "nobody's");
	OK(store_tag_image(&f->store, "keep", digest_of(f, 'a'), &f->e));
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_true(blob_exists(&f->store, digest_of(f, '7'), NULL));
	assert_true(blob_exists(&f->store, digest_of(f, 'c'), NULL));
	assert_false(blob_exists(&f->store, digest_of(f, '2'), NULL));
	assert_int_equal(sweep.freed_files, 4);
}

static void origins_follow_their_tar(void **state)
{
	struct fixture *f = *state;
	struct blob_from from = {.digest = (char *)digest_of(f, 'd'), .diff_id = (char *)digest_of(f, 'c'), .size = 3,
				 .media_type = (char *)"application/vnd.oci.image.layer.v1.tar+gzip"};
	struct store_sweep sweep = {};
	struct blob_from got;

	OK(blob_put_from(&f->store, &from, &f->e));
	assert_int_equal(blob_get_from(&f->store, &f->arena, from.digest, &got, &f->e), -ERR_NOT_FOUND);
	put_image(f, 'a', 'b', 'c');
	OK(store_tag_image(&f->store, "keep", digest_of(f, 'a'), &f->e));
	OK(blob_get_from(&f->store, &f->arena, from.digest, &got, &f->e));
	assert_string_equal(got.diff_id, from.diff_id);
	assert_string_equal(got.media_type, from.media_type);
	assert_int_equal(got.size, 3);
	OK(store_sweep(&f->store, &sweep, &f->e));
	OK(blob_get_from(&f->store, &f->arena, from.digest, &got, &f->e));
	OK(store_untag_image(&f->store, "keep", &f->e));
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_false(exists(f, arena_printf(&f->arena, "from/sha256/%s", from.digest + 7)));
}

static void trees_appear_whole_and_dead_ones_go(void **state)
{
	struct fixture *f = *state;
	const char *view = digest_of(f, 'c') + 7;
	struct blob_tree t = BLOB_TREE_NONE, other = BLOB_TREE_NONE;
	struct store_sweep sweep = {};

	OK(blob_tree_begin(&f->store, &t, &f->e));
	assert_int_equal(mkdirat(t.fd, "etc", 0755), 0);
	assert_false(blob_tree_exists(&f->store, view));
	/* A living writer keeps its tree from the sweep. */
	OK(store_sweep(&f->store, &sweep, &f->e));
	OK(blob_tree_commit(&t, view, &f->e));
	assert_true(exists(f, arena_printf(&f->arena, "trees/%s/etc", view)));
	OK(blob_tree_begin(&f->store, &other, &f->e));
	OK(blob_tree_commit(&other, view, &f->e));
	assert_true(exists(f, arena_printf(&f->arena, "trees/%s/etc", view)));
	assert_int_equal(mkdirat(f->store.dirfd, "trees/.tmp.1.dead", 0700), 0);
	OK(store_sweep(&f->store, &sweep, &f->e));
	assert_int_equal(sweep.freed_files, 2);
	assert_false(exists(f, "trees/.tmp.1.dead"));
	assert_false(blob_tree_exists(&f->store, view));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_store_is_private),
		TEST(a_blob_appears_when_committed),
		TEST(digests_from_outside_are_checked),
		TEST(images_are_found_by_all_their_names),
		TEST(what_can_mean_two_images_is_refused),
		TEST(the_list_is_sorted_and_survives_damage),
		TEST(a_name_needs_an_image),
		TEST(accounts_are_kept),
		TEST(the_sweep_keeps_what_is_needed),
		TEST(the_sweep_waits_and_spares_the_young),
		TEST(one_image_goes_alone),
		TEST(origins_follow_their_tar),
		TEST(trees_appear_whole_and_dead_ones_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
