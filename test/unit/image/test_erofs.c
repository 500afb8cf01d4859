/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index, read back by a small reader of its own that knows the format and not the writer: every file of
 * the tree is found by name as the kernel would find it, and says what the tree says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/erofs.h"
#include "image/erofs_format.h"
#include "image/tree.h"

struct view {
	uint8_t *bytes;
	size_t len;
	struct erofs_super super;
	struct erofs_device_slot devices[4];
};

static void open_view(struct view *v, const struct tree *t, const struct erofs_device *devices, size_t n)
{
	struct err e = {};

	if (erofs_write(t, devices, n, &v->bytes, &v->len, &e))
		fail_msg("%s: %s", e.what, e.because);
	memcpy(&v->super, v->bytes + EROFS_SUPER_OFFSET, sizeof(v->super));
	assert_int_equal(v->super.magic, EROFS_MAGIC);
	assert_int_equal(v->super.blocks * 512ULL, v->len);
	assert_int_equal(v->super.extra_devices, n);
	assert_true(n <= ARRAY_SIZE(v->devices));
	memcpy(v->devices, v->bytes + v->super.device_slot * 128ULL, n * sizeof(v->devices[0]));
}

static const uint8_t *inode_at(const struct view *v, uint64_t nid, struct erofs_inode *ret)
{
	uint64_t at = v->super.meta_block * 512ULL + nid * EROFS_SLOT;

	assert_true(at + sizeof(*ret) <= v->len);
	assert_true(at % 512 + sizeof(*ret) <= 512);
	memcpy(ret, v->bytes + at, sizeof(*ret));
	assert_int_equal(ret->format & 1, 1);
	return v->bytes + at;
}

static size_t xattr_size(const struct erofs_inode *i)
{
	return i->xattr_count ? 12 + 4 * (i->xattr_count - 1U) : 0;
}

/* A block of a directory's or link's own data; *ret_len is how much of it counts. */
static const uint8_t *block_of(const struct view *v, uint64_t nid, const struct erofs_inode *i, uint64_t n, size_t *ret_len)
{
	const uint8_t *inode = v->bytes + v->super.meta_block * 512ULL + nid * EROFS_SLOT;
	uint64_t last = i->size / 512, left = i->size - n * 512;

	*ret_len = left < 512 ? (size_t)left : 512;
	if ((i->format >> 1) == EROFS_INLINE && n == last) {
		const uint8_t *tail = inode + sizeof(*i) + xattr_size(i);

		assert_true((size_t)(tail - v->bytes) % 512 + *ret_len <= 512);
		return tail;
	}
	assert_true((i->u + n + 1) * 512 <= v->len);
	return v->bytes + (i->u + n) * 512;
}

/* Looks a name up in a directory; checks on the way that all is sorted. 0 and *ret_nid, or -1. */
static int look(const struct view *v, uint64_t dir, const char *name, size_t len, uint64_t *ret_nid, uint8_t *ret_type)
{
	struct erofs_inode i;
	autostr last = {};
	int found = -1;

	inode_at(v, dir, &i);
	assert_true(S_ISDIR(i.mode));
	for (uint64_t n = 0; n * 512 < i.size; n++) {
		size_t valid;
		const uint8_t *block = block_of(v, dir, &i, n, &valid);
		struct erofs_dirent d;

		memcpy(&d, block, sizeof(d));
		size_t count = d.name_offset / sizeof(d);

		for (size_t k = 0; k < count; k++) {
			struct erofs_dirent next = {.name_offset = (uint16_t)valid};

			memcpy(&d, block + k * sizeof(d), sizeof(d));
			if (k + 1 < count)
				memcpy(&next, block + (k + 1) * sizeof(d), sizeof(d));
			const char *text = (const char *)block + d.name_offset;
			size_t text_len = strnlen(text, next.name_offset - d.name_offset);
			autostr now = {};

			str_add_bytes(&now, text, text_len);
			assert_true(strcmp(str_text(&last), now.text) < 0);
			str_reset(&last);
			str_add_bytes(&last, text, text_len);
			if (text_len == len && !memcmp(text, name, len)) {
				*ret_nid = d.nid;
				*ret_type = d.file_type;
				found = 0;
			}
		}
	}
	return found;
}

static void check_xattrs(const struct tree_node *n, const struct erofs_inode *i, const uint8_t *at)
{
	size_t wanted = n->synthetic, seen = 0;
	const uint8_t *x = at + 12, *end = at + xattr_size(i);

	for (const struct tar_xattr *k = n->xattrs; k; k = k->next)
		wanted++;
	while (x < end) {
		struct erofs_xattr head;

		memcpy(&head, x, sizeof(head));
		x += (sizeof(head) + head.name_len + head.value_len + 3) & ~3U;
		seen++;
	}
	assert_int_equal(seen, wanted);
}

