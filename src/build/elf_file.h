/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ELF file says about its own loading: which loader, which libraries, where to look for them.
 * Nothing of the file is executed. Reads with pread() only, so a file that shrinks meanwhile is an error
 * and no signal. Both classes and byte orders. Source: elf(5), System V gABI chapter 5.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct elf {
	bool is_elf;      /* false: any other file; nothing else is filled */
	bool is_dynamic;  /* has a dynamic section: a program with libraries, or a library */
	bool is_64;
	bool big_endian;
	uint16_t machine; /* EM_… */
	char *interp;     /* PT_INTERP, or NULL */
	char *soname;     /* or NULL */
	char *rpath;      /* DT_RPATH, only looked at where there is no runpath; or NULL */
	char *runpath;    /* DT_RUNPATH, or NULL */
	char **needed;    /* DT_NEEDED in order; NULL when none */
};

/*
 * Reads the file behind fd (seekable, opened for reading; its offset stays). `name` is for messages. The
 * strings lie in the arena. ERR_FAILED for a file that starts as ELF and then contradicts itself; limits:
 * 1024 program headers, 1 MiB of dynamic section, 4096 needed libraries, 4096 bytes a string.
 */
[[nodiscard]] int elf_read(struct arena *a, int fd, const char *name, struct elf *ret, struct err *e);

/* OCI's word for the machine ("amd64", "arm64", …) and its variant ("v7", or NULL); NULL when unknown. */
const char *elf_oci_arch(const struct elf *elf, const char **ret_variant);
/* Debian's multiarch name ("x86_64-linux-gnu"), or NULL when unknown. */
const char *elf_multiarch(const struct elf *elf);
