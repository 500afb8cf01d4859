/* SPDX-License-Identifier: Apache-2.0 */
/* See probe.h. What an app says to a probe is bounded, made visible, and kept as a line of an event. */
#include "supervise/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "net/probe_spawn.h"
#include "supervise/supervisor.h"

#define NS_PER_MS INT64_C(1000000)

static const char *const what_names[PROBE_WHATS] = { "started", "ready", "alive", "post_start", "pre_stop" };
enum { SAYS_MAX = 200 };
static const int64_t first_pause_ns = 50 * NS_PER_MS;

static const struct plan_probe *plan_of(const struct app *a, enum probe_what what)
{
	const struct plan_probe *const plans[PROBE_WHATS] = {
		[PROBE_STARTED] = &a->plan->started,	   [PROBE_READY] = &a->plan->ready,
		[PROBE_ALIVE] = &a->plan->alive,	   [PROBE_POST_START] = &a->plan->post_start,
		[PROBE_PRE_STOP] = &a->plan->pre_stop,
	};

	return plans[what];
}

static struct probe *find(const struct app *a, enum probe_what what)
{
	return a->probes && plan_of(a, what)->kind != PROBE_NONE ? &a->probes->v[what] : NULL;
}

static void rest(struct probe *p)
{
	p->next_ns = p->kill_ns = INT64_MAX;
	p->counted_ns = 0;
	p->pause_ns = first_pause_ns;
	p->good = p->bad = 0;
	p->succeeded = p->timed_out = false;
}

void probes_init(struct app *a)
{
	for (int i = 0; i < PROBE_WHATS; i++) {
		if (plan_of(a, (enum probe_what)i)->kind == PROBE_NONE)
			continue;
		if (!a->probes)
			a->probes = arena_new(&a->s->arena, struct probes);
	}
	for (int i = 0; a->probes && i < PROBE_WHATS; i++) {
		struct probe *p = &a->probes->v[i];

		*p = (struct probe){ .app = a, .plan = plan_of(a, (enum probe_what)i), .what = (enum probe_what)i,
				     .proc = SPAWNED_NONE, .out_fd = -1, .exit_source.fd = -1 };
		rest(p);
	}
}

void probes_point_again(struct app *a)
{
	for (int i = 0; a->probes && i < PROBE_WHATS; i++)
		a->probes->v[i].plan = plan_of(a, (enum probe_what)i);
}

/* ---- one question ---- */

static bool is_running(const struct probe *p)
{
	return p->proc.pidfd >= 0;
}

static void close_question(struct probe *p)
{
	loop_forget(&p->app->s->loop, &p->exit_source);
	cleanup_close(&p->proc.pidfd);
	cleanup_close(&p->proc.status_fd);
	cleanup_close(&p->out_fd);
	p->proc = (struct spawned)SPAWNED_NONE;
	p->out_fd = -1;
	p->kill_ns = INT64_MAX;
}

static void kill_question(struct probe *p)
{
	if (!is_running(p))
		return;
	syscall(SYS_pidfd_send_signal, p->proc.pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)p->proc.pidfd, NULL, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	close_question(p);
}

static int ask_inside(struct probe *p, struct err *e)
{
	struct app *a = p->app;
	struct supervisor *s = a->s;
	[[gnu::uninitialized]] struct seccomp_program program;
	int out[2];
	struct spawn spawn = {
		.plan = &s->plan,
		.app = a->plan,
		.cgroup_host = &s->cgroup_host,
		.cgroup = &a->cgroup,
		.sandbox_pidfd = -1,
		.pid_holder_pidfd = -1,
		.enter_pidfd = a->proc.pidfd,
		.argv = p->plan->exec,
		.stdio = { -1, -1, -1 },
		.console_sock = -1,
	};

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, "can't make a pipe for a probe");
	spawn.stdio[1] = spawn.stdio[2] = out[1];
	int r = seccomp_for_app(a->plan, s->pod.fd, &program, &spawn.seccomp, e);
	if (r == 0)
		r = spawn_process(&spawn, &p->proc, e);
	close(out[1]);
	p->out_fd = out[0];
	return r == 0 ? spawn_wait_exec(&p->proc, e) : r;
}

static int ask_by_network(struct probe *p, struct err *e)
{
	struct supervisor *s = p->app->s;
	struct probe_process started;

	if (s->probe_exe_fd < 0 && pod_open_program(s, "rocket-probe", &s->probe_exe_fd, e) < 0)
		return -e->code;
	const struct probe_request q = {
		.plan = &s->plan,
		.probe = p->plan,
		.exe_fd = s->probe_exe_fd,
		.app_pidfd = p->app->proc.pidfd,
		.empty_root_fd = s->empty_root_fd,
	};
	int r = probe_spawn(&q, &started, e);
	if (r < 0)
		return r;
	p->proc = (struct spawned){ .pid = started.pid, .pidfd = started.pidfd, .status_fd = -1 };
	p->out_fd = started.out_fd;
	return 0;
}

