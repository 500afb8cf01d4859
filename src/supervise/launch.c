/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See launch.h. The two sides are the same version and speak by position:
 * rocket-supervise DIR RUN ID POD_FD LOCK_FD READY_FD PROGRAMS
 */
#include "supervise/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
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

enum { ARGS = 8 };

static int inherit(int fd)
{
	return fcntl(fd, F_SETFD, 0);
}

static int exec_supervisor(const struct supervisor_options *o, const char *program, int ready_fd, struct err *e)
{
	char pod_fd[16], lock_fd[16], ready[16];
	char *argv[] = { (char *)"rocket-supervise", (char *)o->dir, (char *)o->run_dir, (char *)o->pod.id,
			 pod_fd,	     lock_fd,	     ready,		 (char *)o->programs,
			 NULL };

	snprintf(pod_fd, sizeof(pod_fd), "%d", o->pod.fd);
	snprintf(lock_fd, sizeof(lock_fd), "%d", o->pod.lock_fd);
	snprintf(ready, sizeof(ready), "%d", ready_fd);
	if (inherit(o->pod.fd) < 0 || inherit(o->pod.lock_fd) < 0 || (ready_fd >= 0 && inherit(ready_fd) < 0))
		return err_errno(e, "can't hand the pod over to its supervisor");
	execv(program, argv);
	err_errno(e, "can't start %s", program);
	return err_try(e, "make install   (Rocket's programs belong together)");
}

/* In the child: a session of its own, the caller's terminal and streams let go. */
[[gnu::noreturn]] static void detached_child(const struct supervisor_options *o, const char *program, int ready_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err e = {};

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	/* The pod lives on: what its caller left open ends here. What is handed over is unmarked again below. */
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(ERR_ROCKET);
	(void)!exec_supervisor(o, program, ready_fd, &e);
	(void)!write(ready_fd, &e, sizeof(e));
	_exit(ERR_ROCKET);
}

int launch_detached(const struct supervisor_options *o, const char *program, struct err *e)
{
	struct err word = {};
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	pid = vfork();
	if (pid == 0)
		detached_child(o, program, ready[1]);
	close(ready[1]);
	ssize_t n = pid < 0 ? -1 : io_read_full(ready[0], &word, sizeof(word));
	close(ready[0]);
	if (n != sizeof(word)) {
		err_new(e, ERR_ROCKET, "the pod's supervisor died before the pod was up");
		return err_try(e, "rocket events --since 1m");
	}
	if (word.code == 0)
		return 0;
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
		.programs = argv[7],
	};
	memcpy(ret->pod.id, argv[3], POD_ID_LEN);
	if (fcntl(ret->pod.fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(ret->pod.lock_fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(e, "rocket-supervise got no pod");
	if (ret->ready_fd >= 0)
		fcntl(ret->ready_fd, F_SETFD, FD_CLOEXEC);
	return 0;
}
