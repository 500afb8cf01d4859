/* SPDX-License-Identifier: Apache-2.0 */
/* The tar reader: what it reads from each dialect, and that it refuses what other readers read differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/tar.h"
#include "tarmake.h"

struct seen {
	struct tar_entry v[16];
	size_t n;
	struct str data;
};

static int on_entry(void *ctx, const struct tar_entry *x, struct err *e)
{
	struct seen *s = ctx;

	assert_true(s->n < ARRAY_SIZE(s->v));
	s->v[s->n++] = *x;
	return 0;
}

static int on_data(void *ctx, const uint8_t *bytes, size_t n, struct err *e)
{
	str_add_bytes(&((struct seen *)ctx)->data, bytes, n);
	return 0;
}

/* Reads it whole and in odd parts; both must say the same. */
static int read_tar(struct arena *a, const struct str *tar, struct seen *s, struct err *e)
{
	struct tar_callbacks call = {.on_entry = on_entry, .on_data = on_data, .ctx = s};
	struct seen parts_seen = {};
	struct tar_callbacks parts_call = {.on_entry = on_entry, .on_data = on_data, .ctx = &parts_seen};
	struct err parts_err = {};
	autotar *whole = tar_open(a, &call), *parts = tar_open(a, &parts_call);
	int r = tar_push(whole, (const uint8_t *)tar->text, tar->len, e), r2 = 0;

	if (!r)
		r = tar_finish(whole, e);
	for (size_t at = 0; at < tar->len && !r2; at += 101)
		r2 = tar_push(parts, (const uint8_t *)tar->text + at, tar->len - at < 101 ? tar->len - at : 101, &parts_err);
	if (!r2)
		r2 = tar_finish(parts, &parts_err);
	assert_int_equal(r, r2);
	assert_int_equal(s->n, parts_seen.n);
	if (!r) {
		assert_int_equal(s->data.len, parts_seen.data.len);
		assert_string_equal(str_text(&s->data), str_text(&parts_seen.data));
	} else {
		assert_string_equal(e->because, parts_err.because);
	}
	str_free(&parts_seen.data);
	return r;
}

static void good(struct arena *a, struct str *tar, struct seen *s)
{
	struct err e = {};

	tarmake_end(tar);
	if (read_tar(a, tar, s, &e))
		fail_msg("%s: %s", e.what, e.because);
	str_free(tar);
}

static void test_ustar(void **state)
{
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};

	tarmake_add(&tar, &(struct tarmake){.name = "x/y", .prefix = "some/where", .data = "hello", .mode = 04755, .uid = 7,
					    .gid = 8, .mtime = 1700000000});
	tarmake_add(&tar, &(struct tarmake){.name = "l", .type = '2', .link = "../x"});
	tarmake_add(&tar, &(struct tarmake){.name = "c", .type = '3', .major = 5, .minor = 260});
	tarmake_add(&tar, &(struct tarmake){.name = "d/", .type = '5', .mode = 01777});
	tarmake_add(&tar, &(struct tarmake){.name = "p", .type = '6'});
	tarmake_add(&tar, &(struct tarmake){.name = "h", .type = '1', .link = "x/y"});
	good(&a, &tar, &s);
	assert_int_equal(s.n, 6);
	assert_string_equal(s.v[0].path, "some/where/x/y");
	assert_int_equal(s.v[0].mode, 04755);
	assert_int_equal(s.v[0].uid, 7);
	assert_int_equal(s.v[0].gid, 8);
	assert_int_equal(s.v[0].mtime, 1700000000);
	assert_int_equal(s.v[0].size, 5);
	assert_int_equal(s.v[0].offset, 512);
	assert_string_equal(s.data.text, "hello");
	assert_int_equal(s.v[1].type, TAR_SYMLINK);
	assert_string_equal(s.v[1].link, "../x");
	assert_int_equal(s.v[2].type, TAR_CHAR);
	assert_int_equal(s.v[2].major, 5);
	assert_int_equal(s.v[2].minor, 260);
	assert_int_equal(s.v[3].type, TAR_DIR);
	assert_int_equal(s.v[4].type, TAR_FIFO);
	assert_int_equal(s.v[5].type, TAR_HARD_LINK);
	str_free(&s.data);
}

