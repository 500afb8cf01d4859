/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF header -> program headers -> PT_INTERP and PT_DYNAMIC -> strings. Offsets of the two classes are
 * a table, so that one reader serves both. Every number comes from the file and is checked against the
 * limits before it is used.
 */
#include "build/elf_file.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	MAX_PHDRS = 1024,
	MAX_DYNAMIC_BYTES = 1 << 20,
	MAX_NEEDED = 4096,
	MAX_STRING = 4096,
};

/* Where the fields stand in one class. `word` is the size of an address. */
struct layout {
	size_t word;
	size_t ehdr_size, ehdr_phoff, ehdr_phentsize, ehdr_phnum;
	size_t phdr_size, phdr_offset, phdr_vaddr, phdr_filesz;
	size_t dyn_size;
};

static const struct layout layouts[] = {
	{
		.word = 4,
		.ehdr_size = sizeof(Elf32_Ehdr),
		.ehdr_phoff = offsetof(Elf32_Ehdr, e_phoff),
		.ehdr_phentsize = offsetof(Elf32_Ehdr, e_phentsize),
		.ehdr_phnum = offsetof(Elf32_Ehdr, e_phnum),
		.phdr_size = sizeof(Elf32_Phdr),
		.phdr_offset = offsetof(Elf32_Phdr, p_offset),
		.phdr_vaddr = offsetof(Elf32_Phdr, p_vaddr),
		.phdr_filesz = offsetof(Elf32_Phdr, p_filesz),
		.dyn_size = sizeof(Elf32_Dyn),
	},
	{
		.word = 8,
		.ehdr_size = sizeof(Elf64_Ehdr),
		.ehdr_phoff = offsetof(Elf64_Ehdr, e_phoff),
		.ehdr_phentsize = offsetof(Elf64_Ehdr, e_phentsize),
		.ehdr_phnum = offsetof(Elf64_Ehdr, e_phnum),
		.phdr_size = sizeof(Elf64_Phdr),
		.phdr_offset = offsetof(Elf64_Phdr, p_offset),
		.phdr_vaddr = offsetof(Elf64_Phdr, p_vaddr),
		.phdr_filesz = offsetof(Elf64_Phdr, p_filesz),
		.dyn_size = sizeof(Elf64_Dyn),
	},
};

struct segment {
	uint32_t type;
	uint64_t offset, vaddr, filesz;
};

struct reader {
	struct arena *a;
	int fd;
	const char *name;
	const struct layout *layout;
	bool big_endian;
	struct err *e;
	struct segment segments[MAX_PHDRS];
	size_t n_segments;
};

struct machine {
	uint16_t number;
	bool is_64, big_endian;
	const char *arch, *variant, *multiarch;
};

static const struct machine machines[] = {
	{EM_X86_64, true, false, "amd64", NULL, "x86_64-linux-gnu"},
	{EM_AARCH64, true, false, "arm64", NULL, "aarch64-linux-gnu"},
	{EM_386, false, false, "386", NULL, "i386-linux-gnu"},
	{EM_ARM, false, false, "arm", "v7", "arm-linux-gnueabihf"},
	{EM_RISCV, true, false, "riscv64", NULL, "riscv64-linux-gnu"},
	{EM_PPC64, true, false, "ppc64le", NULL, "powerpc64le-linux-gnu"},
	{EM_S390, true, true, "s390x", NULL, "s390x-linux-gnu"},
	{EM_MIPS, true, false, "mips64le", NULL, "mips64el-linux-gnuabi64"},
	{EM_LOONGARCH, true, false, "loong64", NULL, "loongarch64-linux-gnu"},
};

static int broken(const struct reader *r, const char *why)
{
	err_new(r->e, ERR_FAILED, "%s is a broken ELF file", r->name);
	err_because(r->e, "%s", why);
	return err_try(r->e, "leave it out of the recipe (except: …), or take a good copy");
}

static uint64_t load(const struct reader *r, const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at[r->big_endian ? size - 1 - i : i] << (8 * i);
	return value;
}

