/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing a pod up and taking it down: what its apps share. The order is the design's: ports are taken
 * before anything else can fail late, the namespaces are made while the control groups are, and nothing
 * of an app starts before the network stands. Taking down is the reverse and never stops half-way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/files.h"
#include "net/pod_net.h"
#include "supervise/supervisor.h"

/* ---- programs beside us ---- */

/* A program of libexec: beside the running one (libexec, a build folder, a static bundle). */
static int open_beside(const char *name, int *ret_fd, struct err *e)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return err_errno(e, "can't find out where this program lies");
	snprintf(slash + 1, 64, "%s", name);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0) {
		err_errno(e, "can't open %s", path);
		return err_try(e, "make install   (Rocket's programs belong together)");
	}
	return 0;
}

static int open_empty_root(struct supervisor *s, struct err *e)
{
	if (mkdirat(s->state.runfd, "empty", 0755) < 0 && errno != EEXIST)
		return err_errno(e, "can't make the empty root");
	s->empty_root_fd = openat(s->state.runfd, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->empty_root_fd < 0 ? err_errno(e, "can't open the empty root") : 0;
}

/* ---- holes ---- */

static int find_hole(const struct supervisor *s, const char *text)
{
	for (size_t i = 0; i < s->plan.holes.n; i++)
		if (strcmp(s->plan.holes.v[i].text, text) == 0)
			return (int)i;
	return -1;
}

/* What the kernel picked for port 0 is told in the status. */
static void note_port(struct supervisor *s, const struct hole *h, uint16_t port)
{
	struct status_port *p;

	if (h->port != 0)
		return;
	p = list_add(&s->arena, &s->status.ports);
	p->hole = h->text;
	p->port = port;
}

static bool has_in_holes(const struct plan *p)
{
	for (size_t i = 0; i < p->holes.n; i++)
		if (p->holes.v[i].kind == HOLE_IN)
			return true;
	return false;
}

static void on_relay_exit(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;

	loop_forget(&s->loop, source);
	supervisor_event(s, "relay-died", NULL, "the pod's in: holes are closed");
}

static int start_relay(struct supervisor *s, struct err *e)
{
	autoclose int exe = -1;
	int r;

	if (s->has_relay)
		return 0;
	r = open_beside("rocket-relay", &exe, e);
	if (r < 0)
		return r;
	const struct relay_spawn_request request = {
		.plan = &s->plan,
		.exe_fd = exe,
		.pod_pidfd = s->sandbox.reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
	};
	r = relay_spawn(&request, &s->relay, e);
	if (r < 0)
		return r;
	s->has_relay = true;
	r = relay_wait_ready(&s->relay, e);
	return r < 0 ? r : loop_watch(&s->loop, &s->relay_source, s->relay.pidfd, EPOLLIN, on_relay_exit, s, e);
}

static int listen_all(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		const struct hole *h = &s->plan.holes.v[i];
		int r = h->kind == HOLE_IN ? relay_listen(h, &sockets[i], e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int hand_over(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	int r = has_in_holes(&s->plan) ? start_relay(s, e) : 0;

	for (size_t i = 0; r == 0 && i < s->plan.holes.n; i++) {
		if (s->plan.holes.v[i].kind != HOLE_IN)
			continue;
		note_port(s, &s->plan.holes.v[i], sockets[i].port);
		r = relay_add(&s->relay, (uint32_t)i, &sockets[i], e);
	}
	return r;
}

static int add_hole(struct supervisor *s, const struct hole *h, struct err *e)
{
	autosockets sockets = {};
	int r = relay_listen(h, &sockets, e);
	uint16_t port = sockets.port;

	if (r == 0)
		r = start_relay(s, e);
	if (r == 0)
		r = relay_add(&s->relay, (uint32_t)s->plan.holes.n, &sockets, e);
	if (r < 0)
		return r;
	*list_add(&s->arena, &s->plan.holes) = *h;
	note_port(s, h, port);
	return 0;
}

/* A removed hole keeps its number (the relay knows it by that) and turns into nothing. */
static int remove_hole(struct supervisor *s, int number, struct err *e)
{
	uint32_t cut;
	int r = relay_remove(&s->relay, (uint32_t)number, &cut, e);

	if (r == 0)
		s->plan.holes.v[number].text = arena_strdup(&s->arena, "");
	return r;
}

int supervisor_change_hole(struct supervisor *s, bool add, const char *text, struct err *e)
{
	struct hole h;
	int r = hole_parse(&s->arena, text ?: "", NULL, &h, e);
	int number = r < 0 ? -1 : find_hole(s, h.text);

	if (r < 0)
		return r;
	if (h.kind != HOLE_IN) {
		err_new(e, ERR_FAILED, "the hole %s can't be %s while the pod runs", h.text, add ? "opened" : "closed");
		err_because(e, "only in: holes can be changed live in this version");
		return err_try(e, "rocket stop %s, change its manifest, rocket run -f …", s->plan.name);
	}
	if (add ? number >= 0 : number < 0)
		return add ? 0 : err_new(e, ERR_NOT_FOUND, "the pod has no hole %s", h.text);
	r = add ? add_hole(s, &h, e) : remove_hole(s, number, e);
	if (r == 0) {
		supervisor_event(s, add ? "hole-opened" : "hole-closed", NULL, h.text);
		supervisor_save_status(s);
	}
	return r;
}

/* ---- what the apps share ---- */

int pod_view(struct supervisor *s, const char *id, int *ret_fd, struct err *e)
{
	for (size_t i = 0; i < s->n_views; i++)
		if (strcmp(s->views[i].id, id) == 0) {
			*ret_fd = s->views[i].tree_fd;
			return 0;
		}
	struct view *v = &s->views[s->n_views];
	int r = store_open_view(&s->store, id, &v->tree_fd, &v->use_fd, e);
	if (r < 0)
		return r;
	v->id = id;
	s->n_views++;
	*ret_fd = v->tree_fd;
	return 0;
}

int pod_joined_reaper(struct supervisor *s, struct err *e)
{
	const struct spawn spawn = {
		.plan = &s->plan,
		.app = &s->plan.apps.v[0],
		.cgroup_host = &s->cgroup_host,
		.sandbox_pidfd = s->sandbox.reaper_pidfd,
		.pid_holder_pidfd = -1,
		.enter_pidfd = -1,
		.console_sock = -1,
	};
	int r;

	if (s->joined.pidfd >= 0)
		return 0;
	r = spawn_reaper(&spawn, s->reaper_exe_fd, s->empty_root_fd, s->sandbox.hold_fd, &s->joined, e);
	return r < 0 ? r : spawn_wait_exec(&s->joined, e);
}

static int make_files(struct supervisor *s, struct err *e)
{
	autostr hosts = {};
	autostr hostname = {};
	autostr resolv = {};

	files_add_hosts(&hosts, &s->plan, &s->plan.apps.v[0]);
	files_add_hostname(&hostname, &s->plan);
	files_add_resolv(&resolv, &s->plan);
	const struct pod_text texts[] = {
		{ "hosts", str_text(&hosts) },
		{ "hostname", str_text(&hostname) },
		{ "resolv.conf", str_text(&resolv) },
	};

	return root_make_pod_files(&s->plan, s->sandbox.userns_fd, texts, ARRAY_SIZE(texts), &s->files, e);
}

static int begin_sandbox(struct supervisor *s, struct err *e)
{
	const struct sandbox_request request = {
		.plan = &s->plan,
		.reaper_exe_fd = s->reaper_exe_fd,
		.empty_root_fd = s->empty_root_fd,
		.setup = net_setup_pod,
	};

	return sandbox_begin(&request, &s->sandbox, e);
}

static void on_reaper_exit(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;

	/* Somebody killed it, and the kernel the apps with it: their ends arrive one by one. */
	loop_forget(&s->loop, source);
	supervisor_event(s, "reaper-died", NULL, NULL);
	supervisor_stop(s, 0);
}

static int start_apps(struct supervisor *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.apps.n; i++) {
		int r = app_start(&s->apps[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int bring_up(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	int r = open_beside("rocket-reaper", &s->reaper_exe_fd, e);

	if (r == 0)
		r = open_empty_root(s, e);
	if (r == 0)
		r = cgroup_host_open(&s->cgroup_host, e);
	if (r == 0)
		r = listen_all(s, sockets, e);
	if (r == 0)
		r = begin_sandbox(s, e);
	if (r == 0)
		r = cgroup_make_pod(&s->cgroup_host, &s->plan, &s->cgroup, e);
	if (r == 0)
		r = make_files(s, e);
	if (r == 0)
		r = sandbox_wait(&s->sandbox, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->reaper_source, s->sandbox.reaper_pidfd, EPOLLIN, on_reaper_exit, s, e);
	if (r == 0)
		r = hand_over(s, sockets, e);
	return r < 0 ? r : start_apps(s, e);
}

int pod_up(struct supervisor *s, struct err *e)
{
	struct relay_sockets *sockets = arena_alloc(&s->arena, (s->plan.holes.n + 1) * sizeof(*sockets));
	int r = bring_up(s, sockets, e);

	for (size_t i = 0; r < 0 && i < s->plan.holes.n; i++)
		relay_sockets_close(&sockets[i]);
	return r;
}

/* ---- down ---- */

static void end_joined_reaper(struct supervisor *s)
{
	while (s->joined.pid > 0 && waitpid(s->joined.pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	cleanup_close(&s->joined.pidfd);
	s->joined = (struct spawned)SPAWNED_NONE;
}

void pod_down(struct supervisor *s)
{
	struct err e = {};

	if (s->has_relay) {
		loop_forget(&s->loop, &s->relay_source);
		relay_end(&s->relay);
	}
	loop_forget(&s->loop, &s->reaper_source);
	sandbox_end(&s->sandbox);
	end_joined_reaper(s);
	for (size_t i = 0; i < s->plan.apps.n; i++)
		app_close(&s->apps[i]);
	cgroup_close(&s->cgroup);
	if (cgroup_remove(&s->cgroup_host, s->plan.cgroup, &e) < 0)
		supervisor_event(s, "cleanup-failed", NULL, e.what);
	root_close_pod_files(&s->files);
	for (size_t i = 0; i < s->plan.volumes.n; i++)
		cleanup_close(&s->volume_fds[i]);
	for (size_t i = 0; i < s->n_views; i++) {
		close(s->views[i].tree_fd);
		store_release_view(&s->store, s->views[i].id, &s->views[i].use_fd);
	}
}
