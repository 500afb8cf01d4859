/* SPDX-License-Identifier: Apache-2.0 */
/* The one way into a boundary ends here. See confine.h. No allocation: this runs after clone. */
#include "boundary/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/become.h"
#include "boundary/confine_more.h"

enum { CAPS_MAX = 64, STATUS_FD = 3 };

void confine_fail(int status_fd, const struct err *e)
{
	(void)!write(status_fd, e, sizeof(*e));
	_exit(e->code ? e->code : ERR_ROCKET);
}

[[gnu::noreturn]] static void fail_errno(const char *who, int status_fd, const char *what)
{
	struct err e = {};

	err_errno(&e, "can't start %s: %s", who, what);
	confine_fail(status_fd, &e);
}

/* The supervisor blocks and ignores signals; an app starts with none of that. */
static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Descriptors 0, 1, 2 and the status pipe as 3; all others are closed, so that nothing of the host is
 * within reach (CVE-2024-21626, CVE-2016-9962). Gives the status pipe's new number.
 */
static int settle_descriptors(const struct confine *c, int held[CONFINE_HELD])
{
	int high[4];
	const int wanted[4] = { c->stdio[0], c->stdio[1], c->stdio[2], c->status_fd };
	const int status_fd = STATUS_FD + (c->more ? (int)c->more->n_keep : 0);

	/* Out of the way first: one of them may be 0..3 already. */
	for (int i = 0; i < 4; i++) {
		/* No stream given: the /dev/null of the app's own root. */
		autoclose int null_fd = wanted[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

		high[i] = fcntl(wanted[i] < 0 ? null_fd : wanted[i], F_DUPFD_CLOEXEC, status_fd + 16);
		if (high[i] < 0)
			fail_errno(c->who, c->status_fd, "its standard streams");
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			fail_errno(c->who, high[3], "its standard streams");
	int last = c->more ? confine_settle_held(c->more, status_fd, held) : status_fd;

	if (last < 0 || dup3(high[3], status_fd, O_CLOEXEC) < 0 || syscall(SYS_close_range, last + 1, ~0U, 0) < 0)
		_exit(ERR_ROCKET);
	return status_fd;
}

static void enter_session(const struct confine *c, int status_fd)
{
	setsid();
	if (c->controlling_tty && ioctl(0, TIOCSCTTY, 0) < 0)
		fail_errno(c->who, status_fd, "its terminal");
	/* A keyring of its own: the caller's would be reachable by id (keyrings(7)). */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

/* mkdir -p inside the root, which pivot_root made the process's own: links can't lead out of it. */
static void make_workdir(const char *path, uid_t uid, gid_t gid)
{
	char part[4096];

	for (size_t i = 1; path[i - 1] && i < sizeof(part); i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0755) == 0)
			(void)!lchown(part, uid, gid);
	}
}

static void enter_workdir(const struct confine *c, int status_fd)
{
	char cwd[4096];
	struct err e = {};

	int r = chdir(c->workdir);

	if (r < 0 && errno == ENOENT && c->make_workdir) {
		make_workdir(c->workdir, c->uid, c->gid);
		r = chdir(c->workdir);
	}
	if (r < 0) {
		err_errno(&e, "can't start %s: its working directory %s", c->who, c->workdir);
		err_try(&e, "-w /   (another one)");
		confine_fail(status_fd, &e);
	}
	/* A directory outside the root has no path in it (getcwd(2)). */
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 || cwd[0] != '/') {
		err_new(&e, ERR_POLICY, "can't start %s: its working directory %s lies outside its root", c->who,
			c->workdir);
		err_because(&e, "such a directory would be a way out of the boundary");
		err_try(&e, "-w /   (another one)");
		confine_fail(status_fd, &e);
	}
}

/* As many as this kernel has, which may be more than it had when Rocket was built: the first that it refuses is none. */
static void limit_bounding_set(uint64_t caps)
{
	for (int cap = 0; cap < CAPS_MAX; cap++)
		if (!(caps >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			return;
}

static int set_capabilities(const struct confine *c)
{
	if (c->more)
		return confine_set_caps(&c->more->how->caps);
	uint64_t caps = c->uid == 0 ? c->caps : 0;

	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .permitted = (uint32_t)caps, .effective = (uint32_t)caps },
		{ .permitted = (uint32_t)(caps >> 32), .effective = (uint32_t)(caps >> 32) },
	};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, data);
}

/* A user other than root keeps no capability (the bounding set still says what setuid programs could have). */
static void become_user(const struct confine *c, int status_fd)
{
	int r = c->more ? confine_become(c) : become_ids(c->uid, c->gid, c->groups, c->n_groups, c->keep_groups);

	if (r < 0)
		fail_errno(c->who, status_fd, "becoming its user (is the id within the pod's range?)");
	if (set_capabilities(c) < 0)
		fail_errno(c->who, status_fd, "its capabilities");
}

