/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One app's life.
 *
 *            app_start           exec worked           exit, no restart
 *   waiting ─────────▶ starting ───────────▶ running ───────────────────▶ exited
 *                         ▲                    │ │ app_stop      exit        ▲
 *                         │   back-off over    │ └────────▶ stopping ────────┤
 *                         └──────── backoff ◀──┘ exit, restart      grace over: SIGKILL
 *
 * The process of a start is first the pre_start hook, then the app, at last the post_stop hook (phase).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/ns_pids.h"
#include "supervise/supervisor.h"

#define NS_PER_S 1000000000LL

static const int64_t first_backoff_ns = NS_PER_S / 10;
static const int64_t longest_backoff_ns = 60 * NS_PER_S;
/* An app that ran this long starts with the shortest back-off again. */
static const int64_t steady_ns = 10 * NS_PER_S;

static void set_state(struct app *a, enum app_state state)
{
	a->status->state = state;
	supervisor_save_status(a->s);
}

enum app_phase app_first_phase(const struct app *a)
{
	return a->plan->pre_start ? APP_PHASE_PRE_START : APP_PHASE_MAIN;
}

bool app_is_alive(const struct app *a)
{
	return a->proc.pid > 0;
}

/* ---- start ---- */

static char *const *phase_argv(const struct app *a)
{
	switch (a->phase) {
	case APP_PHASE_PRE_START:
		return a->plan->pre_start;
	case APP_PHASE_POST_STOP:
		return a->plan->post_stop;
	default:
		return a->plan->argv;
	}
}

/* A visitor sees the processes of the app that it stands beside, and ends with it. */
static int find_host_app(struct app *a, struct spawn *spawn, struct err *e)
{
	const struct app *host = supervisor_find_app(a->s, a->plan->beside);

	if (!host || !app_is_alive(host) || host->phase != APP_PHASE_MAIN) {
		err_new(e, ERR_STATE, "the app %s does not run", a->plan->beside);
		return err_because(e, "%s would stand beside it", a->plan->name);
	}
	spawn->pid_holder_pidfd = host->proc.pidfd;
	return 0;
}

/* joined apps share one process table; `init: true` gives an app a reaper as pid 1 of its own. */
static int find_pid_holder(struct app *a, struct spawn *spawn, struct err *e)
{
	struct supervisor *s = a->s;

	spawn->pid_holder_pidfd = -1;
	if (a->plan->beside)
		return find_host_app(a, spawn, e);
	if (a->plan->distance == DISTANCE_JOINED) {
		int r = pod_joined_reaper(s, e);

		spawn->pid_holder_pidfd = s->joined.pidfd;
		return r;
	}
	if (!a->plan->init)
		return 0;
	int r = spawn_reaper(spawn, s->reaper_exe_fd, s->empty_root_fd, s->sandbox.hold_fd, &a->reaper, e);
	if (r == 0)
		r = spawn_wait_exec(&a->reaper, e);
	spawn->pid_holder_pidfd = a->reaper.pidfd;
	return r;
}

static void on_exec(struct loop_source *source, uint32_t events);
static void on_exit_ready(struct loop_source *source, uint32_t events);

static int watch_process(struct app *a, struct err *e)
{
	struct loop *l = &a->s->loop;
	int r = loop_watch(l, &a->exec_source, a->proc.status_fd, EPOLLIN, on_exec, a, e);

	if (r == 0)
		r = loop_watch(l, &a->exit_source, a->proc.pidfd, EPOLLIN, on_exit_ready, a, e);
	return r;
}

static int spawn_in_root(struct app *a, struct app_root *root, struct streams_ends *ends, struct err *e)
{
	struct supervisor *s = a->s;
	[[gnu::uninitialized]] struct seccomp_program program;
	struct spawn spawn = {
		.plan = &s->plan,
		.app = a->plan,
		.cgroup_host = &s->cgroup_host,
		.cgroup = &a->cgroup,
		.sandbox_pidfd = circle_sandbox(s, a->circle)->reaper_pidfd,
		.root = root,
		.enter_pidfd = -1,
		.argv = phase_argv(a),
		.stdio = { ends->stdio[0], ends->stdio[1], ends->stdio[2] },
		.console_sock = ends->console_sock,
	};
	int r = seccomp_for_app(a->plan, s->pod.fd, &program, &spawn.seccomp, e);

	if (r == 0)
		r = find_pid_holder(a, &spawn, e);
	return r < 0 ? r : spawn_process(&spawn, &a->proc, e);
}

