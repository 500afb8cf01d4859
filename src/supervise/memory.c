/* SPDX-License-Identifier: Apache-2.0 */
/* See memory.h. The linker's own marks bound the program's text and constants (ld(1)); they are clean, so nothing is lost. */
#include "supervise/memory.h"

#include <stdint.h>
#include <sys/mman.h>

extern const char __executable_start[], __init_array_start[];

enum { PAGE = 4096, DEEPEST = 512 << 10 };

/* A start went deep into the stack (ushers, filters): what lies below us now is nobody's. Where nothing is mapped madvise(2) goes on. */
[[gnu::noinline]] static void let_go_of_stack(void)
{
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - PAGE) & ~(uintptr_t)(PAGE - 1);

	madvise((void *)(end - DEEPEST), DEEPEST, MADV_DONTNEED);
}

void memory_let_go(void)
{
	uintptr_t start = (uintptr_t)__executable_start & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = (uintptr_t)__init_array_start & ~(uintptr_t)(PAGE - 1);

	if (end > start)
		madvise((void *)start, end - start, MADV_DONTNEED);
	let_go_of_stack();
}
