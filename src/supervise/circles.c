/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces of apps that stand apart: user (with the pod's own map), network, IPC and host name, each held by a
 * reaper beside the pod's. Their networks are made at the same time as the pod's. See circles.h.
 */
#include "supervise/circles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/files.h"
#include "net/pod_net.h"
#include "supervise/holes.h"
#include "supervise/links.h"
#include "supervise/supervisor.h"

static const int64_t relay_must_live_ns = 5000000000;

struct sandbox *circle_sandbox(struct supervisor *s, size_t n)
{
	return n ? &s->circles[n].sandbox : &s->sandbox;
}

struct pod_files *circle_files(struct supervisor *s, size_t n)
{
	return n ? &s->circles[n].files : &s->files;
}

size_t circle_of(const struct supervisor *s, const char *app)
{
	const struct plan_app *a = app ? plan_find_app(&s->plan, app) : NULL;

	return a ? plan_circle(&s->plan, a) : 0;
}

static const struct plan_app *first_app(const struct plan *p, size_t circle)
{
	size_t i = 0;

	while (plan_circle(p, &p->apps.v[i]) != circle)
		i++;
	return &p->apps.v[i];
}

/* ---- IPC that circles share ---- */

/* The first circle that this one shares its IPC namespace with; itself when there is none. */
static size_t ipc_owner(const struct supervisor *s, size_t n)
{
	size_t owner = n;

	for (size_t i = 0; i < s->plan.links.n; i++) {
		const struct link *l = &s->plan.links.v[i];
		size_t from, to;

		if (!link_is_open(l) || l->way != LINK_WAY_NAMESPACE)
			continue;
		from = circle_of(s, l->from);
		to = circle_of(s, l->to);
		if (from == n && to < owner)
			owner = to;
		if (to == n && from < owner)
			owner = from;
	}
	return owner;
}

/* ---- begin ---- */

static void on_reaper_exit(struct loop_source *source, uint32_t events)
{
	struct circle *c = source->owner;

	loop_forget(&c->s->loop, source);
	supervisor_event(c->s, "reaper-died", NULL, c->app->name);
	supervisor_stop(c->s, 0);
}

static void init_circle(struct supervisor *s, size_t n)
{
	s->circles[n] = (struct circle){
		.s = s,
		.number = n,
		.app = first_app(&s->plan, n),
		.sandbox = SANDBOX_NONE,
		.files = POD_FILES_NONE,
		.relay = RELAY_NO_PROCESS,
		.reaper_source.fd = -1,
		.relay_source.fd = -1,
	};
}

static int begin(struct supervisor *s, size_t n, struct err *e)
{
	struct circle *c = &s->circles[n];
	size_t owner = ipc_owner(s, n);
	const struct sandbox_request request = {
		.plan = &s->plan,
		.hostname = c->app->hostname ?: s->plan.hostname,
		.joins = true,
		.shares_ipc = owner != n,
		.ipc_pidfd = circle_sandbox(s, owner)->reaper_pidfd,
		.reaper_exe_fd = s->reaper_exe_fd,
		.empty_root_fd = s->empty_root_fd,
		.setup = net_setup_pod,
	};

	return sandbox_begin(&request, &c->sandbox, e);
}

int circles_begin(struct supervisor *s, struct err *e)
{
	int r = 0;

	s->circles = arena_alloc(&s->arena, plan_circles(&s->plan) * sizeof(*s->circles));
	s->n_circles = plan_circles(&s->plan);
	for (size_t i = 0; i < s->n_circles; i++)
		init_circle(s, i);
	for (size_t i = 1; r == 0 && i < s->n_circles; i++)
		r = begin(s, i, e);
	return r;
}

int circles_wait(struct supervisor *s, struct err *e)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < s->n_circles; i++) {
		struct circle *c = &s->circles[i];

		r = sandbox_wait(&c->sandbox, e);
		if (r == 0)
			r = loop_watch(&s->loop, &c->reaper_source, c->sandbox.reaper_pidfd, EPOLLIN, on_reaper_exit, c, e);
	}
	return r;
}