static void on_question_over(struct loop_source *source, uint32_t events);
static void judge(struct probe *p, bool good, const char *says);

static void ask(struct probe *p)
{
	int64_t now = io_monotonic_ns();
	struct err e = {};
	int r;

	p->next_ns = INT64_MAX;
	p->timed_out = false;
	if (p->plan->kind == PROBE_SLEEP) {
		p->kill_ns = now + p->plan->delay_ns;
		return;
	}
	r = p->plan->kind == PROBE_EXEC ? ask_inside(p, &e) : ask_by_network(p, &e);
	if (r == 0)
		r = loop_watch(&p->app->s->loop, &p->exit_source, p->proc.pidfd, EPOLLIN, on_question_over, p, &e);
	if (r == 0) {
		p->kill_ns = now + p->plan->timeout_ns;
		return;
	}
	kill_question(p);
	close_question(p);
	char says[SAYS_MAX];
	snprintf(says, sizeof(says), "%.90s: %.100s", e.what, e.because);
	judge(p, false, says);
}

/* ---- what the answers mean ---- */

static void tell(struct probe *p, const char *event, const char *says)
{
	autostr text = {};

	str_addf(&text, "%s: ", what_names[p->what]);
	str_add_visible(&text, says);
	supervisor_event(p->app->s, event, p->app, str_text(&text));
}

static void set_ready(struct app *a, bool ready)
{
	if (a->status->ready == ready)
		return;
	a->status->ready = ready;
	a->was_ready |= ready;
	if (a->plan->ready.kind != PROBE_NONE || a->plan->started.kind != PROBE_NONE)
		supervisor_event(a->s, ready ? "app-ready" : "app-unready", a, NULL);
	supervisor_save_status(a->s);
	if (ready)
		supervisor_on_app_ready(a->s, a);
}

static void begin(struct probe *p, int64_t delay_ns)
{
	if (p && p->next_ns == INT64_MAX && !is_running(p))
		p->next_ns = io_monotonic_ns() + delay_ns;
}

/* The app has come up: from now on ready and alive speak. */
static void on_started(struct app *a)
{
	struct probe *ready = find(a, PROBE_READY), *alive = find(a, PROBE_ALIVE);

	if (a->status->state != APP_RUNNING)
		return;
	begin(ready, ready ? ready->plan->delay_ns : 0);
	begin(alive, alive ? alive->plan->delay_ns : 0);
	if (!ready)
		set_ready(a, true);
}

static void after_post_start(struct app *a)
{
	struct probe *started = find(a, PROBE_STARTED);

	if (started)
		begin(started, started->plan->delay_ns);
	else
		on_started(a);
}

/* Its own restart rule decides what comes after. */
static void give_up(struct probe *p, const char *says)
{
	struct app *a = p->app;

	if (a->status->state != APP_RUNNING)
		return;
	tell(p, "app-unhealthy", says);
	a->unhealthy = true;
	set_ready(a, false);
	app_stop(a, -1);
	a->wants_stop = false;
}

static void on_good(struct probe *p)
{
	bool first = !p->succeeded;

	p->good++;
	p->bad = 0;
	if (p->good < p->plan->successes)
		return;
	p->succeeded = true;
	if (p->what == PROBE_READY)
		set_ready(p->app, true);
	else if (p->what == PROBE_STARTED && first)
		on_started(p->app);
}

static void on_bad(struct probe *p, const char *says)
{
	int64_t now = io_monotonic_ns();

	p->good = 0;
	if (p->counted_ns && now - p->counted_ns < p->plan->every_ns - NS_PER_MS)
		return;
	p->counted_ns = now;
	if (p->bad++ == 0 && (p->succeeded || p->what == PROBE_ALIVE))
		tell(p, "probe-failed", says);
	if (p->bad < p->plan->failures)
		return;
	if (p->what == PROBE_READY)
		set_ready(p->app, false);
	else
		give_up(p, says);
}

static bool is_settled(const struct probe *p)
{
	return p->what == PROBE_STARTED && p->succeeded;
}

static void schedule(struct probe *p)
{
	int64_t pause = p->plan->every_ns;

	if (is_settled(p) || p->app->status->state != APP_RUNNING)
		return;
	if (!p->succeeded && p->pause_ns < pause) {
		pause = p->pause_ns;
		p->pause_ns *= 2;
	}
	p->next_ns = io_monotonic_ns() + pause;
}

