/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's frame: plan, loop, signals, exit rule, status. supervisor.h names the other parts. */
#include "supervise/holes.h"
#include "supervise/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/mountfd.h"
#include "supervise/memory.h"
#include "supervise/notify.h"

/* ---- small things that the other parts ask for ---- */

struct app *supervisor_find_app(struct supervisor *s, const char *name)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (!s->apps[i].removed && strcmp(s->plan.apps.v[i].name, name) == 0)
			return &s->apps[i];
	return NULL;
}

void supervisor_save_status(struct supervisor *s)
{
	struct err ignored = {};

	/* On a full disk the pod goes on; the status is as old as its last write then. */
	(void)!status_write(&s->state, &s->pod, &s->status, &ignored);
}

void supervisor_event(struct supervisor *s, const char *event, const struct app *a, const char *detail)
{
	state_log_event(&s->state, event, s->pod.id, s->plan.name, a ? a->plan->name : NULL, detail);
}

/* ---- ready, or not ---- */

/* A detached start is over when it is up, one in the foreground at its end. */
static void tell_timing(struct supervisor *s, int fd)
{
	autostr text = {};

	if (!s->rare->timing.on)
		return;
	timing_add_table(&s->rare->timing, &text);
	(void)!io_write_all(fd, text.text, text.len);
	s->rare->timing.on = false;
}

static void tell_ready(struct supervisor *s, const struct err *e)
{
	if (s->ready_told)
		return;
	s->ready_told = true;
	if (s->options->ready_fd >= 0) {
		(void)!write(s->options->ready_fd, e, sizeof(*e));
		tell_timing(s, s->options->ready_fd);
		close(s->options->ready_fd);
		memory_let_go();
	}
}

static bool counts_as_ready(const struct app *a)
{
	return a->was_ready || a->status->state == APP_EXITED;
}

/* Over before it was ever ready, and not well: who waits for the pod to be ready hears of it. */
static bool find_never_ready(const struct supervisor *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.apps.n; i++) {
		const struct app *a = &s->apps[i];

		if (a->was_ready || a->status->state != APP_EXITED || a->status->exit_code == 0)
			continue;
		err_new(e, ERR_ROCKET, "the app %s ended before it was ready", a->plan->name);
		err_because(e, "its exit code is %lld", (long long)a->status->exit_code);
		err_try(e, "rocket logs %s/%s", s->plan.name, a->plan->name);
		return true;
	}
	return false;
}

static void check_ready(struct supervisor *s)
{
	struct err e = {};

	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (!s->apps[i].settled || !counts_as_ready(&s->apps[i]))
			return;
	if (s->is_ready || s->stopping)
		return;
	s->is_ready = true;
	if (find_never_ready(s, &e) || s->first_error.code) {
		tell_ready(s, s->first_error.code ? &s->first_error : &e);
		return;
	}
	supervisor_event(s, "ready", NULL, NULL);
	notify_systemd("READY=1");
	tell_ready(s, &e);
}

void supervisor_on_app_ready(struct supervisor *s, struct app *a)
{
	struct err e = {};

	if (!s->stopping)
		(void)!order_start_next(s, &e); /* an app that can't be started ends the pod by itself */
	check_ready(s);
}

void supervisor_on_app_settled(struct supervisor *s, struct app *a, const struct err *e)
{
	bool first = !a->settled;

	a->settled = true;
	if (e && first && !s->first_error.code)
		s->first_error = *e;
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (!s->apps[i].settled)
			return;
	if (!s->options->wait_ready || s->first_error.code)
		tell_ready(s, &s->first_error);
	check_ready(s);
}

/* ---- the end ---- */

static bool is_over(const struct app *a)
{
	return a->status->state == APP_EXITED;
}

/* The next app in reverse order that is still there gets its stop; the ones before it wait for its end. */
static void stop_next(struct supervisor *s)
{
	for (size_t i = s->plan.apps.n; i-- > 0;) {
		struct app *a = &s->apps[i];

		if (is_over(a))
			continue;
		app_stop(a, s->stop_grace_ns);
		return;
	}
}

void supervisor_stop(struct supervisor *s, int64_t grace_ns)
{
	bool first = !s->stopping;

	/* A shorter grace hurries a stop that is under way; none at all kills what is left. */
	if (first || (grace_ns >= 0 && (s->stop_grace_ns < 0 || grace_ns < s->stop_grace_ns)))
		s->stop_grace_ns = grace_ns;
	s->stopping = true;
	if (first) {
		notify_systemd("STOPPING=1");
		supervisor_event(s, "stopping", NULL, NULL);
	}
	stop_next(s);
	for (size_t i = 0; grace_ns == 0 && i < s->plan.apps.n; i++) {
		s->apps[i].wants_stop = true;
		app_kill(&s->apps[i]);
	}
}

