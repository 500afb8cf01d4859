/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing a pod up and taking it down: what its apps share. The order is the design's: ports are taken
 * before anything else can fail late, the namespaces are made while the control groups and the first app's root
 * are, and nothing of an app starts before the network stands. Taking down is the reverse and never stops half-way.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "boundary/mountfd.h"
#include "net/pod_net.h"
#include "supervise/holes.h"
#include "supervise/out.h"
#include "supervise/supervisor.h"
#include "supervise/wall_log.h"

/* ---- programs ---- */

int pod_open_program(struct supervisor *s, const char *name, int *ret_fd, struct err *e)
{
	const char *path = arena_printf(&s->arena, "%s/%s", s->options->programs, name);

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0) {
		err_errno(e, "can't open %s", path);
		return err_try(e, "make install   (Rocket's programs belong together)");
	}
	return 0;
}

static int open_empty_root(struct supervisor *s, struct err *e)
{
	const uint64_t empty_attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

	if (mkdirat(s->state.runfd, "empty", 0755) < 0 && errno != EEXIST)
		return err_errno(e, "can't make the empty root");
	/* A clone of it, attached nowhere: who gets hold of a helper's root finds no way up from there. */
	s->empty_root_fd = mountfd_clone(s->state.runfd, "empty", AT_SYMLINK_NOFOLLOW);
	if (s->empty_root_fd < 0 || mountfd_setattr(s->empty_root_fd, empty_attrs, 0, 0) < 0)
		return err_errno(e, "can't make the empty root");
	if (!s->private_mounts)
		return 0;
	s->attach_fd = openat(s->state.runfd, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->attach_fd < 0 ? err_errno(e, "can't open the empty root") : 0;
}

/* ---- what the apps share ---- */

/* Volumes are filled from it, or are it: they need the image's own ids. */
static bool serves_volumes(const struct supervisor *s, const char *view)
{
	for (size_t i = 0; i < s->plan.volumes.n; i++)
		if (str_equal(s->plan.volumes.v[i].fill_view, view) || str_equal(s->plan.volumes.v[i].view, view))
			return true;
	return false;
}

/* For all apps at once, where that can be: root.c maps a clone of what is not mapped here, for each app one. */
static void map_view(const struct supervisor *s, struct view *v)
{
	if (!serves_volumes(s, v->id))
		v->is_mapped = s->files.userns_fd < 0 || mountfd_idmap(v->tree_fd, s->files.userns_fd, 0) == 0;
}

int pod_view(struct supervisor *s, const char *id, const struct view **ret, struct err *e)
{
	for (size_t i = 0; i < s->n_views; i++)
		if (strcmp(s->views[i].id, id) == 0) {
			*ret = &s->views[i];
			return 0;
		}
	struct view *v = &s->views[s->n_views];
	int r = store_open_view(&s->store, id, &v->tree_fd, &v->use_fd, e);
	if (r < 0)
		return r;
	v->id = id;
	map_view(s, v);
	s->n_views++;
	*ret = v;
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

/* Joined and close apps have the pod's host name; where all stand apart, the first of them has this sandbox. */
static const char *hostname_of(const struct plan *p)
{
	for (size_t i = 0; i < p->apps.n; i++)
		if (plan_circle(p, &p->apps.v[i]) == 0)
			return p->apps.v[i].hostname ?: p->hostname;
	return p->hostname;
}

/* What lives as long as the pod lies in one tree with its files (root.h). */
static void keep_mounts(struct supervisor *s)
{
	root_keep_mount(&s->files, s->empty_root_fd, ".root", true);
	root_keep_mount(&s->files, s->options->exe_fd, "rocket-supervise", false);
}

static int begin_sandbox(struct supervisor *s, struct err *e)
{
	const struct sandbox_request request = {
		.plan = &s->plan,
		.hostname = hostname_of(&s->plan),
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

static int bring_up(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	int r = pod_open_program(s, "rocket-reaper", &s->reaper_exe_fd, e);

	if (r == 0)
		r = open_empty_root(s, e);
	if (r == 0)
		r = cgroup_host_open(cgroup_hierarchies_of(&s->plan), &s->cgroup_host, e);
	if (r == 0)
		r = holes_listen(s, sockets, e);
	if (r == 0)
		r = begin_sandbox(s, e);
	timing_mark(&s->rare->timing, "user namespace made and mapped", NULL);
	if (r == 0)
		r = circles_begin(s, e);
	if (r == 0)
		r = cgroup_make_pod(&s->cgroup_host, &s->plan, &s->cgroup, e);
	timing_mark(&s->rare->timing, "the pod's control groups made", NULL);
	if (r == 0)
		r = pod_make_files(s, e);
	timing_mark(&s->rare->timing, "the pod's files made", NULL);
	if (r == 0 && !s->private_mounts)
		keep_mounts(s);
	/* What links bring along is made when the networks stand. */
	if (r == 0 && s->plan.links.n == 0)
		app_prepare(order_first(s));
	if (r == 0)
		r = sandbox_wait(&s->sandbox, e);
	timing_mark(&s->rare->timing, "waited for the network", NULL);
	if (r == 0)
		r = circles_wait(s, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->reaper_source, s->sandbox.reaper_pidfd, EPOLLIN, on_reaper_exit, s, e);
	if (r == 0)
		r = links_open(s, e);
	if (r == 0)
		r = holes_open(s, sockets, e);
	if (r == 0)
		r = out_open_all(s, e);
	timing_mark(&s->rare->timing, "holes opened", NULL);
	if (r < 0)
		return r;
	holes_say(s);
	r = order_start_next(s, e);
	/* While the first apps are on their way to their exec. */
	wall_log_open(s);
	return r;
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

/*
 * Before the outer reaper: as the pid 1 of the pod it waits, dying, until all below it are reaped, and this one is
 * our child.
 */
static void end_joined_reaper(struct supervisor *s)
{
	if (s->joined.pid > 0)
		kill(s->joined.pid, SIGKILL);
	while (s->joined.pid > 0 && waitpid(s->joined.pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	cleanup_close(&s->joined.pidfd);
	s->joined = (struct spawned)SPAWNED_NONE;
}

/* Whoever ends the pod waits for it at the very end (closer_wait()). */
static void begin_closing(struct supervisor *s)
{
	char name[32];

	/* Overlay took the views only while each was the root of its tree; now they can go with the other mounts. */
	for (size_t i = 0; i < s->n_views && !s->private_mounts; i++) {
		snprintf(name, sizeof(name), ".view%zu", i);
		root_keep_mount(&s->files, s->views[i].tree_fd, name, true);
	}
	for (size_t i = 0; i < s->n_circles; i++) {
		struct pod_files *f = circle_files(s, i);

		closer_take(&s->rare->closer, &f->etc_fd);
		closer_take(&s->rare->closer, &f->shm_fd);
		closer_take(&s->rare->closer, &f->mqueue_fd);
	}
	for (size_t i = 0; i < s->n_views; i++)
		closer_take(&s->rare->closer, &s->views[i].tree_fd);
	for (size_t i = 0; i < s->plan.volumes.n; i++)
		closer_take(&s->rare->closer, &s->volume_fds[i]);
	closer_begin(&s->rare->closer, sandbox_leave() == 0);
}

void pod_down(struct supervisor *s)
{
	struct err e = {};

	links_close(s);
	holes_close(s);
	wall_log_end(s);
	record_close(&s->record);
	out_close_all(s);
	loop_forget(&s->loop, &s->reaper_source);
	/* The kernel takes the namespaces apart while we go on. */
	sandbox_kill(&s->sandbox);
	entered_end(s, NULL);
	end_joined_reaper(s);
	begin_closing(s);
	for (size_t i = 0; i < s->plan.apps.n; i++)
		app_close(&s->apps[i]);
	s->pod.released = cgroup_remove_own(&s->cgroup_host, &s->cgroup, &e) == 0;
	if (!s->pod.released)
		supervisor_event(s, "cleanup-failed", NULL, e.what);
	circles_end(s);
	for (size_t i = 0; i < s->n_views; i++)
		store_release_view(&s->store, s->views[i].id, &s->views[i].use_fd);
	sandbox_end(&s->sandbox);
}