static void test_v7(void **state)
{
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};

	tarmake_add(&tar, &(struct tarmake){.name = "dir/", .v7 = true});
	tarmake_add(&tar, &(struct tarmake){.name = "dir/f", .v7 = true, .data = "x", .prefix = "ignored"});
	good(&a, &tar, &s);
	assert_int_equal(s.v[0].type, TAR_DIR);
	assert_string_equal(s.v[1].path, "dir/f");
	str_free(&s.data);
}

static void test_gnu(void **state)
{
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};
	char name[601] = {}, link[513] = {};

	memset(name, 'n', 600);
	memset(link, 'l', 512);
	tarmake_gnu(&tar, 'K', link);
	tarmake_gnu(&tar, 'L', name);
	tarmake_add(&tar, &(struct tarmake){.name = "cut", .type = '2', .link = "cut", .gnu = true});
	tarmake_add(&tar, &(struct tarmake){.name = "b", .gnu = true, .data = "abc", .uid_text = "\x80\0\0\0\0\x01\0\x02",
					    .size_text = "\x80\0\0\0\0\0\0\0\0\0\0\x03"});
	good(&a, &tar, &s);
	assert_string_equal(s.v[0].path, name);
	assert_string_equal(s.v[0].link, link);
	assert_int_equal(s.v[1].uid, 65538);
	assert_int_equal(s.v[1].size, 3);
	str_free(&s.data);
}

static const struct tar_xattr *xattr(const struct tar_entry *x, const char *name)
{
	for (const struct tar_xattr *i = x->xattrs; i; i = i->next)
		if (!strcmp(i->name, name))
			return i;
	return NULL;
}

static void test_pax(void **state)
{
	static const char *const records[] = {"path=long/näme", "mtime=1700000000.123456789999", "uid=3000000", "gid=4",
					      "SCHILY.xattr.user.x=old", "SCHILY.xattr.user.x=new", "SCHILY.xattr.trusted.a=",
					      "SCHILY.xattr.trusted.overlay.opaque=y", "SCHILY.xattr.user.overlay.opaque=y",
					      "SCHILY.xattr.trusted.rocket.synthetic=y", "SCHILY.xattr.security.selinux=label",
					      "SCHILY.xattr.security.capability=cap", "LIBARCHIVE.creationtime=1", NULL};
	static const char *const before_1970[] = {"mtime=-1.25", NULL};
	static const char *const harmless[] = {"comment=from git", NULL};
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};

	tarmake_pax(&tar, 'g', harmless);
	tarmake_pax(&tar, 'x', records);
	tarmake_add(&tar, &(struct tarmake){.name = "short", .data = "x"});
	tarmake_pax(&tar, 'x', before_1970);
	tarmake_add(&tar, &(struct tarmake){.name = "second"});
	good(&a, &tar, &s);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.v[0].path, "long/näme");
	assert_int_equal(s.v[0].mtime_ns, 123456789);
	assert_int_equal(s.v[0].uid, 3000000);
	assert_memory_equal(xattr(&s.v[0], "user.x")->value, "new", 3);
	assert_int_equal(xattr(&s.v[0], "trusted.a")->len, 0);
	assert_non_null(xattr(&s.v[0], "security.capability"));
	assert_null(xattr(&s.v[0], "trusted.overlay.opaque"));
	assert_null(xattr(&s.v[0], "user.overlay.opaque"));
	assert_null(xattr(&s.v[0], "trusted.rocket.synthetic"));
	assert_null(xattr(&s.v[0], "security.selinux"));
	assert_string_equal(s.v[1].path, "second"); /* an extension is for one entry */
	assert_int_equal(s.v[1].mtime, -2);
	assert_int_equal(s.v[1].mtime_ns, 750000000);
	assert_null(s.v[1].xattrs);
	str_free(&s.data);
}

static void test_sparse_pax_1(void **state)
{
	static const char *const records[] = {"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=real",
					      "GNU.sparse.realsize=10000", NULL};
	char payload[1024 + 1] = {};
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};

	memset(payload, 'x', 1024);
	memcpy(payload, "2\n512\n4\n9000\n508\n", 17);
	memset(payload + 17, '0', 512 - 17); /* padding of the map is not looked at */
	tarmake_pax(&tar, 'x', records);
	tarmake_add(&tar, &(struct tarmake){.name = "GNUSparseFile.0/real", .data = payload});
	good(&a, &tar, &s);
	assert_string_equal(s.v[0].path, "real");
	assert_int_equal(s.v[0].size, 10000);
	assert_int_equal(s.v[0].stored, 512);
	assert_int_equal(s.v[0].sparse->n, 2);
	assert_int_equal(s.v[0].sparse->piece[1].offset, 9000);
	assert_int_equal(s.v[0].sparse->piece[1].len, 508);
	assert_int_equal(s.data.len, 512);
	str_free(&s.data);
}

