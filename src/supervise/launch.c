/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See launch.h. The two sides are the same version and speak by position:
 * rocket-supervise DIR RUN ID POD_FD LOCK_FD READY_FD EXE_FD PROGRAMS FLAGS SECRET_FD TIMING
 */
#include "supervise/launch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "boundary/own_exe.h"

enum { ARGS = 12, END_MS = 200 };

/* What the supervisor's process needs, made before vfork. */
struct launch {
	char pod_fd[16], lock_fd[16], ready_fd[16], exe_fd[16], secret_fd[16], flags[8];
	char *argv[ARGS + 1];
	int fds[5];
	int exe;
};

static void make_launch(const struct supervisor_options *o, int ready_fd, int exe_fd, struct launch *l)
{
	char *const argv[] = { (char *)"rocket-supervise", (char *)o->dir, (char *)o->run_dir, (char *)o->pod.id,
			       l->pod_fd,	l->lock_fd, l->ready_fd, l->exe_fd,
			       (char *)o->programs, l->flags, l->secret_fd, (char *)(o->timing ?: "") };

	static_assert(ARRAY_SIZE(argv) == ARGS);
	snprintf(l->pod_fd, sizeof(l->pod_fd), "%d", o->pod.fd);
	snprintf(l->lock_fd, sizeof(l->lock_fd), "%d", o->pod.lock_fd);
	snprintf(l->ready_fd, sizeof(l->ready_fd), "%d", ready_fd);
	snprintf(l->exe_fd, sizeof(l->exe_fd), "%d", exe_fd);
	snprintf(l->secret_fd, sizeof(l->secret_fd), "%d", o->secret_fd);
	snprintf(l->flags, sizeof(l->flags), "-%s%s%s%s", o->foreground ? "f" : "", o->interactive ? "i" : "",
		 o->quiet ? "q" : "", o->wait_ready ? "w" : "");
	memcpy(l->argv, argv, sizeof(argv));
	l->argv[ARGS] = NULL;
	memcpy(l->fds, (int[]){ o->pod.fd, o->pod.lock_fd, ready_fd, exe_fd, o->secret_fd }, sizeof(l->fds));
	l->exe = exe_fd;
}

/*
 * The pod lives on: what its caller left open ends here, what is handed over stays. -1 with errno. System calls
 * alone, for use after vfork.
 */
static int exec_supervisor(const struct launch *l)
{
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(l->fds); i++)
		if (l->fds[i] >= 0 && fcntl(l->fds[i], F_SETFD, 0) < 0)
			return -1;
	return own_exe_become(l->exe, l->argv, environ);
}

static int cannot_start(const char *program, struct err *e)
{
	err_errno(e, "can't start %s", program);
	return err_try(e, "make install   (Rocket's programs belong together)");
}

int launch_here(const struct supervisor_options *o, const char *program, struct err *e)
{
	struct launch l;
	autoclose int exe_fd = -1;
	int r = own_exe_open(program, &exe_fd, e);

	if (r < 0)
		return r;
	make_launch(o, -1, exe_fd, &l);
	(void)!exec_supervisor(&l);
	return cannot_start(program, e);
}

/* In the child: a session of its own, the caller's terminal and streams let go. */
[[gnu::noreturn]] static void detached_child(const struct launch *l, const char *program, int ready_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err e = {};

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	(void)!exec_supervisor(l);
	(void)!cannot_start(program, &e);
	(void)!write(ready_fd, &e, sizeof(e));
	_exit(ERR_ROCKET);
}

/* What it says beside its word: the table of --timing. */
static void pass_on(int ready_fd)
{
	char bytes[1024];
	ssize_t n;

	while ((n = read(ready_fd, bytes, sizeof(bytes))) > 0)
		(void)!io_write_all(STDERR_FILENO, bytes, (size_t)n);
}

/*
 * A pod that could not start is over in a moment: whoever tries again then finds its name free. One whose other apps
 * go on lives, so nobody waits for long.
 */
static void wait_for_end(pid_t pid)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd >= 0)
		(void)!poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, END_MS);
}

int launch_detached(const struct supervisor_options *o, const char *program, struct err *e)
{
	struct err word = {};
	struct launch l;
	autoclose int exe_fd = -1;
	int ready[2];
	pid_t pid;
	int r = own_exe_open(program, &exe_fd, e);

	if (r < 0)
		return r;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	make_launch(o, ready[1], exe_fd, &l);
	pid = vfork();
	if (pid == 0)
		detached_child(&l, program, ready[1]);
	close(ready[1]);
	ssize_t n = pid < 0 ? -1 : io_read_full(ready[0], &word, sizeof(word));
	if (n == sizeof(word) && o->timing)
		pass_on(ready[0]);
	close(ready[0]);
	if (n != sizeof(word)) {
		err_new(e, ERR_ROCKET, "the pod's supervisor died before the pod was up");
		return err_try(e, "rocket events --since 1m");
	}
	if (word.code == 0)
		return 0;
	wait_for_end(pid);
	*e = word;
	return -e->code;
}

/* A descriptor that rocket handed on; -1 for none. */
static int parse_fd(const char *text)
{
	uint64_t fd;

	return unit_parse_u64(text, 0, 1 << 20, &fd) == 0 ? (int)fd : -1;
}

int launch_parse(int argc, char **argv, struct supervisor_options *ret, struct err *e)
{
	if (argc != ARGS || strlen(argv[3]) != POD_ID_LEN) {
		err_new(e, ERR_USAGE, "rocket-supervise is started by rocket alone");
		return err_try(e, "rocket run --help");
	}
	*ret = (struct supervisor_options){
		.dir = argv[1],
		.run_dir = argv[2],
		.pod = { .phase = POD_RUNNING, .fd = parse_fd(argv[4]), .lock_fd = parse_fd(argv[5]) },
		.ready_fd = parse_fd(argv[6]),
		.programs = argv[8],
		.foreground = strchr(argv[9], 'f'),
		.interactive = strchr(argv[9], 'i'),
		.quiet = strchr(argv[9], 'q'),
		.wait_ready = strchr(argv[9], 'w'),
		.secret_fd = parse_fd(argv[10]),
		.exe_fd = parse_fd(argv[7]),
		.timing = *argv[11] ? argv[11] : NULL,
	};
	memcpy(ret->pod.id, argv[3], POD_ID_LEN);
	if (own_exe_shut(ret->exe_fd, argv[0], e) < 0)
		return -e->code;
	if (fcntl(ret->exe_fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(ret->pod.fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(ret->pod.lock_fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(e, "rocket-supervise got no pod");
	if (ret->secret_fd >= 0)
		fcntl(ret->secret_fd, F_SETFD, FD_CLOEXEC);
	if (ret->ready_fd >= 0)
		fcntl(ret->ready_fd, F_SETFD, FD_CLOEXEC);
	return 0;
}
