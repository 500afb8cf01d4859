/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of the kernel: each tries the very call that Rocket makes, for versions lie (back-ports, policies). */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/doctor.h"

void doctor_found(struct doctor_finding *f, enum doctor_state state, const char *fmt, ...)
{
	va_list ap;

	f->state = state;
	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

int doctor_in_child(int (*fn)(const void *), const void *context)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(fn(context));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

struct err *doctor_shared_err(void)
{
	void *p = mmap(NULL, sizeof(struct err), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static const char *why(int errnum)
{
	const char *text = strerrordesc_np(errnum);

	return text ? text : "unknown error";
}

void doctor_kernel(const struct cli *cli, struct doctor_finding *f)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%d.%d", &major, &minor) != 2) {
		doctor_found(f, DOCTOR_LIMITED, "%.100s, which Rocket can't compare", u.release);
		return;
	}
	bool old = major < 6 || (major == 6 && minor < 1), best = major > 6 || (major == 6 && minor >= 12);

	doctor_found(f, old ? DOCTOR_MISSING : best ? DOCTOR_OK : DOCTOR_LIMITED, "Linux %.100s%s", u.release,
		     old ? ", older than 6.1" : best ? "" : ", older than 6.12");
}

static int try_userns(const void *context)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) < 0
		       ? errno
		       : 0;
}

void doctor_userns(const struct cli *cli, struct doctor_finding *f)
{
	int errnum = doctor_in_child(try_userns, NULL);

	if (errnum)
		doctor_found(f, DOCTOR_MISSING, "refused: %s", why(errnum));
	else
		doctor_found(f, DOCTOR_OK, "with network, mount, pid, IPC and UTS namespaces inside");
}

/* In a user namespace, as pods of an ordinary user have it; the first finding of a file system loads its module. */
static int try_overlay(const void *context)
{
	if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return errno;
	int fd = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);

	if (fd < 0)
		return errno;
	if (syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "lowerdir+", "/", 0) < 0)
		return 200; /* older than 6.5: paths in one string */
	return 0;
}

void doctor_overlay(const struct cli *cli, struct doctor_finding *f)
{
	int errnum = doctor_in_child(try_overlay, NULL);

	if (errnum == 0)
		doctor_found(f, DOCTOR_OK, "layers by descriptor");
	else if (errnum == 200)
		doctor_found(f, DOCTOR_LIMITED, "layers by path: Linux 6.5 takes them by descriptor");
	else
		doctor_found(f, DOCTOR_MISSING, "%s", why(errnum));
}

/*
 * A file of zeros, without a name, where the images would lie, is no EROFS image, so the mount always fails;
 * a kernel (or a file system below) that can't be mounted from files wants a block device instead (ENOTBLK).
 */
static int try_erofs(const void *context)
{
	char source[40];
	int file = open(context, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int fd = (int)syscall(SYS_fsopen, "erofs", FSOPEN_CLOEXEC);

	if (file < 0 || fd < 0)
		return errno;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", file);
	if (ftruncate(file, 4096) < 0 || syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return errno;
	syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	return errno == EINVAL ? 0 : errno;
}

void doctor_erofs(const struct cli *cli, struct doctor_finding *f)
{
	if (geteuid() != 0) {
		doctor_found(f, DOCTOR_LIMITED, "only root may mount EROFS");
		return;
	}
	int errnum = doctor_in_child(try_erofs, doctor_nearest_dir(cli->arena, cli->dir));

	if (errnum == 0)
		doctor_found(f, DOCTOR_OK, "images are mounted from their tars");
	else if (errnum == ENOTBLK)
		doctor_found(f, DOCTOR_LIMITED, "from block devices only, here: Linux 6.12 mounts it from files on a disk");
	else
		doctor_found(f, DOCTOR_LIMITED, "%s", why(errnum));
}

void doctor_seccomp(const struct cli *cli, struct doctor_finding *f)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		doctor_found(f, DOCTOR_OK, "filters");
	else
		doctor_found(f, DOCTOR_MISSING, "%s", why(errno));
}

void doctor_pidfd(const struct cli *cli, struct doctor_finding *f)
{
	autoclose int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		doctor_found(f, DOCTOR_OK, "pidfd_open");
	else
		doctor_found(f, DOCTOR_MISSING, "%s", why(errno));
}

void doctor_landlock(const struct cli *cli, struct doctor_finding *f)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0)
		doctor_found(f, DOCTOR_OK, "version %ld", abi);
	else
		doctor_found(f, DOCTOR_LIMITED, "%s", why(errno));
}

/* "return 1" as a program on a control group's connect(2): what records refused destinations. */
static int try_bpf_connect(const void *context)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = BPF_CGROUP_INET4_CONNECT,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? errno : 0;
}

void doctor_bpf(const struct cli *cli, struct doctor_finding *f)
{
	int errnum = doctor_in_child(try_bpf_connect, NULL);
	bool btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	if (errnum)
		doctor_found(f, DOCTOR_LIMITED, "refused: %s", why(errnum));
	else
		doctor_found(f, btf ? DOCTOR_OK : DOCTOR_LIMITED, btf ? "with BTF" : "without BTF");
}
