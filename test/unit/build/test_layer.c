/* SPDX-License-Identifier: Apache-2.0 */
/* The layer is read back with the reader that import uses. */
#include "build/layer.h"

#include <sys/mman.h>

#include "fixture.h"
#include "image/tar.h"

static const struct layer_options epoch = {.time_s = 1700000000};

static int note_entry(void *ctx, const struct tar_entry *entry, struct err *e)
{
	struct str *out = ctx;

	str_addf(out, "%u %s", (unsigned)entry->type, entry->path);
	if (entry->link)
		str_addf(out, " -> %s", entry->link);
	str_addf(out, " %04o %u:%u @%lld %llu\n", entry->mode, entry->uid, entry->gid, (long long)entry->mtime,
		 (unsigned long long)entry->size);
	return 0;
}

static int note_data(void *ctx, const uint8_t *bytes, size_t n, struct err *e)
{
	str_add_bytes(ctx, bytes, n);
	return 0;
}

/* The tar that the rootfs becomes, and what the reader says about it. */
static void write_and_read(const struct rootfs *fs, const struct layer_options *options, struct layer *layer,
			   struct str *said)
{
	autoclose int fd = memfd_create("layer", MFD_CLOEXEC);
	autofree char *bytes = NULL;
	autoarena a = {};
	struct tar_callbacks callbacks = {note_entry, note_data, said};
	autotar *tar = tar_open(&a, &callbacks);
	char hex[DIGEST_TEXT_MAX];
	struct err e = {};
	size_t n;

	assert_int_equal(layer_write(fd, fs, options, layer, &e), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(io_read_fd(fd, 1 << 24, &bytes, &n, &e), 0);
	assert_int_equal(n, layer->size);
	assert_int_equal(n % 512, 0);
	digest_text(bytes, n, hex);
	assert_string_equal(layer->diff_id, hex);
	assert_int_equal(tar_push(tar, (uint8_t *)bytes, n, &e), 0);
	assert_int_equal(tar_finish(tar, &e), 0);
}

static void add(struct rootfs *fs, struct rootfs_entry entry)
{
	struct err e = {};

	if (rootfs_add(fs, &entry, &e))
		fail_msg("%s", e.what);
}

static void entries_come_sorted_and_complete(void **state)
{
	autoarena a = {};
	autostr said = {};
	struct rootfs fs;
	struct layer layer;

	rootfs_init(&fs, &a);
	add(&fs, (struct rootfs_entry){.path = (char *)"/b/c", .kind = ROOTFS_FILE, .mode = 04711, .uid = 101, .gid = 5, .text = "hi\n", .size = 3});
	add(&fs, (struct rootfs_entry){.path = (char *)"/a", .kind = ROOTFS_LINK, .mode = 0777, .target = (char *)"b/c"});
	rootfs_sort(&fs);
	write_and_read(&fs, &epoch, &layer, &said);
	assert_string_equal(said.text, "2 a -> b/c 0777 0:0 @1700000000 0\n"
				       "5 b/ 0755 0:0 @1700000000 0\n"
				       "0 b/c 4711 101:5 @1700000000 3\nhi\n");
}

static void what_ustar_cannot_hold_goes_to_pax(void **state)
{
	autoarena a = {};
	autostr said = {}, deep = {}, name = {}, target = {}, want = {};
	struct rootfs fs;
	struct layer layer;

	for (unsigned i = 0; i < 200; i++)
		str_add_char(&name, 'n');
	for (unsigned i = 0; i < 300; i++)
		str_add(&target, "t/");
	str_addf(&deep, "d/%.90s/%.99s", name.text, name.text);
	rootfs_init(&fs, &a);
	add(&fs, (struct rootfs_entry){.path = deep.text, .kind = ROOTFS_FILE, .mode = 0644, .text = "", .size = 0});
	add(&fs, (struct rootfs_entry){.path = name.text, .kind = ROOTFS_FILE, .mode = 0644, .uid = 2097152, .gid = INT32_MAX, .text = "x", .size = 1});
	add(&fs, (struct rootfs_entry){.path = (char *)"z", .kind = ROOTFS_LINK, .mode = 0777, .target = target.text});
	rootfs_sort(&fs);
	write_and_read(&fs, &(struct layer_options){.leave_implied = true}, &layer, &said);
	str_addf(&want, "0 %s 0644 0:0 @0 0\n", deep.text);
	str_addf(&want, "0 %s 0644 2097152:2147483647 @0 1\nx", name.text);
	str_addf(&want, "2 z -> %s 0777 0:0 @0 0\n", target.text);
	assert_string_equal(said.text, want.text);
}

static void the_order_of_adding_does_not_matter(void **state)
{
	static const char *const names[] = {"x/a", "x.b", "x/a.b", "y", "x-c"};
	struct layer first, second;
	autoarena a = {};
	autostr said = {};
	struct rootfs one, two;

	rootfs_init(&one, &a);
	rootfs_init(&two, &a);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *last = names[ARRAY_SIZE(names) - 1 - i];

		add(&one, (struct rootfs_entry){.path = (char *)names[i], .kind = ROOTFS_FILE, .text = names[i], .size = strlen(names[i])});
		add(&two, (struct rootfs_entry){.path = (char *)last, .kind = ROOTFS_FILE, .text = last, .size = strlen(last)});
	}
	rootfs_sort(&one);
	rootfs_sort(&two);
	write_and_read(&one, &epoch, &first, &said);
	write_and_read(&two, &epoch, &second, &said);
	assert_string_equal(first.diff_id, second.diff_id);
	write_and_read(&two, &(struct layer_options){.time_s = 1}, &second, &said);
	assert_string_not_equal(first.diff_id, second.diff_id);
}

