/* SPDX-License-Identifier: Apache-2.0 */
/* See spawn.h for the picture. Everything between the first clone and exec allocates nothing. */
#include "boundary/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/become.h"
#include "boundary/clone_usher.h"
#include "boundary/confine.h"
#include "boundary/inside.h"
#include "boundary/own_exe.h"
#include "boundary/rlimit.h"
#include "boundary/space.h"

enum { USHER_STACK = 32 << 10, PROCESS_STACK = 96 << 10 };

/* What the usher and the process need; the usher writes its results here. */
struct passage {
	const struct spawn *s;
	const struct confine *confine;
	int status_fd;          /* write end of the status pipe */
	int reaper_exe_fd;      /* >= 0: become a reaper instead of the app */
	int empty_root_fd, hold_fd;
	void *stack;            /* for a process that shares our memory until its exec */
	/* results */
	bool done;
	int pidfd;
	struct err err;
};

/* ---- the process: in its namespaces ---- */

[[gnu::noreturn]] static void process_main(const struct passage *p)
{
	const struct spawn *s = p->s;
	struct confine c;
	struct err e = {};
	int tty = -1;

	if (p->reaper_exe_fd >= 0)
		sandbox_become_reaper(p->reaper_exe_fd, p->empty_root_fd, p->hold_fd, p->status_fd);
	c = *p->confine;
	if (s->root) {
		const struct inside in = {
			.plan = s->plan,
			.app = s->app,
			.root = s->root,
			.cgroup_v2 = s->cgroup_host->layout == CGROUP_LAYOUT_V2,
			.console_sock = s->console_sock,
		};

		if (inside_enter_root(&in, &tty, &e) < 0)
			confine_fail(p->status_fd, &e);
	}
	if (s->space)
		space_enter(s, &c, p->status_fd, &tty);
	if (tty >= 0) {
		c.stdio[0] = c.stdio[1] = c.stdio[2] = tty;
		c.controlling_tty = true;
	}
	c.status_fd = p->status_fd;
	confine_and_exec(&c);
}

/* ---- the usher: from the host into the pod ---- */

static int set_limits(const struct plan_app *app, struct err *e)
{
	char score[16];

	for (size_t i = 0; i < app->rlimits.n; i++) {
		int r = rlimit_set(&app->rlimits.v[i], e);

		if (r < 0)
			return r;
	}
	if (app->oom_score == 0)
		return 0;
	snprintf(score, sizeof(score), "%d", (int)app->oom_score);
	if (io_write_knob(AT_FDCWD, "/proc/self/oom_score_adj", score) == 0)
		return 0;
	err_errno(e, "can't set the OOM score of %s to %s", app->name, score);
	return err_try(e, "choose 0 or more   (less needs CAP_SYS_RESOURCE)");
}

static int enter_pod(const struct spawn *s, struct err *e)
{
	if (s->space)
		return space_join(s, e);
	int flags = sandbox_namespaces(s->plan);

	if (s->enter_pidfd >= 0)
		flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP;
	if (setns(s->enter_pidfd >= 0 ? s->enter_pidfd : s->sandbox_pidfd, flags) < 0)
		return err_errno(e, "can't enter the namespaces of %s", s->app->name);
	if (s->enter_pidfd < 0 && s->pid_holder_pidfd >= 0 && setns(s->pid_holder_pidfd, CLONE_NEWPID) < 0)
		return err_errno(e, "can't enter the process table of %s", s->app->name);
	if (s->plan->ids.count && become_ids(0, 0, NULL, 0, s->plan->ids.kind == IDS_SINGLE) < 0)
		return err_errno(e, "can't become root of the pod's user namespace");
	return 0;
}

static uint64_t new_namespaces(const struct passage *p)
{
	const struct spawn *s = p->s;

	if (s->space)
		return s->space->fresh;
	if (s->enter_pidfd >= 0)
		return 0;
	if (p->reaper_exe_fd >= 0)
		return CLONE_NEWPID;
	return CLONE_NEWNS | CLONE_NEWCGROUP | (s->pid_holder_pidfd < 0 ? CLONE_NEWPID : 0);
}

static int process_in_shared_memory(void *arg)
{
	process_main(arg);
}

/*
 * Reapers go straight to their exec, and their maker has nothing else to do meanwhile: they share its memory until then
 * (CLONE_VFORK), which saves a copy of the page tables. An app's start takes longer, and what is entered executes a file
 * that may lie on a file system which never answers: their supervisor goes on.
 */
static long clone_process(struct passage *p, struct clone_args *args)
{
	long pid;

	if (p->reaper_exe_fd < 0) {
		pid = syscall(SYS_clone3, args, sizeof(*args));
		if (pid == 0)
			process_main(p);
		return pid;
	}
	args->flags |= CLONE_VM | CLONE_VFORK;
	args->stack = (uint64_t)(uintptr_t)p->stack;
	args->stack_size = PROCESS_STACK;
	pid = clone_usher(args, process_in_shared_memory, p);
	errno = pid < 0 ? (int)-pid : 0;
	return pid;
}