static void judge_hook(struct probe *p, bool good, const char *says)
{
	struct app *a = p->app;

	p->succeeded = true;
	if (!good)
		tell(p, "hook-failed", says);
	if (p->what == PROBE_PRE_STOP)
		app_signal_stop(a);
	else if (good)
		after_post_start(a);
	else
		give_up(p, says);
}

static void judge(struct probe *p, bool good, const char *says)
{
	if (p->what >= PROBE_POST_START) {
		judge_hook(p, good, says);
		return;
	}
	if (p->app->status->state != APP_RUNNING)
		return;
	if (good)
		on_good(p);
	else
		on_bad(p, says);
	schedule(p);
}

/* The first line of what it wrote; a child of its own that still holds the pipe is not waited for. */
static void read_says(const struct probe *p, const siginfo_t *info, char says[SAYS_MAX])
{
	ssize_t n = read(p->out_fd, says, SAYS_MAX - 1);
	size_t length = n > 0 ? (size_t)n : 0;

	says[length] = 0;
	says[strcspn(says, "\n")] = 0;
	if (p->timed_out)
		snprintf(says, SAYS_MAX, "no answer within %lld ms", (long long)(p->plan->timeout_ns / NS_PER_MS));
	else if (!*says)
		snprintf(says, SAYS_MAX, info->si_code == CLD_EXITED ? "exit code %d" : "signal %d", info->si_status);
}

static void on_question_over(struct loop_source *source, uint32_t events)
{
	struct probe *p = source->owner;
	siginfo_t info = {};
	char says[SAYS_MAX];

	if (waitid(P_PIDFD, (id_t)p->proc.pidfd, &info, WEXITED | WNOHANG | __WALL) < 0 || info.si_pid == 0)
		return;
	read_says(p, &info, says);
	bool good = info.si_code == CLD_EXITED && info.si_status == 0 && !p->timed_out;
	close_question(p);
	judge(p, good, says);
}

/* ---- the app's life ---- */

void probes_begin(struct app *a)
{
	struct probe *hook = find(a, PROBE_POST_START);

	for (int i = 0; a->probes && i < PROBE_WHATS; i++)
		rest(&a->probes->v[i]);
	a->unhealthy = false;
	if (hook)
		ask(hook);
	else
		after_post_start(a);
}

void probes_end(struct app *a)
{
	for (int i = 0; a->probes && i < PROBE_WHATS; i++) {
		kill_question(&a->probes->v[i]);
		rest(&a->probes->v[i]);
	}
	if (!a->status->ready)
		return;
	a->status->ready = false;
	if (a->plan->ready.kind != PROBE_NONE)
		supervisor_event(a->s, "app-unready", a, NULL);
}

bool probes_begin_stop(struct app *a)
{
	struct probe *hook = find(a, PROBE_PRE_STOP);

	/* Not waited for: the pod may be paused, and what is frozen dies late. */
	for (int i = 0; a->probes && i < PROBE_PRE_STOP; i++) {
		struct probe *p = &a->probes->v[i];

		if (is_running(p))
			syscall(SYS_pidfd_send_signal, p->proc.pidfd, SIGKILL, NULL, 0);
		p->next_ns = p->kill_ns = INT64_MAX;
	}
	set_ready(a, false);
	if (!hook || is_running(hook) || hook->succeeded)
		return false;
	ask(hook);
	return true;
}

int64_t probes_deadline(const struct app *a)
{
	int64_t next = INT64_MAX;

	for (int i = 0; a->probes && i < PROBE_WHATS; i++) {
		const struct probe *p = &a->probes->v[i];

		next = p->next_ns < next ? p->next_ns : next;
		next = p->kill_ns < next ? p->kill_ns : next;
	}
	return next;
}

static void on_timeout(struct probe *p)
{
	p->kill_ns = INT64_MAX;
	if (!is_running(p)) {
		judge(p, true, ""); /* the end of a sleep */
		return;
	}
	p->timed_out = true;
	syscall(SYS_pidfd_send_signal, p->proc.pidfd, SIGKILL, NULL, 0);
}

/* Who is paused can't answer. */
static void postpone(struct probe *p, int64_t now_ns)
{
	int64_t later = now_ns + 1000 * NS_PER_MS;

	p->kill_ns = p->kill_ns <= now_ns ? later : p->kill_ns;
	p->next_ns = p->next_ns <= now_ns ? later : p->next_ns;
}

void probes_on_deadline(struct app *a, int64_t now_ns)
{
	for (int i = 0; a->probes && i < PROBE_WHATS; i++) {
		struct probe *p = &a->probes->v[i];

		if (a->s->status.paused)
			postpone(p, now_ns);
		else if (p->kill_ns <= now_ns)
			on_timeout(p);
		else if (p->next_ns <= now_ns)
			ask(p);
	}
}
