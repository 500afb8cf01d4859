/* SPDX-License-Identifier: Apache-2.0 */
/* A small dynamic ELF file, written field by field, for tests: of either class and byte order. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct make_elf {
	bool is_32, big_endian;
	uint16_t type;          /* 0: ET_DYN */
	uint16_t machine;       /* 0: EM_X86_64 */
	const char *interp, *soname, *rpath, *runpath;
	const char *needed[8];
};

struct made_elf {
	uint8_t bytes[8192];
	size_t len;
	/* Places to break. */
	size_t phdrs_at, dynamic_at, strings_at, strings_len;
};

static inline void made_put(struct made_elf *m, const struct make_elf *in, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		m->bytes[at + (in->big_endian ? size - 1 - i : i)] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t made_string(struct made_elf *m, const char *text)
{
	size_t at = m->strings_len, n = strlen(text) + 1;

	memcpy(m->bytes + m->strings_at + at, text, n);
	m->strings_len += n;
	return at;
}

static inline void made_phdr(struct made_elf *m, const struct make_elf *in, size_t i, uint32_t type, uint64_t offset,
			     uint64_t size)
{
	size_t word = in->is_32 ? 4 : 8, at = m->phdrs_at + i * (in->is_32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr));

	made_put(m, in, at, type, 4);
	made_put(m, in, at + (in->is_32 ? offsetof(Elf32_Phdr, p_offset) : offsetof(Elf64_Phdr, p_offset)), offset, word);
	made_put(m, in, at + (in->is_32 ? offsetof(Elf32_Phdr, p_vaddr) : offsetof(Elf64_Phdr, p_vaddr)),
		 0x10000 + offset, word);
	made_put(m, in, at + (in->is_32 ? offsetof(Elf32_Phdr, p_filesz) : offsetof(Elf64_Phdr, p_filesz)), size, word);
}

static inline void made_dyn(struct made_elf *m, const struct make_elf *in, size_t *at, uint64_t tag, uint64_t value)
{
	size_t word = in->is_32 ? 4 : 8;

	made_put(m, in, *at, tag, word);
	made_put(m, in, *at + word, value, word);
	*at += 2 * word;
}

static inline void made_dynamic(struct made_elf *m, const struct make_elf *in)
{
	size_t at = m->dynamic_at;

	made_dyn(m, in, &at, DT_STRTAB, 0x10000 + m->strings_at);
	for (size_t i = 0; i < 8 && in->needed[i]; i++)
		made_dyn(m, in, &at, DT_NEEDED, made_string(m, in->needed[i]));
	if (in->soname)
		made_dyn(m, in, &at, DT_SONAME, made_string(m, in->soname));
	if (in->rpath)
		made_dyn(m, in, &at, DT_RPATH, made_string(m, in->rpath));
	if (in->runpath)
		made_dyn(m, in, &at, DT_RUNPATH, made_string(m, in->runpath));
	made_dyn(m, in, &at, DT_STRSZ, m->strings_len);
	made_dyn(m, in, &at, DT_NULL, 0);
}

static inline void make_elf(struct made_elf *m, const struct make_elf *in)
{
	size_t ehdr = in->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
	size_t phdr = in->is_32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr), word = in->is_32 ? 4 : 8;
	size_t interp_at = 512;

	memset(m, 0, sizeof(*m));
	memcpy(m->bytes, ELFMAG, SELFMAG);
	m->bytes[EI_CLASS] = in->is_32 ? ELFCLASS32 : ELFCLASS64;
	m->bytes[EI_DATA] = in->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	m->phdrs_at = ehdr;
	m->dynamic_at = 1024;
	m->strings_at = 2048;
	m->strings_len = 1;
	made_put(m, in, 16, in->type ? in->type : ET_DYN, 2);
	made_put(m, in, 18, in->machine ? in->machine : EM_X86_64, 2);
	made_put(m, in, in->is_32 ? offsetof(Elf32_Ehdr, e_phoff) : offsetof(Elf64_Ehdr, e_phoff), ehdr, word);
	made_put(m, in, in->is_32 ? offsetof(Elf32_Ehdr, e_phentsize) : offsetof(Elf64_Ehdr, e_phentsize), phdr, 2);
	made_put(m, in, in->is_32 ? offsetof(Elf32_Ehdr, e_phnum) : offsetof(Elf64_Ehdr, e_phnum), in->interp ? 3 : 2, 2);
	made_dynamic(m, in);
	m->len = m->strings_at + m->strings_len;
	made_phdr(m, in, 0, PT_LOAD, 0, m->len);
	made_phdr(m, in, 1, PT_DYNAMIC, m->dynamic_at, 512);
	if (!in->interp)
		return;
	memcpy(m->bytes + interp_at, in->interp, strlen(in->interp) + 1);
	made_phdr(m, in, 2, PT_INTERP, interp_at, strlen(in->interp) + 1);
}
