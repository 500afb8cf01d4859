/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faultrun: runs a command and kills it, with all of its children and threads, at the n-th system call that
 * changes the file system, before that call happens. For the tests of crash safety, on the programs as
 * they are shipped.
 *
 *   faultrun N COMMAND ARG…           kills at the N-th (from 1); 137 when it came to that, else COMMAND's own code
 *   faultrun --one N COMMAND ARG…     kills the process that made the call alone
 *   faultrun --count FILE COMMAND …   kills nothing and writes the number of such calls to FILE
 *
 * A seccomp filter (SECCOMP_RET_TRACE, seccomp(2)) stops for ptrace(2) at these calls and at no others, so
 * that the command runs at nearly full speed. What only reads changes nothing and is not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "faultrun knows x86-64 and arm64"
#endif

enum { TRACEES_MAX = 4096, FILTER_MAX = 256, STATUS_KILLED = 137 };

static const int counted[] = {
#ifdef SYS_open
	SYS_creat, SYS_mkdir, SYS_rmdir, SYS_link, SYS_unlink, SYS_rename, SYS_symlink, SYS_mknod, SYS_chmod,
	SYS_chown, SYS_lchown, SYS_utimes,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_openat2, SYS_mkdirat, SYS_linkat, SYS_unlinkat, SYS_renameat2, SYS_symlinkat, SYS_mknodat, SYS_write,
	SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_sync_file_range,
	SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat,
	SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_fremovexattr, SYS_sendfile, SYS_splice,
	SYS_copy_file_range, SYS_flock, SYS_mount, SYS_umount2, SYS_fsmount, SYS_move_mount, SYS_open_tree,
	SYS_mount_setattr,
};

static void die(const char *what)
{
	fprintf(stderr, "faultrun: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void emit(struct sock_fprog *prog, struct sock_filter instruction)
{
	if (prog->len == FILTER_MAX) {
		fprintf(stderr, "faultrun: the filter is too long\n");
		exit(125);
	}
	prog->filter[prog->len++] = instruction;
}

#define LOAD(field) \
	((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define RETURN(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))
#define JUMP(how, k, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | (how) | BPF_K, k, yes, no))

/* An open counts when it may make a file: O_CREAT, or the bit that O_TMPFILE adds to O_DIRECTORY. */
static void emit_open(struct sock_fprog *prog, int nr, unsigned flags_at)
{
	emit(prog, JUMP(BPF_JEQ, (unsigned)nr, 0, 4));
	emit(prog, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags_at));
	emit(prog, JUMP(BPF_JSET, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0, 1));
	emit(prog, RETURN(SECCOMP_RET_TRACE));
	emit(prog, RETURN(SECCOMP_RET_ALLOW));
}

static void install_filter(void)
{
	static struct sock_filter filter[FILTER_MAX];
	struct sock_fprog prog = {.filter = filter};

	emit(&prog, LOAD(arch));
	emit(&prog, JUMP(BPF_JEQ, NATIVE_ARCH, 1, 0));
	emit(&prog, RETURN(SECCOMP_RET_ALLOW));
	emit(&prog, LOAD(nr));
#ifdef SYS_open
	emit_open(&prog, SYS_open, offsetof(struct seccomp_data, args[1]));
#endif
	emit_open(&prog, SYS_openat, offsetof(struct seccomp_data, args[2]));
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		emit(&prog, JUMP(BPF_JEQ, (unsigned)counted[i], 0, 1));
		emit(&prog, RETURN(SECCOMP_RET_TRACE));
	}
	emit(&prog, RETURN(SECCOMP_RET_ALLOW));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
		return;
	/* Without CAP_SYS_ADMIN it takes no_new_privs. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		die("seccomp");
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	/* Stopped until the parent traces: a traced call without a tracer would fail with ENOSYS. */
	raise(SIGSTOP);
	install_filter();
	execvp(argv[0], argv);
	die(argv[0]);
	return -1;
}

struct tracees {
	pid_t v[TRACEES_MAX];
	size_t n;
};

static void tracees_add(struct tracees *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i] == pid)
			return;
	if (t->n == TRACEES_MAX) {
		fprintf(stderr, "faultrun: too many processes\n");
		exit(125);
	}
	t->v[t->n++] = pid;
}

static void tracees_remove(struct tracees *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i] == pid)
			t->v[i--] = t->v[--t->n];
}

static void kill_all(const struct tracees *t)
{
	for (size_t i = 0; i < t->n; i++)
		kill(t->v[i], SIGKILL);
}

struct run {
	pid_t first;
	struct tracees tracees;
	unsigned long calls, kill_at; /* kill_at 0: never */
	bool one, killed;
	int status; /* of the first process */
};

static bool is_event(int status, int event)
{
	return status >> 8 == (SIGTRAP | event << 8);
}

/* Lets a stopped tracee go on; a signal that is its own is delivered. */
static void resume(pid_t pid, int status)
{
	int sig = status >> 16 ? 0 : WSTOPSIG(status);

	ptrace(PTRACE_CONT, pid, NULL, (void *)(long)sig);
}

static void on_call(struct run *r, pid_t pid)
{
	if (++r->calls != r->kill_at)
		return;
	r->killed = true;
	if (r->one)
		kill(pid, SIGKILL);
	else
		kill_all(&r->tracees);
}

static void on_status(struct run *r, pid_t pid, int status)
{
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (pid == r->first)
			r->status = status;
		tracees_remove(&r->tracees, pid);
		return;
	}
	tracees_add(&r->tracees, pid);
	if (is_event(status, PTRACE_EVENT_SECCOMP))
		on_call(r, pid);
	if (r->killed && !r->one)
		kill(pid, SIGKILL);
	else
		resume(pid, status);
}

static void trace(struct run *r)
{
	long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;

	if (waitpid(r->first, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		die("waiting for the command");
	if (ptrace(PTRACE_SEIZE, r->first, NULL, (void *)options) < 0)
		die("ptrace");
	tracees_add(&r->tracees, r->first);
	kill(r->first, SIGCONT);
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		on_status(r, pid, status);
	}
}

static void write_count(const char *file, unsigned long calls)
{
	FILE *f = fopen(file, "we");

	if (!f || fprintf(f, "%lu\n", calls) < 0 || fclose(f) != 0)
		die(file);
}

int main(int argc, char **argv)
{
	static struct run r;
	const char *count_file = NULL;
	char *end = NULL;
	int at = 1;

	if (at < argc && !strcmp(argv[at], "--one")) {
		r.one = true;
		at++;
	}
	if (at + 1 < argc && !strcmp(argv[at], "--count")) {
		count_file = argv[at + 1];
		at += 2;
	} else if (at < argc) {
		r.kill_at = strtoul(argv[at++], &end, 10);
	}
	if (at >= argc || (end && *end)) {
		fprintf(stderr, "usage: faultrun [--one] N|--count FILE COMMAND [ARG…]\n");
		return 2;
	}
	r.first = start(argv + at);
	trace(&r);
	if (count_file)
		write_count(count_file, r.calls);
	if (r.killed && !r.one)
		return STATUS_KILLED;
	return WIFEXITED(r.status) ? WEXITSTATUS(r.status) : 128 + WTERMSIG(r.status);
}
