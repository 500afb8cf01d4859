/* SPDX-License-Identifier: Apache-2.0 */
/* The pod's namespaces. See sandbox.h for the picture. */
#include "boundary/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/become.h"

/* linux/pidfd.h of 6.11; Debian 12's headers do not have it. */
#define PIDFD_GET_USER_NAMESPACE_ _IO(0xFF, 9)

int sandbox_namespaces(const struct plan *p)
{
	int flags = CLONE_NEWUTS;

	if (p->ids.count)
		flags |= CLONE_NEWUSER;
	if (!p->host_net)
		flags |= CLONE_NEWNET;
	if (!p->host_ipc)
		flags |= CLONE_NEWIPC;
	return flags;
}

/* ---- in the child, between clone3 and exec ---- */

[[gnu::noreturn]] static void child_fail(int status_fd, const struct err *e)
{
	(void)!write(status_fd, e, sizeof(*e));
	_exit(ERR_ROCKET);
}

[[gnu::noreturn]] void sandbox_become_reaper(int exe_fd, int empty_root_fd, int hold_fd, int status_fd)
{
	struct __user_cap_data_struct none[2] = {};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct pollfd parent = { .fd = hold_fd, .events = POLLIN };
	char name[] = "rocket-reaper";
	char *argv[] = { name, NULL };
	char *envp[] = { NULL };
	struct err e = {};

	/* Any change of ids clears PDEATHSIG, so it comes after them; a parent that died before shows on the pipe. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&parent, 1, 0) < 0 || parent.revents & POLLHUP)
		_exit(ERR_ROCKET);
	if (fchdir(empty_root_fd) < 0 || chroot(".") < 0) {
		err_errno(&e, "can't give the reaper an empty root");
		child_fail(status_fd, &e);
	}
	/* With no_new_privs, exec as root does not bring the capabilities back. */
	if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		err_errno(&e, "can't drop the reaper's privileges");
		child_fail(status_fd, &e);
	}
	for (int fd = 0; fd < 3; fd++)
		dup2(empty_root_fd, fd);
	/* Whoever started the pod may have left more open than he knew, and an app may come to look into a reaper. */
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(ERR_ROCKET);
	syscall(SYS_execveat, exe_fd, "", argv, envp, AT_EMPTY_PATH);
	err_errno(&e, "can't start rocket-reaper");
	child_fail(status_fd, &e);
}

/* "kernel.shmmax=N" to /proc/sys/kernel/shmmax: the knobs of the namespace of whoever opens them (ipc_namespaces(7)). */
static int set_ipc_sysctl(const char *assignment, struct err *e)
{
	static const char top[] = "/proc/sys/";
	const char *equals = strchr(assignment, '=');
	char path[256];

	if (!equals || strlen(assignment) + sizeof(top) > sizeof(path))
		return err_new(e, ERR_USAGE, "the sysctl \"%s\" has no value", assignment);
	snprintf(path, sizeof(path), "%s%.*s", top, (int)(equals - assignment), assignment);
	for (char *c = path + sizeof(top) - 1; *c; c++)
		*c = *c == '.' ? '/' : *c;
	if (strstr(path, "..") || strstr(path, "//"))
		return err_new(e, ERR_USAGE, "\"%s\" is no name of a sysctl", assignment);
	if (io_write_knob(AT_FDCWD, path, equals + 1) == 0)
		return 0;
	err_errno(e, "can't set the sysctl %s", assignment);
	if (e->errnum == EPERM || e->errnum == EACCES)
		err_because(e, "this kernel lets only the host's root set it, in every namespace");
	return err_try(e, "use a newer kernel, or leave the sysctl out   (rocket doctor)");
}

/* Those of the pod's own IPC namespace; the network's are r->setup's. */
static int set_sysctls(const struct plan *p, struct err *e)
{
	int r = 0;

	for (char **s = p->host_ipc ? NULL : p->sysctls; r == 0 && s && *s; s++)
		if (strncmp(*s, "net.", 4) != 0)
			r = set_ipc_sysctl(*s, e);
	return r;
}

static int clone_error(struct err *e)
{
	int saved = errno;

	err_errno(e, "can't make the pod's namespaces");
	if (saved == ENOSPC)
		return err_try(e, "sysctl user.max_user_namespaces user.max_net_namespaces   (a limit is reached)");
	if (saved == EPERM)
		return err_try(e, "rocket doctor   (user namespaces may be switched off on this host)");
	return -e->code;
}

[[gnu::noreturn]] static void child_main(const struct sandbox_request *r, int go_fd, int status_fd)
{
	struct err e = {};
	char go;

	/* The parent writes the id maps first. */
	if (read(go_fd, &go, 1) != 1)
		_exit(ERR_ROCKET);
	if (become_ids(0, 0, NULL, 0, r->plan->ids.kind == IDS_SINGLE) < 0) {
		err_errno(&e, "can't become root of the pod's user namespace");
		child_fail(status_fd, &e);
	}
	/* A network costs most of all: it is made here, while the parent goes on, and those of all circles at the same time. */
	if (unshare(sandbox_namespaces(r->plan) & CLONE_NEWNET) < 0) {
		(void)!clone_error(&e);
		child_fail(status_fd, &e);
	}
	if (sethostname(r->hostname, strlen(r->hostname)) < 0) {
		err_errno(&e, "can't set the pod's host name");
		child_fail(status_fd, &e);
	}
	if ((r->setup && r->setup(r->plan, &e) < 0) || (!r->shares_ipc && set_sysctls(r->plan, &e) < 0))
		child_fail(status_fd, &e);
	sandbox_become_reaper(r->reaper_exe_fd, r->empty_root_fd, go_fd, status_fd);
}