static void check_node(const struct view *v, const struct tree *t, uint32_t node, uint64_t nid)
{
	static const uint8_t types[] = {[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFLNK >> 12] = 7};
	const struct tree_node *n = &t->node[node];
	struct erofs_inode i;
	const uint8_t *at = inode_at(v, nid, &i);

	assert_int_equal(i.mode, n->mode);
	assert_int_equal(i.uid, n->uid);
	assert_int_equal(i.gid, n->gid);
	assert_int_equal((int64_t)i.mtime, n->mtime);
	assert_int_equal(i.mtime_ns, n->mtime_ns);
	assert_int_equal(i.nlink, n->nlink);
	check_xattrs(n, &i, at + sizeof(i));
	if (S_ISLNK(n->mode)) {
		size_t len;

		assert_int_equal(i.size, n->size);
		assert_memory_equal(block_of(v, nid, &i, 0, &len), n->link, n->size < 512 ? n->size : 512);
	}
	if (S_ISREG(n->mode) && n->size && !n->sparse)
		assert_int_equal(i.u, v->devices[n->layer].uniaddr + n->offset / 512);
	for (uint32_t k = 0; S_ISDIR(n->mode) && k < n->n_kids; k++) {
		const struct tree_name *name = &t->name[n->kids[k]];
		uint64_t kid;
		uint8_t type;

		if (look(v, nid, name->text, name->len, &kid, &type))
			fail_msg("%.*s is not found", (int)name->len, name->text);
		assert_int_equal(type, types[t->node[name->node].mode >> 12]);
		check_node(v, t, name->node, kid);
	}
}

static void check_view(const struct tree *t, const struct erofs_device *devices, size_t n)
{
	struct view v = {};
	uint64_t nid;
	uint8_t type;

	open_view(&v, t, devices, n);
	check_node(&v, t, TREE_ROOT, v.super.root_nid);
	assert_int_equal(look(&v, v.super.root_nid, "..", 2, &nid, &type), 0);
	assert_int_equal(nid, v.super.root_nid);
	free(v.bytes);
}

static void add(struct tree *t, const struct tar_entry *x)
{
	struct err e = {};

	if (tree_add(t, x, &e))
		fail_msg("%s: %s", x->path, e.because);
}

static struct tree *new_tree(void)
{
	struct tree *t = tree_new();
	struct err e = {};

	assert_int_equal(tree_begin_layer(t, TREE_OCI, NULL, &e), 0);
	return t;
}

static void test_files(void **state)
{
	static const uint8_t value[300];
	static const struct tar_xattr small = {"user.a", value, 3, NULL}, large = {"trusted.b", value, 300, &small},
				      exact = {"security.capability", value, 20, NULL};
	struct erofs_device devices[] = {{-1, 1 << 20}, {-1, 5000}};
	char link[1500];
	autotree *t = new_tree();
	struct err e = {};

	memset(link, 'l', sizeof(link) - 1);
	link[sizeof(link) - 1] = 0;
	add(t, &(struct tar_entry){.type = TAR_DIR, .path = "d", .mode = 01777, .uid = 70000, .mtime = -5, .mtime_ns = 7});
	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "d/f", .mode = 04755, .size = 100, .stored = 100, .offset = 1024});
	add(t, &(struct tar_entry){.type = TAR_HARD_LINK, .path = "g", .link = "d/f"});
	add(t, &(struct tar_entry){.type = TAR_SYMLINK, .path = "short", .link = "x"});
	add(t, &(struct tar_entry){.type = TAR_SYMLINK, .path = "long", .link = link, .xattrs = &small});
	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "x1", .xattrs = &large});
	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "x2", .xattrs = &exact});
	assert_int_equal(tree_begin_layer(t, TREE_OCI, NULL, &e), 0);
	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "upper", .size = 4000, .stored = 4000, .offset = 512});
	assert_int_equal(tree_add_mount_points(t, &e), 0);
	tree_finish(t);
	check_view(t, devices, 2);
}

/* Every length of a link's target and of a name around the borders of a block. */
static void test_borders(void **state)
{
	struct erofs_device device = {-1, 0};
	autoarena a = {};
	autotree *t = new_tree();

	for (size_t n = 1; n < 1100; n += n > 400 && n < 540 ? 1 : 37) {
		char *link = arena_alloc(&a, n + 1);

		memset(link, 'a' + (int)(n % 26), n);
		add(t, &(struct tar_entry){.type = TAR_SYMLINK, .path = arena_printf(&a, "l%zu", n), .link = link});
	}
	for (int n = 1; n <= 255; n++) {
		char *name = arena_alloc(&a, 300);

		memset(name, 'n', (size_t)n);
		add(t, &(struct tar_entry){.type = TAR_FILE, .path = name});
		add(t, &(struct tar_entry){.type = TAR_FILE, .path = arena_printf(&a, "dir%d/%s", n, name)});
	}
	tree_finish(t);
	check_view(t, &device, 1);
}

