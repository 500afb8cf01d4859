/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone3(2) with a stack and shared memory, which glibc 2.36 has no wrapper for: the child calls fn(arg)
 * on its own stack and exits with what it gives. With CLONE_VFORK the parent waits until the child is gone.
 */
#pragma once

#include <linux/sched.h>
#include <stddef.h>
#include <sys/syscall.h>

typedef int clone_usher_fn(void *arg);

/* args->stack and stack_size are set, CLONE_VM among its flags. The child's pid, or -errno. */
static inline long clone_usher(const struct clone_args *args, clone_usher_fn *fn, void *arg)
{
#if defined(__x86_64__)
	register long ret __asm__("rax") = SYS_clone3;
	register clone_usher_fn *child_fn __asm__("r12") = fn;
	register void *child_arg __asm__("r13") = arg;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "+r"(ret)
			 : "D"(args), "S"(sizeof(*args)), "r"(child_fn), "r"(child_arg), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);
	register clone_usher_fn *child_fn __asm__("x20") = fn;
	register void *child_arg __asm__("x21") = arg;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x21\n\t"
			 "blr x20\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(child_fn), "r"(child_arg), [exit] "i"(SYS_exit)
			 : "x30", "memory");
	return x0;
#else
#error "tell clone_usher how this architecture makes a system call"
#endif
}
