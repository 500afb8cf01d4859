/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-reaper: pid 1 of a pid namespace. It collects what is orphaned there and does nothing else; it
 * has no capability, no file, and an empty root (sandbox_become_reaper() saw to that), and dies with its
 * supervisor, which makes the kernel kill whatever lives in the namespace. It stays in memory for the
 * pod's life: no libc, some kB.
 */
#include <asm/unistd.h>
#include <linux/prctl.h>
#include <linux/wait.h>

enum { SIGNAL_CHILD = 17, BLOCK_SIGNALS = 0, NO_CHILD = -10 };

#if defined(__x86_64__)
static long call(long nr, long a, long b, long c, long d)
{
	long ret;
	register long r10 __asm__("r10") = d;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static long call(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#error "tell the reaper how this architecture makes a system call"
#endif

void _start(void);

void _start(void)
{
	const unsigned long children = 1UL << (SIGNAL_CHILD - 1);

	call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0);
	call(__NR_prctl, PR_SET_NAME, (long)"rocket-reaper", 0, 0);
	call(__NR_rt_sigprocmask, BLOCK_SIGNALS, (long)&children, 0, sizeof(children));
	for (;;) {
		if (call(__NR_wait4, -1, 0, __WALL, 0) == NO_CHILD)
			call(__NR_rt_sigtimedwait, (long)&children, 0, 0, sizeof(children));
	}
}