static void a_file_that_changes_is_an_error(void **state)
{
	autoarena a = {};
	autoclose int fd = memfd_create("layer", MFD_CLOEXEC);
	struct fixture f;
	struct rootfs fs;
	struct layer layer;
	struct err e = {};

	fixture_open(&f);
	fixture_file(&f, "a", "1234", 0644);
	rootfs_init(&fs, &a);
	add(&fs, (struct rootfs_entry){.path = (char *)"a", .kind = ROOTFS_FILE, .source = &f.source, .from = (char *)"/a", .size = 5});
	rootfs_sort(&fs);
	assert_int_equal(layer_write(fd, &fs, &epoch, &layer, &e), -ERR_FAILED);
	assert_non_null(strstr(e.what, "changed while"));
	fixture_link(&f, "b", "a");
	fs.entries.v[0].from = (char *)"/b";
	assert_int_equal(layer_write(fd, &fs, &epoch, &layer, &e), -ERR_FAILED);
	fixture_close(&f);
}

/* Larger than the writer's buffer, and of an odd size. */
static void large_files_come_through(void **state)
{
	enum { SIZE = 3 * (1 << 20) + 12345 };
	autoarena a = {};
	autostr said = {};
	autofree char *bytes = malloc(SIZE);
	struct fixture f;
	struct rootfs fs;
	struct layer layer;
	const char *body;

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)('a' + (i * 7 + i / 4099) % 26);
	fixture_open(&f);
	fixture_bytes(&f, "big", bytes, SIZE, 0644);
	rootfs_init(&fs, &a);
	add(&fs, (struct rootfs_entry){.path = (char *)"big", .kind = ROOTFS_FILE, .source = &f.source, .from = (char *)"/big", .size = SIZE});
	rootfs_sort(&fs);
	write_and_read(&fs, &epoch, &layer, &said);
	body = strchr(said.text, '\n') + 1;
	assert_int_equal(said.len - (size_t)(body - said.text), SIZE);
	assert_memory_equal(body, bytes, SIZE);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_sorted_and_complete),
		cmocka_unit_test(what_ustar_cannot_hold_goes_to_pax),
		cmocka_unit_test(the_order_of_adding_does_not_matter),
		cmocka_unit_test(a_file_that_changes_is_an_error),
		cmocka_unit_test(large_files_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