/* Where the pods' file system carries no overlay. */
static int unpack_root(void *context, const struct plan_app *app, int dirfd, struct err *e)
{
	const struct supervisor *s = context;

	return store_unpack_view(&s->store, app->view, dirfd, s->plan.ids.base, e);
}

static int make_root(struct app *a, struct app_root *ret, struct err *e)
{
	struct supervisor *s = a->s;
	struct root_request request = {
		.plan = &s->plan,
		.app = a->plan,
		.files = circle_files(s, a->circle),
		.links_fd = links_folder(s),
		.pod_fd = s->pod.fd,
		.open_volume = volume_open,
		.unpack = unpack_root,
		.context = s,
	};
	const struct view *view;
	int r = pod_view(s, a->plan->view, &view, e);

	if (r < 0)
		return r;
	request.view_fd = view->tree_fd;
	request.view_is_mapped = view->is_mapped;
	timing_mark(&s->rare->timing, "group made, view opened", a->plan->name);
	r = root_prepare(&request, ret, e);
	timing_mark(&s->rare->timing, "root put together", a->plan->name);
	return r;
}

static int take_root(struct app *a, struct app_root *ret, struct err *e)
{
	if (!a->has_root)
		return make_root(a, ret, e);
	*ret = a->root;
	a->has_root = false;
	return 0;
}

static int launch(struct app *a, struct err *e)
{
	struct app_root root = APP_ROOT_NONE;
	struct streams_ends ends;
	int r = take_root(a, &root, e);

	if (r < 0)
		return r;
	r = streams_open(&a->streams, &ends, e);
	if (r == 0) {
		r = spawn_in_root(a, &root, &ends, e);
		if (r == 0)
			r = watch_process(a, e);
		timing_mark(&a->s->rare->timing, "process made", a->plan->name);
		if (r == 0)
			r = streams_watch(&a->streams, &ends, e);
		streams_close_ends(&ends);
	}
	root_close(&root);
	return r;
}

static int make_group(struct app *a, struct err *e)
{
	struct supervisor *s = a->s;

	/*
	 * Since 6.9 the kernel remembers in a group that cgroup.kill was written, and compares that with the group of who
	 * clones into it, not with this one: whatever is born there after is killed (cgroup_css_set_fork()). So a group that
	 * was killed is made anew.
	 */
	if (a->group_was_killed && cgroup_remove_own(&s->cgroup_host, &a->cgroup, e) < 0)
		return -e->code;
	if (a->group_was_killed) {
		a->group_was_killed = a->has_cgroup = false;
		a->cgroup = (struct cgroup)CGROUP_NONE;
		a->oom_kills = 0;
	}
	if (a->has_cgroup)
		return 0;
	int r = cgroup_make_app(&s->cgroup_host, &s->plan, &s->cgroup, a->plan, &a->cgroup, e);
	a->has_cgroup = r == 0;
	return r;
}

void app_prepare(struct app *a)
{
	struct err ignored = {};

	a->has_root = make_group(a, &ignored) == 0 && make_root(a, &a->root, &ignored) == 0;
}

static void fail_start(struct app *a, const struct err *e);

int app_start(struct app *a, struct err *e)
{
	a->deadline_ns = INT64_MAX;
	a->status->state = APP_STARTING;
	int r = make_group(a, e);
	if (r == 0)
		r = launch(a, e);
	if (r < 0)
		fail_start(a, e);
	return r;
}

/* ---- the exec's outcome ---- */