static int usher_main(void *arg)
{
	struct passage *p = arg;
	const struct spawn *s = p->s;
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PIDFD | new_namespaces(p),
		.pidfd = (uint64_t)(uintptr_t)&p->pidfd,
	};
	long pid;

	if (s->space ? space_enter_groups(s->space) < 0 : s->cgroup && cgroup_enter_self(s->cgroup_host, s->cgroup) < 0) {
		err_errno(&p->err, "can't enter the control groups of %s", s->app->name);
		return 1;
	}
	if ((p->reaper_exe_fd < 0 && !s->space && set_limits(s->app, &p->err) < 0) || enter_pod(s, &p->err) < 0)
		return 1;
	pid = clone_process(p, &args);
	if (pid < 0) {
		err_errno(&p->err, "can't make a process for %s", s->app->name);
		return 1;
	}
	p->done = true;
	return 0;
}

/*
 * The usher shares our memory, which saves copying page tables; its results are simply there. In the cgroup2
 * hierarchy it is born in the app's group, in the others it goes there itself: both ways spare the
 * kernel's global lock, which costs an RCU grace period of 10 ms and more (cgroup_attach_lock()).
 */
static long start_usher(struct passage *p)
{
	/* Not zeroed: that would touch many pages. Below the usher's lies the stack of a process that shares memory. */
	[[gnu::uninitialized]] alignas(16) char stack[PROCESS_STACK + USHER_STACK];
	int group = p->s->space ? p->s->space->unified_fd : p->s->cgroup ? p->s->cgroup->fd[CGROUP_UNIFIED] : -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | (group >= 0 ? CLONE_INTO_CGROUP : 0),
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)(stack + PROCESS_STACK),
		.stack_size = USHER_STACK,
		.cgroup = group >= 0 ? (uint64_t)group : 0,
	};

	p->stack = stack;
	long pid = clone_usher(&args, usher_main, p);
	p->stack = NULL;
	return pid;
}

/* The usher saw the pid of the pod's process table; ours is in the pidfd's record (pidfd_open(2), proc(5)). */
static pid_t pid_of(int pidfd)
{
	char path[64], text[512] = "";
	autoclose int fd = -1;
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	line = strstr(text, "Pid:");
	return line ? (pid_t)strtol(line + strlen("Pid:"), NULL, 10) : -1;
}

static int run_usher(struct passage *p, struct spawned *ret, struct err *e)
{
	long usher;

	p->pidfd = -1;
	usher = start_usher(p);
	if (usher < 0) {
		errno = (int)-usher;
		return err_errno(e, "can't make a process for %s", p->s->app->name);
	}
	while (waitpid((pid_t)usher, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (p->done) {
		ret->pid = pid_of(p->pidfd);
		ret->pidfd = p->pidfd;
		return 0;
	}
	*e = p->err;
	if (!e->code)
		err_new(e, ERR_FAILED, "the process that starts %s died", p->s->app->name);
	return -e->code;
}

static int run_passage(struct passage *p, struct spawned *ret, struct err *e)
{
	struct spawned out = SPAWNED_NONE;
	int status[2];

	if (!own_exe_is_shut())
		return err_new(e, ERR_FAILED, "%s would see Rocket's own program", p->s->app->name);
	if (pipe2(status, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	p->status_fd = status[1];
	int r = run_usher(p, &out, e);
	close(status[1]);
	if (r < 0) {
		close(status[0]);
		return r;
	}
	out.status_fd = status[0];
	*ret = out;
	return 0;
}

static void fill_groups(struct confine *c, char *const *groups)
{
	for (; groups && *groups && c->n_groups < CONFINE_MAX_GROUPS; groups++)
		c->groups[c->n_groups++] = (gid_t)strtoul(*groups, NULL, 10);
}

int spawn_process(const struct spawn *s, struct spawned *ret, struct err *e)
{
	const struct plan_app *app = s->app;
	struct confine c = {
		.who = app->name,
		.image = app->image,
		.argv = s->argv ?: app->argv,
		.env = s->env ?: app->env,
		.workdir = s->workdir ?: app->workdir ?: "/",
		.uid = s->has_user ? s->uid : app->uid,
		.gid = s->has_user ? s->gid : app->gid,
		.keep_groups = s->plan->ids.kind == IDS_SINGLE,
		.caps = app->caps,
		.new_privs = app->new_privs,
		.make_workdir = s->enter_pidfd < 0,
		.seccomp = s->seccomp,
		.stdio = { s->stdio[0], s->stdio[1], s->stdio[2] },
		.controlling_tty = s->tty,
	};
	struct passage p = { .s = s, .confine = &c, .reaper_exe_fd = -1 };

	fill_groups(&c, s->has_user ? s->groups : app->groups);
	return run_passage(&p, ret, e);
}

int spawn_reaper(const struct spawn *s, int exe_fd, int empty_root_fd, int hold_fd, struct spawned *ret, struct err *e)
{
	struct passage p = {
		.s = s, .reaper_exe_fd = exe_fd, .empty_root_fd = empty_root_fd, .hold_fd = hold_fd
	};

	return run_passage(&p, ret, e);
}

int spawn_wait_exec(struct spawned *p, struct err *e)
{
	struct err from_child = {};
	ssize_t n = io_read_full(p->status_fd, &from_child, sizeof(from_child));

	close(take_fd(&p->status_fd));
	if (n == 0)
		return 0;
	if (n != sizeof(from_child))
		return err_new(e, ERR_FAILED, "a process of the pod died before its program was started");
	*e = from_child;
	return -e->code;
}
