/* SPDX-License-Identifier: Apache-2.0 */
/* The default filter, walked as the kernel walks it: the verdict of every number, and how short the walks are. */
#include "boundary/seccomp.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#else
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

enum { NR_END = 463, NR_CLONE3_HERE = __NR_clone3 };
static const uint32_t eperm = SECCOMP_RET_ERRNO | EPERM, enosys = SECCOMP_RET_ERRNO | ENOSYS;

/* One instruction: the next place, or -1 with the verdict. */
static long step(const struct seccomp_program *p, size_t at, const struct seccomp_data *d, uint32_t *a)
{
	const struct sock_filter *f = &p->insns[at];
	bool yes = false;

	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		memcpy(a, (const char *)d + f->k, sizeof(*a));
		return (long)at + 1;
	case BPF_RET | BPF_K:
		*a = f->k;
		return -1;
	case BPF_JMP | BPF_JEQ | BPF_K:
		yes = *a == f->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		yes = *a >= f->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		yes = *a & f->k;
		break;
	default:
		fail_msg("instruction %zu is of no kind that the filter uses", at);
	}
	return (long)at + 1 + (yes ? f->jt : f->jf);
}

static uint32_t walk(const struct seccomp_program *p, uint32_t arch, uint32_t nr, uint64_t arg, size_t *steps)
{
	const struct seccomp_data d = {.nr = (int)nr, .arch = arch, .args = {arg}};
	uint32_t a = 0;
	long at = 0;

	while (at >= 0) {
		assert_in_range(at, 0, p->len - 1);
		at = step(p, (size_t)at, &d, &a);
		++*steps;
	}
	return a;
}

static uint32_t verdict(uint64_t caps, uint32_t nr, uint64_t arg)
{
	static struct seccomp_program p;
	size_t steps = 0;

	seccomp_build_default(caps, &p);
	return walk(&p, OUR_ARCH, nr, arg, &steps);
}

static void test_verdicts(void **state)
{
	const uint64_t admin = 1ULL << CAP_SYS_ADMIN;

	assert_int_equal(verdict(0, __NR_read, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(0, __NR_mount, 0), eperm);
	assert_int_equal(verdict(admin, __NR_mount, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(~0ULL, __NR_keyctl, 0), eperm);
	assert_int_equal(verdict(~0ULL, __NR_io_uring_setup, 0), eperm);
	assert_int_equal(verdict(~0ULL, NR_CLONE3_HERE, 0), enosys);
	assert_int_equal(verdict(~0ULL, NR_END, 0), enosys);
	assert_int_equal(verdict(~0ULL, 100000, 0), enosys);
}

static void test_arguments(void **state)
{
	const uint64_t admin = 1ULL << CAP_SYS_ADMIN;

	assert_int_equal(verdict(0, __NR_clone, CLONE_NEWNET), eperm);
	assert_int_equal(verdict(0, __NR_clone, CLONE_VM | CLONE_THREAD), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(admin, __NR_clone, CLONE_NEWNET), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(admin, __NR_unshare, CLONE_NEWUSER), eperm);
	assert_int_equal(verdict(admin, __NR_unshare, CLONE_NEWTIME), eperm);
	assert_int_equal(verdict(0, __NR_unshare, CLONE_FILES), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(0, __NR_personality, 0xffffffff), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(0, __NR_personality, 0x0800000), eperm);
	assert_int_equal(verdict(0, __NR_socket, AF_INET6), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(~0ULL, __NR_socket, AF_VSOCK), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void test_other_architectures(void **state)
{
	static struct seccomp_program p;
	size_t steps = 0;

	seccomp_build_default(~0ULL, &p);
	assert_int_equal(walk(&p, AUDIT_ARCH_I386, __NR_read, 0, &steps), enosys);
#ifdef __x86_64__
	assert_int_equal(walk(&p, OUR_ARCH, 0x40000000 | __NR_read, 0, &steps), enosys);
#endif
}

/* The kernel walks it for each number when it is loaded (seccomp_cache_prepare()): a list took 38 steps each. */
static void test_walks_are_short(void **state)
{
	static const uint64_t sets[] = {0, ~0ULL, 0xa80425fb};
	static struct seccomp_program p;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		size_t steps = 0;

		seccomp_build_default(sets[i], &p);
		for (uint32_t nr = 0; nr < NR_END; nr++)
			walk(&p, OUR_ARCH, nr, 0, &steps);
		assert_in_range(steps, 1, 15 * NR_END);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_other_architectures),
		cmocka_unit_test(test_walks_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