/* Exactly n bytes at offset. */
static int read_at(const struct reader *r, uint64_t offset, void *bytes, size_t n)
{
	size_t done = 0;

	if (offset > INT64_MAX - n)
		return broken(r, "an offset lies behind the largest file");
	while (done < n) {
		ssize_t got =
			pread(r->fd, (char *)bytes + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(r->e, "cannot read %s", r->name);
		if (got == 0)
			return broken(r, "it ends before what its headers point to");
		done += (size_t)got;
	}
	return 0;
}

/* A 0-terminated string of at most MAX_STRING - 1 bytes inside [offset, offset + room). */
static int read_string(const struct reader *r, uint64_t offset, uint64_t room, char **ret)
{
	char text[MAX_STRING];
	size_t want = room < sizeof(text) ? (size_t)room : sizeof(text);
	ssize_t got;

	if (offset > INT64_MAX - sizeof(text))
		return broken(r, "a string lies behind the largest file");
	got = pread(r->fd, text, want, (off_t)offset);
	if (got < 0)
		return err_errno(r->e, "cannot read %s", r->name);
	if (!memchr(text, 0, (size_t)got))
		return broken(r, "a string in it does not end");
	*ret = arena_strdup(r->a, text);
	return 0;
}

static int read_segments(struct reader *r, const uint8_t *ehdr)
{
	const struct layout *l = r->layout;
	uint64_t at = load(r, ehdr + l->ehdr_phoff, l->word);
	size_t entry = (size_t)load(r, ehdr + l->ehdr_phentsize, 2);
	size_t n = (size_t)load(r, ehdr + l->ehdr_phnum, 2);
	uint8_t phdr[sizeof(Elf64_Phdr)] = {};
	int rc;

	if (n > MAX_PHDRS)
		return broken(r, "it has more than 1024 program headers");
	if (n && entry < l->phdr_size)
		return broken(r, "its program headers are too small");
	for (size_t i = 0; i < n; i++) {
		struct segment *s = &r->segments[i];

		if (at > INT64_MAX - entry * i)
			return broken(r, "its program headers lie behind the largest file");
		rc = read_at(r, at + entry * i, phdr, l->phdr_size);
		if (rc)
			return rc;
		s->type = (uint32_t)load(r, phdr, 4);
		s->offset = load(r, phdr + l->phdr_offset, l->word);
		s->vaddr = load(r, phdr + l->phdr_vaddr, l->word);
		s->filesz = load(r, phdr + l->phdr_filesz, l->word);
	}
	r->n_segments = n;
	return 0;
}

static const struct segment *find_segment(const struct reader *r, uint32_t type)
{
	for (size_t i = 0; i < r->n_segments; i++)
		if (r->segments[i].type == type && r->segments[i].filesz)
			return &r->segments[i];
	return NULL;
}

/* Where an address of the loaded file stands in the file, and how many bytes follow it there. */
static int map_address(const struct reader *r, uint64_t address, uint64_t *ret_offset,
		       uint64_t *ret_room)
{
	for (size_t i = 0; i < r->n_segments; i++) {
		const struct segment *s = &r->segments[i];
		uint64_t into = address - s->vaddr;

		if (s->type != PT_LOAD || address < s->vaddr || into >= s->filesz)
			continue;
		if (s->offset > INT64_MAX - into)
			return broken(r, "a segment lies behind the largest file");
		*ret_offset = s->offset + into;
		*ret_room = s->filesz - into;
		return 0;
	}
	return broken(r, "its string table lies outside of what is loaded");
}

/* What the first pass over the dynamic section finds; the strings come in a second one. */
struct dynamic {
	uint8_t *bytes;
	size_t n;
	uint64_t strings_at, strings_room;
};

static uint64_t dynamic_tag(const struct reader *r, const struct dynamic *d, size_t i)
{
	return load(r, d->bytes + i * r->layout->dyn_size, r->layout->word);
}

static uint64_t dynamic_value(const struct reader *r, const struct dynamic *d, size_t i)
{
	return load(r, d->bytes + i * r->layout->dyn_size + r->layout->word, r->layout->word);
}

static int read_dynamic(const struct reader *r, const struct segment *s, struct dynamic *ret)
{
	size_t bytes;

	if (s->filesz > MAX_DYNAMIC_BYTES)
		return broken(r, "its dynamic section is larger than 1 MiB");
	bytes = (size_t)s->filesz;
	ret->bytes = arena_alloc(r->a, bytes ? bytes : 1);
	ret->n = bytes / r->layout->dyn_size;
	return read_at(r, s->offset, ret->bytes, bytes);
}

/* Finds the string table. A section without one is fine as long as nothing refers to it. */
static int find_strings(const struct reader *r, struct dynamic *d)
{
	uint64_t table = 0, size = 0;
	bool found = false;
	int rc;

	for (size_t i = 0; i < d->n; i++) {
		uint64_t tag = dynamic_tag(r, d, i);

		if (tag == DT_NULL) {
			d->n = i;
			break;
		}
		if (tag == DT_STRTAB) {
			table = dynamic_value(r, d, i);
			found = true;
		}
		if (tag == DT_STRSZ)
			size = dynamic_value(r, d, i);
	}
	if (!found)
		return 0;
	rc = map_address(r, table, &d->strings_at, &d->strings_room);
	if (!rc && size < d->strings_room)
		d->strings_room = size;
	return rc;
}

static int dynamic_string(const struct reader *r, const struct dynamic *d, size_t i, char **ret)
{
	uint64_t into = dynamic_value(r, d, i);

	if (into >= d->strings_room)
		return broken(r, "a name lies outside of its string table");
	return read_string(r, d->strings_at + into, d->strings_room - into, ret);
}

static int read_needed(const struct reader *r, const struct dynamic *d, size_t i, struct elf *elf)
{
	char *name = NULL;
	int rc = dynamic_string(r, d, i, &name);

	if (rc)
		return rc;
	if (!name[0])
		return broken(r, "it needs a library without a name");
	arena_strv_add(r->a, &elf->needed, name);
	return 0;
}

static int read_entry(const struct reader *r, const struct dynamic *d, size_t i, struct elf *elf)
{
	switch (dynamic_tag(r, d, i)) {
	case DT_NEEDED:
		return read_needed(r, d, i, elf);
	case DT_SONAME:
		return dynamic_string(r, d, i, &elf->soname);
	case DT_RPATH:
		return dynamic_string(r, d, i, &elf->rpath);
	case DT_RUNPATH:
		return dynamic_string(r, d, i, &elf->runpath);
	default:
		return 0;
	}
}

static int read_loading(const struct reader *r, struct elf *elf)
{
	const struct segment *s = find_segment(r, PT_INTERP);
	struct dynamic d = {};
	size_t needed = 0;
	int rc = s ? read_string(r, s->offset, s->filesz, &elf->interp) : 0;

	s = find_segment(r, PT_DYNAMIC);
	if (rc || !s)
		return rc;
	elf->is_dynamic = true;
	rc = read_dynamic(r, s, &d);
	if (!rc)
		rc = find_strings(r, &d);
	for (size_t i = 0; !rc && i < d.n; i++) {
		if (dynamic_tag(r, &d, i) == DT_NEEDED && ++needed > MAX_NEEDED)
			return broken(r, "it needs more than 4096 libraries");
		rc = read_entry(r, &d, i, elf);
	}
	return rc;
}

/* The identification says what kind of ELF this is; an odd one is an error, a short file is no ELF. */
static int read_ident(struct reader *r, const uint8_t *ident, struct elf *elf)
{
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return broken(r, "it is neither of 32 nor of 64 bits");
	if (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB)
		return broken(r, "its byte order is unknown");
	elf->is_64 = ident[EI_CLASS] == ELFCLASS64;
	elf->big_endian = r->big_endian = ident[EI_DATA] == ELFDATA2MSB;
	r->layout = &layouts[elf->is_64];
	return 0;
}

static int read_file(struct reader *r, struct elf *elf)
{
	uint8_t ehdr[sizeof(Elf64_Ehdr)] = {};
	ssize_t got = pread(r->fd, ehdr, EI_NIDENT, 0);
	uint16_t type;
	int rc;

	if (got < 0)
		return err_errno(r->e, "cannot read %s", r->name);
	if (got < EI_NIDENT || memcmp(ehdr, ELFMAG, SELFMAG) != 0)
		return 0;
	elf->is_elf = true;
	rc = read_ident(r, ehdr, elf);
	if (!rc)
		rc = read_at(r, 0, ehdr, r->layout->ehdr_size);
	if (rc)
		return rc;
	type = (uint16_t)load(r, ehdr + offsetof(Elf64_Ehdr, e_type), 2);
	elf->machine = (uint16_t)load(r, ehdr + offsetof(Elf64_Ehdr, e_machine), 2);
	if (type != ET_EXEC && type != ET_DYN)
		return 0;
	rc = read_segments(r, ehdr);
	return rc ? rc : read_loading(r, elf);
}

int elf_read(struct arena *a, int fd, const char *name, struct elf *ret, struct err *e)
{
	autofree struct reader *r = calloc(1, sizeof(*r));
	struct elf elf = {};
	int rc;

	if (!r)
		return err_errno(e, "cannot read %s", name);
	r->a = a;
	r->fd = fd;
	r->name = name;
	r->e = e;
	rc = read_file(r, &elf);
	if (!rc)
		*ret = elf;
	return rc;
}

static const struct machine *find_machine(const struct elf *elf)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (elf->is_elf && machines[i].number == elf->machine &&
		    machines[i].is_64 == elf->is_64 &&
		    machines[i].big_endian == elf->big_endian)
			return &machines[i];
	return NULL;
}

const char *elf_oci_arch(const struct elf *elf, const char **ret_variant)
{
	const struct machine *m = find_machine(elf);

	*ret_variant = m ? m->variant : NULL;
	return m ? m->arch : NULL;
}

const char *elf_multiarch(const struct elf *elf)
{
	const struct machine *m = find_machine(elf);

	return m ? m->multiarch : NULL;
}