static void test_sparse_pax_01(void **state)
{
	static const char *const records[] = {"GNU.sparse.size=600", "GNU.sparse.numblocks=2", "GNU.sparse.map=0,3,512,2",
					      "GNU.sparse.name=real", NULL};
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};

	tarmake_pax(&tar, 'x', records);
	tarmake_add(&tar, &(struct tarmake){.name = "odd", .data = "abcde"});
	good(&a, &tar, &s);
	assert_string_equal(s.v[0].path, "real");
	assert_int_equal(s.v[0].size, 600);
	assert_int_equal(s.v[0].sparse->n, 2);
	assert_int_equal(s.v[0].sparse->piece[1].len, 2);
	str_free(&s.data);
}

static void test_ends(void **state)
{
	autoarena a = {};
	struct str tar = {};
	struct seen s = {};
	struct err e = {};

	assert_int_equal(read_tar(&a, &tar, &s, &e), 0); /* nothing at all */
	tarmake_add(&tar, &(struct tarmake){.name = "f", .data = "x"});
	assert_int_equal(read_tar(&a, &tar, &s, &e), 0); /* no blocks of zeros */
	s.n = 0;
	str_reset(&s.data);
	tarmake_end(&tar);
	tarmake_end(&tar);
	assert_int_equal(read_tar(&a, &tar, &s, &e), 0); /* more than two */
	str_free(&tar);
	str_free(&s.data);
}

static void test_skip(void **state)
{
	autoarena a = {};
	autostr tar = {};
	struct seen s = {};
	struct tar_callbacks call = {.on_entry = on_entry, .ctx = &s};
	struct err e = {};

	tarmake_add(&tar, &(struct tarmake){.name = "a", .data = "payload"});
	tarmake_add(&tar, &(struct tarmake){.name = "b"});
	autotar *t = tar_open(&a, &call);
	assert_int_equal(tar_push(t, (uint8_t *)tar.text, 512, &e), 0);
	assert_int_equal(tar_skippable(t), 512);
	tar_skip(t, 512);
	assert_int_equal(tar_skippable(t), 0);
	assert_int_equal(tar_push(t, (uint8_t *)tar.text + 1024, tar.len - 1024, &e), 0);
	assert_int_equal(tar_finish(t, &e), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].at, 1024);
}

/* ---- refusals: the archive as a function, and a piece of the reason ---- */

static void make_bad_sum(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.bad_sum = true});
}

static void make_cut(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.data = "x", .size = 5000});
}

static void make_bad_size(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.size_text = "99999999999\0"});
}

static void make_negative_size(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.size_text = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"});
}

static void make_huge_size(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.size_text = "\x80\0\0\x7f\xff\xff\xff\xff\xff\xff\xff\xff"});
}

static void make_no_id(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.uid_text = "\x80\0\0\0\xff\xff\xff\xff"});
}

static void make_link_with_data(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = '2', .link = "a", .data = "hidden"});
}

static void make_slash_file(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.name = "f/"});
}

static void make_unknown_type(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = 'Z'});
}

static void make_dump_type(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = 'D'});
}

static void make_two_dialects(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"path=one", NULL});
	tarmake_gnu(t, 'L', "two");
	tarmake_add(t, &(struct tarmake){.name = "three"});
}

static void make_two_pax(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"path=one", NULL});
	tarmake_pax(t, 'x', (const char *const[]){"path=two", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_two_sizes(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"size=1024", NULL});
	tarmake_add(t, &(struct tarmake){.data = "x"});
}

static void make_global_path(struct str *t)
{
	tarmake_pax(t, 'g', (const char *const[]){"path=everything", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_empty_path(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"path=", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_bad_record(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = 'x', .data = "999 path=a\n"});
	tarmake_add(t, &(struct tarmake){});
}

static void make_alone_pax(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"path=a", NULL});
}