/* What keeps a pod with `exit: all` alive: apps that may still end by themselves. */
static bool holds_pod(const struct app *a)
{
	return a->plan->kind == APP_MAIN && a->plan->restart != RESTART_ALWAYS && !a->removed;
}

static bool all_holders_over(const struct supervisor *s)
{
	bool any = false;

	for (size_t i = 0; i < s->plan.apps.n; i++) {
		if (!holds_pod(&s->apps[i]))
			continue;
		any = true;
		if (!is_over(&s->apps[i]))
			return false;
	}
	return any;
}

/* What we stopped because the pod was over anyway says nothing about how the pod went. */
static bool counts_for_code(const struct supervisor *s, const struct app *a)
{
	return holds_pod(a) || !a->wants_stop || !all_holders_over(s);
}

static int first_failure(const struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (s->apps[i].status->exit_code > 0 && counts_for_code(s, &s->apps[i]))
			return (int)s->apps[i].status->exit_code;
	return 0;
}

static bool ends_pod(const struct supervisor *s, const struct app *a)
{
	const char *rule = s->plan.exit ?: "all";

	if (strcmp(rule, "all") == 0)
		return all_holders_over(s);
	return (strcmp(rule, "first") == 0 && a->plan->kind == APP_MAIN) || strcmp(rule, a->plan->name) == 0;
}

void supervisor_on_app_end(struct supervisor *s, struct app *a)
{
	if (a->removed)
		pod_forget_app(s, a);
	bool by_rule = !s->stopping && (!a->removed || all_holders_over(s)) && (s->first_error.code || order_is_broken_by(s, a) || ends_pod(s, a));
	struct err e = {};

	if (by_rule && strcmp(s->plan.exit ?: "all", "all") != 0)
		s->exit_code = (int)a->status->exit_code;
	if (by_rule)
		supervisor_stop(s, -1);
	else if (s->stopping)
		stop_next(s);
	else
		(void)!order_start_next(s, &e); /* an app that can't be started ends the pod by itself */
	check_ready(s);
}

static bool everything_over(const struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (!is_over(&s->apps[i]))
			return false;
	return true;
}

/* ---- signals ---- */

/* A single app in the foreground gets what the terminal or a script sends to us. */
static bool pass_to_single_app(struct supervisor *s, int sig)
{
	if (!s->options->foreground || s->plan.apps.n != 1 || sig == SIGWINCH)
		return false;
	if (sig == SIGINT && ++s->interrupts > 1)
		app_kill(&s->apps[0]);
	s->apps[0].wants_stop = sig != SIGHUP && sig != SIGUSR1 && sig != SIGUSR2;
	app_signal(&s->apps[0], sig);
	return true;
}

static void handle_signal(struct supervisor *s, int sig)
{
	if (sig == SIGWINCH) {
		front_resize(&s->front);
		return;
	}
	if (pass_to_single_app(s, sig))
		return;
	if (sig == SIGUSR1 || sig == SIGUSR2) {
		for (size_t i = 0; i < s->plan.apps.n; i++)
			app_signal(&s->apps[i], sig);
		return;
	}
	supervisor_stop(s, s->interrupts++ ? 0 : -1);
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct signalfd_siginfo info;

	while (read(source->fd, &info, sizeof(info)) == sizeof(info))
		handle_signal(source->owner, (int)info.ssi_signo);
}

static int watch_signals(struct supervisor *s, struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, "can't watch signals")
		      : loop_watch(&s->loop, &s->signal_source, fd, EPOLLIN, on_signal, s, e);
}

/* ---- the frame ---- */

void supervisor_init_app(struct supervisor *s, size_t i)
{
	struct app *a = &s->apps[i];
	const struct plan_app *plan = &s->plan.apps.v[i];
	const struct app *host = plan->beside ? supervisor_find_app(s, plan->beside) : NULL;

	*a = (struct app){
		.s = s,
		.plan = plan,
		.circle = host ? host->circle : plan_circle(&s->plan, plan),
		.status = list_add(&s->arena, &s->status.apps),
		.cgroup = CGROUP_NONE,
		.proc = SPAWNED_NONE,
		.reaper = SPAWNED_NONE,
		.deadline_ns = INT64_MAX,
	};
	a->phase = app_first_phase(a);
	probes_init(a);
	a->exec_source.fd = a->exit_source.fd = -1;
	a->streams = (struct streams){ .s = s, .app = a };
	a->streams.out.fd = a->streams.err.fd = a->streams.in.fd = -1;
	log_init(&a->streams.log, s->pod.fd, plan->name, plan->log_bytes, plan->log_files);
	a->status->name = s->plan.apps.v[i].name;
	a->status->exit_code = -1;
}

