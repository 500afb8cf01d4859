/* SPDX-License-Identifier: Apache-2.0 */
/* See memory.h. The linker's own marks bound the program's text and constants (ld(1)); they are clean, so nothing is lost. */
#include "supervise/memory.h"

#include <stdint.h>
#include <sys/mman.h>

extern const char __executable_start[], __init_array_start[];

enum { PAGE = 4096 };

void memory_let_go(void)
{
	uintptr_t start = (uintptr_t)__executable_start & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = (uintptr_t)__init_array_start & ~(uintptr_t)(PAGE - 1);

	if (end > start)
		madvise((void *)start, end - start, MADV_DONTNEED);
}
