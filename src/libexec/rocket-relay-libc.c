/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library of rocket-relay: its start, its system calls, and the four functions that compilers call
 * by themselves. One relay stands in memory for every pod with an in: hole; a statically linked glibc
 * makes that 690 kB, this some 40.
 *
 * The headers are glibc's, so every function here has the type that its callers see. There is one
 * thread, hence one errno. Nothing here may be used by another program.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv);

#if defined(__x86_64__)
static long call6(long nr, const long a[6])
{
	long ret;
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call relay_start\n"
	"	hlt\n");
#elif defined(__aarch64__)
static long call6(long nr, const long a[6])
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl relay_start\n"
	"	brk #0\n");
#else
#error "tell the relay how this architecture makes a system call"
#endif

static int error_number;

int *__errno_location(void)
{
	return &error_number;
}

static long result(long r)
{
	if (r >= 0 || r < -4095)
		return r;
	error_number = (int)-r;
	return -1;
}

#define ARG(x) ((long)(x))
#define CALL(nr, ...) result(call6((nr), (const long[6]){ __VA_ARGS__ }))

/* The stack protector's: compiled with -mstack-protector-guard=global where that is a choice. */
extern uintptr_t __stack_chk_guard;
[[gnu::noreturn]] void __stack_chk_fail(void);
uintptr_t __stack_chk_guard;

void __stack_chk_fail(void)
{
	static const char message[] = "rocket-relay: stack overrun\n";

	CALL(SYS_write, STDERR_FILENO, ARG(message), sizeof(message) - 1);
	__builtin_trap();
}

/* argc, argv…, NULL, envp…, NULL, auxiliary vector: see the ABI's "initial process stack". */
enum { AUX_RANDOM = 25 };
[[gnu::noreturn, gnu::used]] void relay_start(uintptr_t *stack);

/* Sets the guard under its own feet, which is fine for a function that never returns. */
void relay_start(uintptr_t *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	uintptr_t *at = stack + argc + 2;

	while (*at)
		at++;
	for (at++; at[0]; at += 2)
		if (at[0] == AUX_RANDOM)
			memcpy(&__stack_chk_guard, (const void *)at[1], sizeof(__stack_chk_guard));
	CALL(SYS_exit_group, main(argc, argv));
	__builtin_trap();
}

/* Keeps the compiler from seeing a memcpy() in the loop that is memcpy(). */
static void stay_a_loop(void)
{
	__asm__ volatile("" ::: "memory");
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	for (; n; n--, stay_a_loop())
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint8_t *t = to;

	for (; n; n--, stay_a_loop())
		*t++ = (uint8_t)c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

long syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return result(call6(nr, a));
}

int open(const char *path, int flags, ...)
{
	return (int)CALL(SYS_openat, AT_FDCWD, ARG(path), flags, 0);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	return CALL(SYS_write, fd, ARG(bytes), ARG(n));
}

int close(int fd)
{
	return (int)CALL(SYS_close, fd);
}

int chdir(const char *path)
{
	return (int)CALL(SYS_chdir, ARG(path));
}

int fchdir(int fd)
{
	return (int)CALL(SYS_fchdir, fd);
}

int chroot(const char *path)
{
	return (int)CALL(SYS_chroot, ARG(path));
}

int setns(int fd, int namespaces)
{
	return (int)CALL(SYS_setns, fd, namespaces);
}

int prctl(int option, ...)
{
	long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return (int)CALL(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

int getrlimit(__rlimit_resource_t which, struct rlimit *ret)
{
	return (int)CALL(SYS_prlimit64, 0, ARG(which), 0, ARG(ret));
}

int setrlimit(__rlimit_resource_t which, const struct rlimit *limit)
{
	return (int)CALL(SYS_prlimit64, 0, ARG(which), ARG(limit), 0);
}

void *mmap(void *where, size_t n, int protection, int flags, int fd, off_t offset)
{
	return (void *)CALL(SYS_mmap, ARG(where), ARG(n), protection, flags, fd, offset);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	return (int)CALL(SYS_clock_gettime, clock, ARG(ret));
}

int pipe2(int fds[2], int flags)
{
	return (int)CALL(SYS_pipe2, ARG(fds), flags);
}

/* One integer argument, which is all that the relay needs. */
int fcntl(int fd, int command, ...)
{
	va_list ap;
	long value;

	va_start(ap, command);
	value = va_arg(ap, int);
	va_end(ap);
	return (int)CALL(SYS_fcntl, fd, command, value);
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	return CALL(SYS_splice, from, ARG(from_at), to, ARG(to_at), ARG(n), flags);
}

int epoll_create1(int flags)
{
	return (int)CALL(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *ev)
{
	return (int)CALL(SYS_epoll_ctl, epoll, op, fd, ARG(ev));
}

int epoll_pwait(int epoll, struct epoll_event *ret, int most, int timeout_ms, const sigset_t *mask)
{
	enum { KERNEL_SIGSET_BYTES = 8 };

	return (int)CALL(SYS_epoll_pwait, epoll, ARG(ret), most, timeout_ms, ARG(mask), KERNEL_SIGSET_BYTES);
}

int socket(int family, int type, int protocol)
{
	return (int)CALL(SYS_socket, family, type, protocol);
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)CALL(SYS_bind, fd, ARG(addr), len);
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)CALL(SYS_connect, fd, ARG(addr), len);
}

int accept4(int fd, struct sockaddr *ret, socklen_t *len, int flags)
{
	return (int)CALL(SYS_accept4, fd, ARG(ret), ARG(len), flags);
}

int getpeername(int fd, struct sockaddr *ret, socklen_t *len)
{
	return (int)CALL(SYS_getpeername, fd, ARG(ret), ARG(len));
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	return (int)CALL(SYS_setsockopt, fd, level, option, ARG(value), len);
}

int getsockopt(int fd, int level, int option, void *ret, socklen_t *len)
{
	return (int)CALL(SYS_getsockopt, fd, level, option, ARG(ret), ARG(len));
}

int shutdown(int fd, int how)
{
	return (int)CALL(SYS_shutdown, fd, how);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	return CALL(SYS_sendto, fd, ARG(bytes), ARG(n), flags, 0, 0);
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	return CALL(SYS_sendto, fd, ARG(bytes), ARG(n), flags, ARG(to), len);
}

ssize_t recv(int fd, void *ret, size_t n, int flags)
{
	return CALL(SYS_recvfrom, fd, ARG(ret), ARG(n), flags, 0, 0);
}

ssize_t recvfrom(int fd, void *restrict ret, size_t n, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict len)
{
	return CALL(SYS_recvfrom, fd, ARG(ret), ARG(n), flags, ARG(from), ARG(len));
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return CALL(SYS_sendmsg, fd, ARG(msg), flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	return CALL(SYS_recvmsg, fd, ARG(msg), flags);
}

/* CMSG_NXTHDR(): the next control message that lies whole inside the buffer. */
struct cmsghdr *__cmsg_nxthdr(struct msghdr *msg, struct cmsghdr *m)
{
	uintptr_t end = (uintptr_t)msg->msg_control + msg->msg_controllen;
	size_t left = end - (uintptr_t)m, step = CMSG_ALIGN(m->cmsg_len);
	struct cmsghdr *next;

	if (m->cmsg_len < sizeof(*m) || m->cmsg_len > left || step > left || left - step < sizeof(*m))
		return NULL;
	next = (void *)((uint8_t *)m + step);
	return next->cmsg_len >= sizeof(*next) && next->cmsg_len <= left - step ? next : NULL;
}