static void load_filter(const struct confine *c, int status_fd)
{
	int r = !c->seccomp ? 0 : c->more && c->more->load ? c->more->load(c) : seccomp_load(c->seccomp);

	if (r < 0)
		fail_errno(c->who, status_fd, "its system call filter");
}

static void drop_privileges(const struct confine *c, int status_fd)
{
	/* Loading a filter needs either no_new_privs or CAP_SYS_ADMIN (seccomp(2)): hence the two orders. */
	limit_bounding_set(c->caps);
	if (c->new_privs)
		load_filter(c, status_fd);
	become_user(c, status_fd);
	if (c->new_privs)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail_errno(c->who, status_fd, "no_new_privs");
	load_filter(c, status_fd);
}

/* ---- exec ---- */

static const char *env_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static void report_missing(const struct confine *c, struct err *e)
{
	err_new(e, ERR_NO_PROGRAM, "can't start %s: there is no program %s in its image", c->who, c->argv[0]);
	if (strchr(c->argv[0], '/'))
		err_because(e, "nothing lies at that path");
	else
		err_because(e, "it is in none of PATH=%s", env_get(c->env, "PATH") ?: "");
	err_try(e, "rocket image inspect %s   (what it starts by itself, and its PATH)", c->image ?: "IMAGE");
}

static void explain_denied(const struct confine *c, const struct stat *st, struct err *e)
{
	if (S_ISDIR(st->st_mode))
		err_because(e, "it is a directory");
	else
		err_because(e, "user %u may not execute it (mode %04o, owner %u)", c->uid, st->st_mode & 07777, st->st_uid);
}

static void report_unexecutable(const struct confine *c, const char *path, int error, struct err *e)
{
	struct stat st;

	errno = error;
	err_errno(e, "can't start %s: %s can't be executed", c->who, path);
	e->code = ERR_NOT_INVOKABLE;
	if (error == ENOENT)
		err_because(e, "it is there, but the interpreter or loader that it names is not in the image");
	else if (error == ENOEXEC)
		err_because(e, "it is no program for this machine");
	else if (error == EACCES && stat(path, &st) == 0)
		explain_denied(c, &st, e);
	err_try(e, "rocket image inspect %s   (architecture, user and what it starts)", c->image ?: "IMAGE");
}

[[gnu::noreturn]] static void report_exec(const struct confine *c, int status_fd, const char *path, int error)
{
	struct stat st;
	struct err e = {};

	if (error == ENOENT && stat(path, &st) < 0)
		report_missing(c, &e);
	else
		report_unexecutable(c, path, error, &e);
	confine_fail(status_fd, &e);
}

static void exec_in_path(const struct confine *c, int status_fd)
{
	const char *at = env_get(c->env, "PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char path[4096] = "", denied_path[4096] = "";
	int denied = 0;

	while (*at) {
		size_t n = strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)n, at, c->argv[0]);
		execve(path, c->argv, c->env);
		if (errno != ENOENT && errno != ENOTDIR && !denied) {
			denied = errno;
			memcpy(denied_path, path, sizeof(path));
		} else if (errno == ENOENT && access(path, F_OK) == 0) {
			report_exec(c, status_fd, path, ENOENT);
		}
		at += n + (at[n] == ':');
	}
	report_exec(c, status_fd, denied ? denied_path : c->argv[0], denied ?: ENOENT);
}

static void check_candidate(const struct confine *c, int status_fd, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || !(st->st_mode & 0111))
		report_exec(c, status_fd, path, EACCES);
}

void confine_check_program(const struct confine *c, int status_fd)
{
	const char *at = env_get(c->env, "PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char path[4096], unfit[4096] = "";
	struct stat st;

	if (strchr(c->argv[0], '/')) {
		if (stat(c->argv[0], &st) < 0)
			report_exec(c, status_fd, c->argv[0], errno);
		check_candidate(c, status_fd, c->argv[0], &st);
		return;
	}
	while (*at) {
		size_t n = strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)n, at, c->argv[0]);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111)
			return;
		if (stat(path, &st) == 0)
			memcpy(unfit, path, sizeof(path));
		at += n + (at[n] == ':');
	}
	report_exec(c, status_fd, *unfit ? unfit : c->argv[0], *unfit ? EACCES : ENOENT);
}

void confine_and_exec(const struct confine *c)
{
	int held[CONFINE_HELD] = { -1, -1, -1, -1, -1 };
	int status_fd;

	umask(0022);
	reset_signals();
	status_fd = settle_descriptors(c, held);
	enter_session(c, status_fd);
	enter_workdir(c, status_fd);
	if (c->more)
		confine_go_through(c, held, &status_fd);
	drop_privileges(c, status_fd);
	if (!strchr(c->argv[0], '/'))
		exec_in_path(c, status_fd);
	execve(c->argv[0], c->argv, c->env);
	report_exec(c, status_fd, c->argv[0], errno);
}
