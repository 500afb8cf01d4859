/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF reader of rocket build, over programs that are anybody's. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "build/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoclose int fd = io_memfd("elf", bytes, n);
	const char *variant;
	struct elf elf = {};
	struct err e = {};
	autoarena a = {};

	if (fd < 0 || elf_read(&a, fd, "file", &elf, &e))
		return 0;
	/* What was understood must hold together. */
	if (!elf.is_elf && (elf.is_dynamic || elf.interp || elf.needed))
		abort();
	for (char **name = elf.needed; name && *name; name++)
		if (!**name)
			abort();
	(void)elf_oci_arch(&elf, &variant);
	return 0;
}