/* ---- on the host ---- */

static int write_map(pid_t pid, const char *file, const struct plan_ids *ids)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	/* A line of a map must lie in one line of the map above it: an ordinary user's own id has one to itself. */
	if (ids->kind == IDS_SUBIDS)
		snprintf(map, sizeof(map), "0 0 1\n1 1 %u\n", ids->count - 1);
	else
		snprintf(map, sizeof(map), "0 %u %u\n", ids->base, ids->count);
	return io_write_knob(AT_FDCWD, path, map);
}

static int open_userns(pid_t pid, int pidfd)
{
	char path[64];
	int fd = ioctl(pidfd, PIDFD_GET_USER_NAMESPACE_, 0);

	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int give_ids(const struct plan *p, struct sandbox *s, struct err *e)
{
	if (p->ids.count == 0)
		return 0;
	if (write_map(s->reaper_pid, "uid_map", &p->ids) < 0 || write_map(s->reaper_pid, "gid_map", &p->ids) < 0)
		return err_errno(e, "can't map the pod's ids %u to %u", p->ids.base, p->ids.base + p->ids.count - 1);
	s->userns_fd = open_userns(s->reaper_pid, s->reaper_pidfd);
	if (s->userns_fd < 0)
		return err_errno(e, "can't open the pod's user namespace");
	return 0;
}

/* Which namespaces the call makes at once; the network comes later. */
static uint64_t flags_at_clone(const struct sandbox_request *r)
{
	int flags = sandbox_namespaces(r->plan) & ~CLONE_NEWNET;

	if (r->shares_ipc)
		flags &= ~CLONE_NEWIPC;
	return (uint64_t)flags;
}

/*
 * A new namespace of processes is ours once. An IPC namespace that circles share is entered by the host's rights, for
 * the moment in which the child is made: inside its user namespace it could not.
 */
static long clone_reaper(const struct sandbox_request *r, struct clone_args *args)
{
	autoclose int own_ipc = -1;
	long pid;

	if (!r->joins && unshare(CLONE_NEWPID) < 0)
		return -1;
	if (!r->shares_ipc)
		return syscall(SYS_clone3, args, sizeof(*args));
	own_ipc = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	if (own_ipc < 0 || setns(r->ipc_pidfd, CLONE_NEWIPC) < 0)
		return -1;
	pid = syscall(SYS_clone3, args, sizeof(*args));
	if (pid == 0)
		return 0;
	int saved = errno;
	/* We use no IPC ourselves: staying there would be harmless, and can't happen. */
	(void)!setns(own_ipc, CLONE_NEWIPC);
	errno = saved;
	return pid;
}

int sandbox_begin(const struct sandbox_request *r, struct sandbox *ret, struct err *e)
{
	struct sandbox s = SANDBOX_NONE;
	int go[2], status[2], pidfd = -1;
	long pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	if (pipe2(status, O_CLOEXEC) < 0) {
		close(go[0]);
		close(go[1]);
		return err_errno(e, "can't make a pipe");
	}
	struct clone_args args = {
		.flags = flags_at_clone(r) | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	/*
	 * Our children live in a pid namespace of their own from here on, the reaper first, as its pid 1. A new
	 * pid namespace can be made only by a process that lives in its parent's, not by one that was moved
	 * (the kernel's copy_pid_ns()): so it is us who must have it for children, not the usher.
	 */
	pid = clone_reaper(r, &args);
	if (pid == 0) {
		close(go[1]);
		child_main(r, go[0], status[1]);
	}
	close(go[0]);
	close(status[1]);
	s.hold_fd = go[1];
	s.status_fd = status[0];
	s.reaper_pid = (pid_t)pid;
	s.reaper_pidfd = pidfd;
	int err = pid < 0 ? clone_error(e) : give_ids(r->plan, &s, e);
	if (err == 0 && io_write_all(s.hold_fd, "x", 1) < 0)
		err = err_errno(e, "the pod's reaper is gone");
	if (err < 0) {
		sandbox_end(&s);
		return err;
	}
	*ret = s;
	return 0;
}

int sandbox_wait(struct sandbox *s, struct err *e)
{
	struct err from_child = {};
	ssize_t n = io_read_full(s->status_fd, &from_child, sizeof(from_child));

	close(take_fd(&s->status_fd));
	if (n == 0)
		return 0;
	if (n != sizeof(from_child))
		return err_new(e, ERR_FAILED, "the pod's reaper died while it was set up");
	*e = from_child;
	return -e->code;
}

void sandbox_kill(const struct sandbox *s)
{
	if (s->reaper_pid > 0)
		kill(s->reaper_pid, SIGKILL);
}

int sandbox_leave(void)
{
	autoclose int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return self < 0 ? -1 : setns(self, CLONE_NEWPID);
}

void sandbox_end(struct sandbox *s)
{
	if (s->reaper_pid > 0) {
		sandbox_kill(s);
		while (waitpid(s->reaper_pid, NULL, __WALL) < 0 && errno == EINTR)
			;
		s->reaper_pid = 0;
	}
	cleanup_close(&s->reaper_pidfd);
	cleanup_close(&s->userns_fd);
	cleanup_close(&s->status_fd);
	cleanup_close(&s->hold_fd);
	*s = (struct sandbox)SANDBOX_NONE;
}