static void make_huge_pax(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = 'x', .size_text = "\x80\0\0\0\0\0\0\x02\x80\0\0\0"}); /* 10 GiB */
}

static void make_long_path(struct str *t)
{
	autostr text = {};

	for (int i = 0; i < 4096; i++)
		str_add_char(&text, 'a');
	tarmake_gnu(t, 'L', text.text);
	tarmake_add(t, &(struct tarmake){.gnu = true});
}

static void make_sparse_00(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.sparse.size=1", "GNU.sparse.offset=0", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_sparse_many(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=1", NULL});
	char map[1025] = {};

	memset(map, '1', 1024);
	memcpy(map, "1099511627776\n0\n1\n", 18);
	tarmake_add(t, &(struct tarmake){.data = map});
}

static void make_sparse_overlap(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.sparse.size=99", "GNU.sparse.map=0,10,5,10", NULL});
	tarmake_add(t, &(struct tarmake){.data = "01234567890123456789"});
}

static void make_sparse_overflow(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.sparse.size=99", "GNU.sparse.map=18446744073709551615,10", NULL});
	tarmake_add(t, &(struct tarmake){.data = "0123456789"});
}

static void make_sparse_longer(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.sparse.size=5", "GNU.sparse.map=0,10", NULL});
	tarmake_add(t, &(struct tarmake){.data = "0123456789"});
}

static void make_behind_end(struct str *t)
{
	tarmake_add(t, &(struct tarmake){});
	tarmake_end(t);
	tarmake_add(t, &(struct tarmake){.name = "hidden"});
}

static void make_volume(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"GNU.volume.filename=a", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_charset(struct str *t)
{
	tarmake_pax(t, 'x', (const char *const[]){"hdrcharset=KOI8-R", NULL});
	tarmake_add(t, &(struct tarmake){});
}

static void make_v7_device(struct str *t)
{
	tarmake_add(t, &(struct tarmake){.type = '3', .v7 = true});
}

static void test_refused(void **state)
{
	static const struct {
		void (*make)(struct str *t);
		const char *because;
	} bad[] = {
		{make_bad_sum, "checksum"},
		{make_cut, "cut off"},
		{make_bad_size, "size in the header is no number"},
		{make_negative_size, "size in the header is out of range"},
		{make_huge_size, "size in the header is"},
		{make_no_id, "owner in the header is out of range"},
		{make_link_with_data, "no regular file, but has data"},
		{make_slash_file, "ends with a slash"},
		{make_unknown_type, "unknown type 0x5a"},
		{make_dump_type, "incremental"},
		{make_two_dialects, "GNU and of pax"},
		{make_two_pax, "two extension headers"},
		{make_two_sizes, "two different sizes"},
		{make_global_path, "global pax header sets path"},
		{make_empty_path, "empty name"},
		{make_bad_record, "wrong length"},
		{make_alone_pax, "no entry behind it"},
		{make_huge_pax, "larger than 1048576"},
		{make_long_path, "more than 4095"},
		{make_sparse_00, "0.0"},
		{make_sparse_many, "more than 100000 pieces"},
		{make_sparse_overlap, "overlap"},
		{make_sparse_overflow, "out of range"},
		{make_sparse_longer, "longer than the file"},
		{make_behind_end, "behind the end"},
		{make_volume, "multi-volume"},
		{make_charset, "KOI8-R"},
		{make_v7_device, "oldest format"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoarena a = {};
		autostr tar = {};
		struct seen s = {};
		struct err e = {};

		bad[i].make(&tar);
		if (bad[i].make != make_cut)
			tarmake_end(&tar);
		if (!read_tar(&a, &tar, &s, &e))
			fail_msg("not refused: %s", bad[i].because);
		if (!strstr(e.because, bad[i].because) || strncmp(e.what, "bad tar archive at byte ", 24))
			fail_msg("wanted '%s', got '%s: %s'", bad[i].because, e.what, e.because);
		str_free(&s.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ustar),         cmocka_unit_test(test_v7),   cmocka_unit_test(test_gnu),
		cmocka_unit_test(test_pax),           cmocka_unit_test(test_ends), cmocka_unit_test(test_sparse_pax_1),
		cmocka_unit_test(test_sparse_pax_01), cmocka_unit_test(test_skip), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
