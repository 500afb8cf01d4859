/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF reader over files made field by field: both classes and byte orders, cut and damaged ones. */
#include "build/elf_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "make_elf.h"

static int read_bytes(struct arena *a, const void *bytes, size_t n, struct elf *ret, struct err *e)
{
	autoclose int fd = io_memfd("elf", bytes, n);

	assert_true(fd >= 0);
	return elf_read(a, fd, "file", ret, e);
}

static const struct make_elf full = {
	.interp = "/lib64/ld-linux-x86-64.so.2",
	.soname = "libself.so.1",
	.rpath = "/old",
	.runpath = "$ORIGIN/../lib:/opt/lib",
	.needed = {"libc.so.6", "libm.so.6"},
};

static void check_full(const struct elf *elf)
{
	assert_true(elf->is_elf);
	assert_true(elf->is_dynamic);
	assert_string_equal(elf->interp, full.interp);
	assert_string_equal(elf->soname, full.soname);
	assert_string_equal(elf->rpath, full.rpath);
	assert_string_equal(elf->runpath, full.runpath);
	assert_int_equal(strv_len(elf->needed), 2);
	assert_string_equal(elf->needed[0], "libc.so.6");
	assert_string_equal(elf->needed[1], "libm.so.6");
}

static void reads_every_class_and_byte_order(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		autoarena a = {};
		struct make_elf in = full;
		struct made_elf made;
		struct elf elf = {};
		struct err e = {};

		in.is_32 = i & 1;
		in.big_endian = i & 2;
		make_elf(&made, &in);
		assert_int_equal(read_bytes(&a, made.bytes, made.len, &elf, &e), 0);
		check_full(&elf);
		assert_int_equal(elf.is_64, !in.is_32);
		assert_int_equal(elf.big_endian, in.big_endian);
	}
}

static void other_files_are_no_elf(void **state)
{
	static const char *const texts[] = {"", "#!/bin/sh\n", "\177ELF", "\177ELX0123456789abcdef"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autoarena a = {};
		struct elf elf = {.is_elf = true};
		struct err e = {};

		assert_int_equal(read_bytes(&a, texts[i], strlen(texts[i]), &elf, &e), 0);
		assert_false(elf.is_elf);
	}
}

static void object_files_have_no_needs(void **state)
{
	autoarena a = {};
	struct make_elf in = full;
	struct made_elf made;
	struct elf elf = {};
	struct err e = {};

	in.type = ET_REL;
	make_elf(&made, &in);
	assert_int_equal(read_bytes(&a, made.bytes, made.len, &elf, &e), 0);
	assert_true(elf.is_elf);
	assert_false(elf.is_dynamic);
}

/* Every shorter file is an error or no ELF, never a crash or a half answer. */
static void cut_files_are_refused(void **state)
{
	struct made_elf made;

	make_elf(&made, &full);
	for (size_t n = 0; n < made.len - 1; n++) {
		autoarena a = {};
		struct elf elf = {};
		struct err e = {};
		int rc = read_bytes(&a, made.bytes, n, &elf, &e);

		assert_true(rc == 0 || rc == -ERR_FAILED);
		if (rc == 0)
			assert_false(elf.is_elf);
		else
			assert_non_null(strstr(e.what, "broken ELF"));
	}
}

struct damage {
	const char *name;
	size_t at, size;
	uint64_t value;
};

static void damaged_headers_are_refused(void **state)
{
	struct made_elf made;

	make_elf(&made, &full);
	const struct damage damages[] = {
		{"class", EI_CLASS, 1, 9},
		{"byte order", EI_DATA, 1, 0},
		{"header count", offsetof(Elf64_Ehdr, e_phnum), 2, 0xffff},
		{"header size", offsetof(Elf64_Ehdr, e_phentsize), 2, 8},
		{"header place", offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 8},
		{"dynamic size", made.phdrs_at + 56 + offsetof(Elf64_Phdr, p_filesz), 8, 1ULL << 40},
		{"dynamic place", made.phdrs_at + 56 + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX},
		{"string table", made.dynamic_at + 8, 8, 0x99999999},
		{"name", made.dynamic_at + 24, 8, UINT64_MAX},
		{"loader", made.phdrs_at + 112 + offsetof(Elf64_Phdr, p_filesz), 8, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		struct made_elf copy = made;
		autoarena a = {};
		struct elf elf = {};
		struct err e = {};

		made_put(&copy, &full, d->at, d->value, d->size);
		if (read_bytes(&a, copy.bytes, copy.len, &elf, &e) != -ERR_FAILED)
			fail_msg("a damaged %s was accepted", d->name);
		assert_false(elf.is_elf);
	}
}

static void machines_have_oci_names(void **state)
{
	const struct {
		struct elf elf;
		const char *arch, *variant;
	} cases[] = {
		{{.is_elf = true, .is_64 = true, .machine = EM_X86_64}, "amd64", NULL},
		{{.is_elf = true, .is_64 = true, .machine = EM_AARCH64}, "arm64", NULL},
		{{.is_elf = true, .machine = EM_ARM}, "arm", "v7"},
		{{.is_elf = true, .machine = EM_X86_64}, NULL, NULL}, /* x32: none of OCI's */
		{{.is_64 = true, .machine = EM_X86_64}, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *variant, *arch = elf_oci_arch(&cases[i].elf, &variant);

		assert_true(arch == cases[i].arch || strcmp(arch, cases[i].arch) == 0);
		assert_true(variant == cases[i].variant || strcmp(variant, cases[i].variant) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_class_and_byte_order),
		cmocka_unit_test(other_files_are_no_elf),
		cmocka_unit_test(object_files_have_no_needs),
		cmocka_unit_test(cut_files_are_refused),
		cmocka_unit_test(damaged_headers_are_refused),
		cmocka_unit_test(machines_have_oci_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