/* ---- files ---- */

/* One /dev/shm and one set of message queues, too, where the IPC namespace is one. */
int circle_share_ipc(struct supervisor *s, size_t n, struct err *e)
{
	size_t owner = ipc_owner(s, n);
	struct pod_files *f = circle_files(s, n);

	if (owner == n)
		return 0;
	cleanup_close(&f->shm_fd);
	f->shm_fd = fcntl(circle_files(s, owner)->shm_fd, F_DUPFD_CLOEXEC, 3);
	if (f->shm_fd < 0)
		return err_errno(e, "can't share /dev/shm with %s", s->circles[n].app->name);
	return root_open_mqueue(circle_sandbox(s, owner)->reaper_pidfd, &f->mqueue_fd, e);
}

/* In place: the apps have this inode. */
int circle_rewrite_hosts(struct supervisor *s, size_t n, struct err *e)
{
	autoclose int fd = openat(circle_files(s, n)->etc_fd, "hosts", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	autostr hosts = {};

	files_add_hosts(&hosts, &s->plan, s->circles[n].app);
	if (fd < 0 || pwrite(fd, hosts.text, hosts.len, 0) != (ssize_t)hosts.len || ftruncate(fd, (off_t)hosts.len) < 0)
		return err_errno(e, "can't write the hosts of %s again", s->circles[n].app->name);
	return 0;
}

/* ---- relays ---- */

static void relay_close(struct circle *c)
{
	if (!c->has_relay)
		return;
	loop_forget(&c->s->loop, &c->relay_source);
	relay_end(&c->relay);
	c->has_relay = c->relay_ready = false;
}

/* One that dies again and again is left dead: what it carried is shut, which is the safe side. */
static void on_relay_exit(struct loop_source *source, uint32_t events)
{
	struct circle *c = source->owner;
	bool lived = io_monotonic_ns() - c->relay_started_ns > relay_must_live_ns;
	struct err e = {};

	relay_close(c);
	if (lived && links_reopen(c->s, c->number, &e) == 0 && holes_reopen_circle(c->s, c->number, &e) == 0)
		supervisor_event(c->s, "relay-restarted", NULL, "connections through links and holes were cut");
	else
		supervisor_event(c->s, "relay-died", NULL, "links and holes of one of its apps are closed");
}

int circle_relay_start(struct supervisor *s, size_t n, struct err *e)
{
	struct circle *c = &s->circles[n];
	struct relay_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = circle_sandbox(s, n)->reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
	};
	autoclose int exe = -1;
	int r;

	if (c->has_relay)
		return 0;
	r = pod_open_program(s, "rocket-relay", &exe, e);
	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = relay_spawn(&request, &c->relay, e);
	if (r < 0)
		return r;
	c->has_relay = true;
	c->relay_started_ns = io_monotonic_ns();
	return 0;
}

int circle_relay_wait(struct supervisor *s, size_t n, struct relay **ret, struct err *e)
{
	struct circle *c = &s->circles[n];
	int r = circle_relay_start(s, n, e);

	if (r == 0 && !c->relay_ready) {
		r = relay_wait_ready(&c->relay, e);
		if (r == 0)
			r = loop_watch(&s->loop, &c->relay_source, c->relay.pidfd, EPOLLIN, on_relay_exit, c, e);
		c->relay_ready = r == 0;
	}
	if (r < 0) {
		relay_close(c);
		return r;
	}
	*ret = &c->relay;
	return 0;
}

/* ---- the end ---- */

void circles_end(struct supervisor *s)
{
	for (size_t i = 0; i < s->n_circles; i++) {
		relay_close(&s->circles[i]);
		loop_forget(&s->loop, &s->circles[i].reaper_source);
		if (i)
			sandbox_kill(&s->circles[i].sandbox);
	}
	for (size_t i = 1; i < s->n_circles; i++) {
		root_close_pod_files(&s->circles[i].files);
		sandbox_end(&s->circles[i].sandbox);
	}
}