/* Names on both sides of "." and "..". */
static void test_dots(void **state)
{
	static const char *const names[] = {"!", "-", "-x", ".a", "...", "..a", "0", "\x01", "\xff"};
	struct erofs_device device = {-1, 0};
	autotree *t = new_tree();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add(t, &(struct tar_entry){.type = TAR_FILE, .path = names[i]});
	tree_finish(t);
	check_view(t, &device, 1);
}

static void test_big_directory(void **state)
{
	struct erofs_device device = {-1, 0};
	autoarena a = {};
	autotree *t = new_tree();

	for (int i = 0; i < 3000; i++)
		add(t, &(struct tar_entry){.type = TAR_FILE, .path = arena_printf(&a, "d/file-%d", i * 7919 % 3000)});
	tree_finish(t);
	check_view(t, &device, 1);
}

static const struct erofs_inode *find(const struct view *v, const char *name, struct erofs_inode *i, uint64_t *nid)
{
	uint8_t type;

	assert_int_equal(look(v, v->super.root_nid, name, strlen(name), nid, &type), 0);
	inode_at(v, *nid, i);
	return i;
}

static void test_sparse_chunks(void **state)
{
	struct tar_piece pieces[] = {{4096, 4096}, {16384, 100}};
	struct tar_sparse sparse = {.n = 2, .piece = pieces};
	struct erofs_device device = {-1, 1 << 20};
	autotree *t = new_tree();
	struct view v = {};
	struct erofs_inode i;
	struct erofs_chunk c[5];
	uint64_t nid;

	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "s", .size = 16484, .stored = 4196, .offset = 2048, .sparse = &sparse});
	tree_finish(t);
	open_view(&v, t, &device, 1);
	find(&v, "s", &i, &nid);
	assert_int_equal(i.format >> 1, EROFS_CHUNKS);
	assert_int_equal(i.u, EROFS_CHUNK_INDEXES | 3); /* 4 KiB, the largest that fits */
	assert_int_equal(v.super.feature_incompat & EROFS_INCOMPAT_CHUNKED, EROFS_INCOMPAT_CHUNKED);
	memcpy(c, v.bytes + v.super.meta_block * 512ULL + nid * EROFS_SLOT + sizeof(i), sizeof(c));
	assert_int_equal(c[0].block, EROFS_HOLE);
	assert_int_equal(c[1].block, v.devices[0].uniaddr + 4);
	assert_int_equal(c[2].block, EROFS_HOLE);
	assert_int_equal(c[4].block, v.devices[0].uniaddr + 4 + 8);
	free(v.bytes);
}

static void test_sparse_unaligned(void **state)
{
	struct tar_piece pieces[] = {{3, 2}, {700, 4}};
	struct tar_sparse sparse = {.n = 2, .piece = pieces};
	autoclose int fd = io_memfd("tar", "....abcdef", 10);
	struct erofs_device device = {fd, 10};
	autotree *t = new_tree();
	struct view v = {};
	struct erofs_inode i;
	uint64_t nid;

	add(t, &(struct tar_entry){.type = TAR_FILE, .path = "s", .size = 800, .stored = 6, .offset = 4, .sparse = &sparse});
	tree_finish(t);
	open_view(&v, t, &device, 1);
	find(&v, "s", &i, &nid);
	assert_int_equal(i.size, 800);
	const uint8_t *data = v.bytes + i.u * 512ULL;

	assert_memory_equal(data, "\0\0\0ab\0", 6);
	assert_memory_equal(data + 699, "\0cdef\0", 6);
	free(v.bytes);
}

static void test_too_large(void **state)
{
	struct tar_sparse empty = {};
	struct erofs_device devices[] = {{-1, 1ULL << 40}, {-1, 1ULL << 40}};
	autotree *t = new_tree(), *sparse = new_tree();
	uint8_t *bytes = NULL;
	size_t n;
	struct err e = {};

	tree_finish(t);
	assert_int_not_equal(erofs_write(t, devices, 2, &bytes, &n, &e), 0);
	assert_non_null(strstr(e.because, "2 TiB"));
	/* 2^59 bytes of nothing would be a map of 2^31 entries, were it not refused */
	add(sparse, &(struct tar_entry){.type = TAR_FILE, .path = "s", .size = 1ULL << 59, .sparse = &empty});
	tree_finish(sparse);
	assert_int_not_equal(erofs_write(sparse, devices, 1, &bytes, &n, &e), 0);
	assert_non_null(strstr(e.because, "sparse"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),         cmocka_unit_test(test_borders),       cmocka_unit_test(test_dots),
		cmocka_unit_test(test_big_directory), cmocka_unit_test(test_sparse_chunks), cmocka_unit_test(test_sparse_unaligned),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