static void close_process(struct app *a)
{
	probes_end(a);
	loop_forget(&a->s->loop, &a->exec_source);
	loop_forget(&a->s->loop, &a->exit_source);
	cleanup_close(&a->proc.status_fd);
	cleanup_close(&a->proc.pidfd);
	a->proc = (struct spawned)SPAWNED_NONE;
	if (a->reaper.pid > 0) {
		kill(a->reaper.pid, SIGKILL);
		entered_end(a->s, a);
		while (waitpid(a->reaper.pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	cleanup_close(&a->reaper.pidfd);
	a->reaper = (struct spawned)SPAWNED_NONE;
	a->status->pid = 0;
}

static void end_for_good(struct app *a)
{
	a->phase = app_first_phase(a);
	set_state(a, APP_EXITED);
	links_on_app_end(a->s, a);
	server_on_exit(a->s, a);
	supervisor_on_app_end(a->s, a);
}

static void next_phase(struct app *a);

static void fail_start(struct app *a, const struct err *e)
{
	if (a->proc.pid > 0) {
		kill(a->proc.pid, SIGKILL);
		waitpid(a->proc.pid, NULL, __WALL);
	}
	close_process(a);
	streams_finish(&a->streams);
	if (a->phase == APP_PHASE_POST_STOP) {
		supervisor_event(a->s, "post-stop-failed", a, e->what);
		next_phase(a);
		return;
	}
	a->status->error = arena_printf(&a->s->arena, "%s: %s", e->what, e->because);
	a->status->exit_code = e->code >= ERR_ROCKET ? e->code : ERR_ROCKET;
	a->status->finished_ns = io_now_ns();
	supervisor_event(a->s, "start-failed", a, e->what);
	supervisor_on_app_settled(a->s, a, e);
	end_for_good(a);
}

static void on_exec(struct loop_source *source, uint32_t events)
{
	struct app *a = source->owner;
	struct err e = {};

	loop_forget(&a->s->loop, &a->exec_source);
	if (spawn_wait_exec(&a->proc, &e) < 0) {
		fail_start(a, &e);
		return;
	}
	a->status->pid = a->proc.pid;
	timing_mark(&a->s->rare->timing, "executed", a->plan->name);
	a->mounts = a->s->plan.cgroup ? 0 : ns_pids_mounts_of(a->proc.pid);
	if (a->phase != APP_PHASE_MAIN)
		return;
	a->status->started_ns = io_now_ns();
	a->status->finished_ns = 0;
	a->status->error = NULL;
	if (a->status->state == APP_STARTING)
		a->status->state = APP_RUNNING;
	links_on_app_started(a->s, a);
	supervisor_event(a->s, "app-started", a, NULL);
	supervisor_on_app_settled(a->s, a, NULL);
	if (a->status->state == APP_RUNNING)
		probes_begin(a);
	supervisor_save_status(a->s);
}

/* ---- the end of its process ---- */

/* What an app forked lives on where others share its process table: it ends with the app. */
static void kill_rest(struct app *a)
{
	struct err ignored = {};

	if (a->plan->distance != DISTANCE_JOINED && !a->plan->beside)
		return;
	if (!a->s->plan.cgroup) {
		ns_pids_kill(a->mounts);
		return;
	}
	(void)!cgroup_kill(&a->s->cgroup_host, &a->cgroup, &ignored);
	a->group_was_killed = true;
}

static bool should_restart(const struct app *a)
{
	/* A pod that is being stopped comes first: a restart asked for before is void. */
	if (a->s->stopping)
		return false;
	if (a->wants_restart)
		return true;
	if (a->wants_stop)
		return false;
	switch (a->plan->restart) {
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_FAILURE:
		return a->status->exit_code != 0 || a->unhealthy;
	default:
		return false;
	}
}

static void schedule_restart(struct app *a)
{
	int64_t ran = a->status->finished_ns - a->status->started_ns;

	if (a->wants_restart || a->backoff_ns == 0 || ran >= steady_ns)
		a->backoff_ns = first_backoff_ns;
	else
		a->backoff_ns = a->backoff_ns * 2 < longest_backoff_ns ? a->backoff_ns * 2 : longest_backoff_ns;
	a->deadline_ns = io_monotonic_ns() + (a->wants_restart ? 0 : a->backoff_ns);
	a->wants_restart = a->wants_stop = a->unhealthy = false;
	a->phase = app_first_phase(a);
	a->status->restarts++;
	set_state(a, APP_BACKOFF);
}

/* A phase's process is over, and the record says how: what comes next. */
static void next_phase(struct app *a)
{
	struct err e = {};
	bool failed = a->status->exit_code != 0;

	if (a->phase == APP_PHASE_PRE_START && !failed && !a->wants_stop) {
		a->phase = APP_PHASE_MAIN;
		(void)!app_start(a, &e);
		return;
	}
	if (a->phase == APP_PHASE_MAIN && a->plan->post_stop) {
		a->phase = APP_PHASE_POST_STOP;
		(void)!app_start(a, &e);
		return;
	}
	if (should_restart(a))
		schedule_restart(a);
	else
		end_for_good(a);
}

static void record_end(struct app *a, const siginfo_t *info)
{
	struct app_status *st = a->status;
	uint64_t kills = cgroup_oom_kills(&a->s->cgroup_host, &a->cgroup);

	st->finished_ns = io_now_ns();
	st->exit_signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
	st->exit_code = st->exit_signal ? 128 + st->exit_signal : info->si_status;
	/* Stopped because it was not well: that is no good end, whatever it says itself. */
	if (a->unhealthy && st->exit_code == 0)
		st->exit_code = 128 + SIGTERM;
	st->oom_killed = kills > a->oom_kills;
	st->log_dropped = a->streams.log.dropped;
	a->oom_kills = kills;
}

static void on_exit_ready(struct loop_source *source, uint32_t events)
{
	struct app *a = source->owner;
	siginfo_t info = {};

	if (waitid(P_PIDFD, (id_t)a->proc.pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	/* It ended before its exec was seen: that outcome comes first. */
	if (a->proc.status_fd >= 0) {
		a->proc.pid = 0;
		on_exec(&a->exec_source, 0);
		if (a->proc.pidfd < 0)
			return;
	}
	kill_rest(a);
	close_process(a);
	streams_finish(&a->streams);
	if (a->phase == APP_PHASE_POST_STOP) {
		next_phase(a);
		return;
	}
	record_end(a, &info);
	supervisor_event(a->s, a->status->oom_killed ? "oom" : "app-exited", a, NULL);
	next_phase(a);
}

/* ---- asked from outside ---- */

void app_signal(struct app *a, int sig)
{
	if (app_is_alive(a))
		syscall(SYS_pidfd_send_signal, a->proc.pidfd, sig, NULL, 0);
}

void app_kill(struct app *a)
{
	app_signal(a, SIGKILL);
	if (a->has_cgroup)
		kill_rest(a);
}

/* A stop that is under way may be hurried, never slowed. */
static void shorten_grace(struct app *a, int64_t deadline_ns)
{
	if (deadline_ns < a->deadline_ns)
		a->deadline_ns = deadline_ns;
}

void app_stop(struct app *a, int64_t grace_ns)
{
	int64_t deadline_ns = io_monotonic_ns() + (grace_ns >= 0 ? grace_ns : a->plan->stop_grace_ns);

	a->wants_stop = true;
	if (a->status->state == APP_BACKOFF || a->status->state == APP_WAITING) {
		a->deadline_ns = INT64_MAX;
		end_for_good(a);
		return;
	}
	if (!app_is_alive(a))
		return;
	if (a->status->state == APP_STOPPING) {
		if (grace_ns >= 0)
			shorten_grace(a, deadline_ns);
		return;
	}
	a->deadline_ns = deadline_ns;
	set_state(a, APP_STOPPING);
	if (!probes_begin_stop(a))
		app_signal_stop(a);
}

void app_signal_stop(struct app *a)
{
	app_signal(a, (int)a->plan->stop_signal);
}

void app_on_deadline(struct app *a)
{
	struct err e = {};

	a->deadline_ns = INT64_MAX;
	if (a->status->state == APP_BACKOFF)
		(void)!app_start(a, &e);
	else if (a->status->state == APP_STOPPING)
		app_kill(a);
}

void app_close(struct app *a)
{
	struct err e = {};

	close_process(a);
	streams_finish(&a->streams);
	if (a->has_root)
		root_close(&a->root);
	a->has_root = false;
	if (cgroup_remove_own(&a->s->cgroup_host, &a->cgroup, &e) < 0)
		supervisor_event(a->s, "cleanup-failed", a, e.what);
}