/* The status list grows while apps point into it: pointers are set when it has its size. */
static void init_apps(struct supervisor *s)
{
	size_t n = s->plan.apps.n;

	s->n_places = n + SUPERVISOR_SPARE_APPS;
	s->apps = calloc(s->n_places, sizeof(*s->apps)); /* places that stay empty cost no memory; they live as long as we do */
	s->views = arena_alloc(&s->arena, (2 * n + s->plan.volumes.n + 1) * sizeof(*s->views));
	s->volume_fds = arena_alloc(&s->arena, (s->plan.volumes.n + 1) * sizeof(int));
	for (size_t i = 0; i < s->plan.volumes.n; i++)
		s->volume_fds[i] = -1;
	for (size_t i = 0; i < n; i++)
		supervisor_init_app(s, i);
	for (size_t i = 0; i < n; i++)
		s->apps[i].status = &s->status.apps.v[i];
}

/* The pod's folder was opened in the host's mount namespace; what is cloned from must belong to ours. */
static int enter_private_mounts(struct supervisor *s, struct err *e)
{
	const char *path = arena_printf(&s->arena, "%s/pods/run/%s", s->options->dir, s->pod.id);
	int fd;

	if (mountfd_clones_detached())
		return 0;
	s->private_mounts = true;
	if (mountfd_enter_private() < 0)
		return err_errno(e, "can't make a mount namespace for the pod's supervisor");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "can't open the pod's folder");
	close(s->pod.fd);
	s->pod.fd = fd;
	return 0;
}

/* Who stood beside an app when the pod ran the last time was there for that time alone. */
static void drop_visitors(struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->apps.n; i++)
		if (!p->apps.v[i].beside)
			p->apps.v[n++] = p->apps.v[i];
	p->apps.n = n;
}

static int open_all(struct supervisor *s, struct err *e)
{
	const struct supervisor_options *o = s->options;
	int r = enter_private_mounts(s, e);

	if (r == 0)
		r = state_open(o->dir, o->run_dir, &s->state, e);

	if (r == 0)
		r = store_open(o->dir, o->run_dir, &s->store, e);
	s->store.builder = arena_printf(&s->arena, "%s/rocket-image", o->programs);
	if (r == 0)
		r = state_read_plan(&s->pod, &s->arena, &s->plan, e);
	if (r == 0)
		drop_visitors(&s->plan);
	if (r == 0)
		r = loop_open(&s->loop, e);
	if (r == 0)
		r = watch_signals(s, e);
	if (r < 0)
		return r;
	s->status.supervisor_pid = getpid();
	s->status.started_ns = io_now_ns();
	if (s->plan.deadline_ns)
		s->deadline_ns = io_monotonic_ns() + s->plan.deadline_ns;
	s->status.exit_code = -1;
	init_apps(s);
	front_open(&s->front, s);
	r = server_open(s, e);
	timing_mark(&s->rare->timing, "plan read, control socket made", NULL);
	return r;
}

static int64_t next_deadline(const struct supervisor *s)
{
	int64_t next = holes_deadline(s);

	next = s->deadline_ns < next ? s->deadline_ns : next;
	for (size_t i = 0; i < s->plan.apps.n; i++) {
		int64_t probe = probes_deadline(&s->apps[i]);

		next = s->apps[i].deadline_ns < next ? s->apps[i].deadline_ns : next;
		next = probe < next ? probe : next;
	}
	return next;
}

/* It ran as long as it may: over, and not well (exit code 124, as timeout(1) has it). */
static void on_pod_deadline(struct supervisor *s)
{
	s->deadline_ns = INT64_MAX;
	s->exit_code = 124;
	supervisor_event(s, "deadline", NULL, "the pod ran as long as it may");
	supervisor_stop(s, -1);
}

static void run_deadlines(struct supervisor *s)
{
	int64_t now = io_monotonic_ns();

	for (size_t i = 0; i < s->plan.apps.n; i++) {
		if (s->apps[i].deadline_ns <= now)
			app_on_deadline(&s->apps[i]);
		probes_on_deadline(&s->apps[i], now);
	}
	if (s->deadline_ns <= now)
		on_pod_deadline(s);
	holes_on_deadline(s);
}

static void run_loop(struct supervisor *s)
{
	while (!everything_over(s)) {
		loop_turn(&s->loop, next_deadline(s));
		run_deadlines(s);
		front_poke(&s->front);
	}
}

/* Where the pod could not come up: what did start is killed, what waits is over. */
static void abandon(struct supervisor *s, const struct err *e)
{
	if (!s->first_error.code)
		s->first_error = *e;
	s->stopping = true;
	s->stop_grace_ns = 0;
	for (size_t i = s->plan.apps.n; i-- > 0;) {
		struct app *a = &s->apps[i];

		a->wants_stop = true;
		a->deadline_ns = INT64_MAX;
		if (app_is_alive(a))
			app_kill(a);
		else
			a->status->state = APP_EXITED;
	}
}

static int final_code(struct supervisor *s)
{
	if (s->first_error.code)
		return s->first_error.code >= ERR_ROCKET ? s->first_error.code : ERR_ROCKET;
	return s->exit_code ?: strcmp(s->plan.exit ?: "all", "all") == 0 ? first_failure(s) : 0;
}

/* Who still waits for the pod to come up learns why it did not. */
static void tell_end(struct supervisor *s)
{
	struct err e = s->first_error;

	if (!e.code && !s->ready_told && s->options->wait_ready && find_never_ready(s, &e)) {
		tell_ready(s, &e);
		return;
	}
	if (!e.code && !s->ready_told) {
		err_new(&e, ERR_ROCKET, "the pod ended before all its apps were started");
		err_because(&e, "its exit code is %lld", (long long)s->status.exit_code);
		err_try(&e, "rocket logs %s", s->plan.name);
	}
	tell_ready(s, &e);
}

static void finish(struct supervisor *s)
{
	struct err e = {};
	char code[16];

	timing_mark(&s->rare->timing, "apps ran", NULL);
	pod_down(s);
	timing_mark(&s->rare->timing, "processes, groups and namespaces ended", NULL);
	s->status.exit_code = final_code(s);
	s->status.finished_ns = io_now_ns();
	s->status.supervisor_pid = 0;
	snprintf(code, sizeof(code), "%lld", (long long)s->status.exit_code);
	supervisor_event(s, "exited", NULL, code);
	if (!s->plan.remove && status_finish(&s->state, &s->pod, &s->status, &e) < 0)
		supervisor_event(s, "status-lost", NULL, e.what);
	if (s->plan.remove && state_remove_pod(&s->state, &s->pod, &e) < 0)
		supervisor_event(s, "remove-failed", NULL, e.what);
	timing_mark(&s->rare->timing, s->plan.remove ? "pod removed" : "status written", NULL);
	closer_wait(&s->rare->closer);
	timing_mark(&s->rare->timing, "waited for mounts", NULL);
	front_close(&s->front);
	tell_end(s);
	server_close(s);
	if (s->options->foreground)
		tell_timing(s, STDERR_FILENO);
}

static void init(struct supervisor *s, const struct supervisor_options *o)
{
	*s = (struct supervisor){
		.options = o,
		.pod = o->pod,
		.state = { -1, -1 },
		.store = STORE_NONE,
		.sandbox = SANDBOX_NONE,
		.cgroup = CGROUP_NONE,
		.files = POD_FILES_NONE,
		.joined = SPAWNED_NONE,
		.relay = RELAY_NO_PROCESS,
		.uplink = UPLINK_NO_PROCESS,
		.host_relay = RELAY_NO_PROCESS,
		.resolver = HELPER_NONE,
		.record = RECORD_NONE,
		.reaper_exe_fd = -1,
		.probe_exe_fd = -1,
		.deadline_ns = INT64_MAX,
		.empty_root_fd = -1,
		.attach_fd = -1,
	};
	s->signal_source.fd = s->reaper_source.fd = s->relay_source.fd = s->uplink_source.fd = s->resolver_source.fd = s->host_relay_source.fd = s->server.listener.fd = -1;
	for (int c = 0; c < CGROUP_N; c++)
		s->cgroup_host.root_fd[c] = -1;
	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++)
		s->server.clients[i].source.fd = -1;
}

int supervisor_main(const struct supervisor_options *o)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct rare *rare = mmap(NULL, sizeof(*rare), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct err e = {};

	if (!s || rare == MAP_FAILED) {
		free(s);
		return ERR_ROCKET;
	}
	umask(0);
	init(s, o);
	s->rare = rare;
	if (o->timing) {
		rare->timing.on = true;
		timing_unpack(&rare->timing, o->timing);
	}
	timing_mark(&s->rare->timing, "supervisor executed", NULL);
	int r = open_all(s, &e);
	if (r == 0) {
		supervisor_event(s, "started", NULL, NULL);
		r = pod_up(s, &e);
		if (r < 0)
			abandon(s, &e);
		supervisor_save_status(s);
		run_loop(s);
	} else {
		s->first_error = e;
	}
	finish(s);
	if (o->foreground && s->first_error.code)
		err_print(stderr, &s->first_error);
	return (int)s->status.exit_code;
}
