/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix links by relay: where the socket's folder holds other things too, or the name is abstract. We listen at FROM's
 * place; a rocket-relay of the link's own, with FROM's user and TO's folder as its root, connects to TO's. It lives as
 * long as TO's process does: a new start has a new root. Who connects meanwhile waits in the socket's queue.
 *
 * What passes is a byte stream: no descriptors, no datagrams. A link by folder (`plan` says which) has both.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "net/link_listen.h"
#include "supervise/circles.h"
#include "supervise/links.h"
#include "supervise/supervisor.h"

static bool is_abstract(const struct link *l)
{
	return *l->path == '@';
}

static int pod_namespaces(const struct supervisor *s)
{
	return sandbox_namespaces(&s->plan) & (CLONE_NEWUSER | CLONE_NEWNET);
}

/* ---- listening ---- */

static int listen_abstract(struct supervisor *s, const struct link *l, int *ret_fd, struct err *e)
{
	const struct plan_app *to = plan_find_app(&s->plan, l->to);
	const struct link_listen_unix request = {
		.pidfd = circle_sandbox(s, circle_of(s, l->from))->reaper_pidfd,
		.namespaces = pod_namespaces(s),
		.text = l->text,
		.name = l->path,
		.keep_groups = s->plan.ids.kind == IDS_SINGLE,
		.uid = to->uid,
		.gid = to->gid,
	};

	return link_listen_unix(&request, ret_fd, e);
}

/* Its file is mounted at FROM's path, and nowhere else. */
static int listen_path(struct supervisor *s, const struct link *l, int *ret_fd, struct err *e)
{
	const struct plan_app *to = plan_find_app(&s->plan, l->to);
	const char *file = link_file(&s->arena, l);
	const struct link_listen_unix request = {
		.pidfd = -1,
		.keep_groups = s->plan.ids.kind == IDS_SINGLE,
		.text = l->text,
		.name = arena_printf(&s->arena, "/proc/self/fd/%d/%s", s->links->folder_fd, file),
		.uid = s->plan.ids.base + to->uid,
		.gid = s->plan.ids.base + to->gid,
	};
	int r = link_listen_unix(&request, ret_fd, e);

	if (r == 0 && (fchownat(s->links->folder_fd, file, request.uid, request.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		       fchmodat(s->links->folder_fd, file, 0666, 0) < 0))
		r = err_errno(e, "can't open the socket of the link %s to its app", l->text);
	return r;
}

int link_unix_open(struct supervisor *s, size_t number, struct err *e)
{
	const struct link *l = &s->plan.links.v[number];
	struct link_run *run = link_run_of(s, number);

	return is_abstract(l) ? listen_abstract(s, l, &run->listen_fd, e) : listen_path(s, l, &run->listen_fd, e);
}

/* ---- the relay ---- */

void link_unix_stop(struct link_run *run)
{
	if (!run->has_relay)
		return;
	loop_forget(&run->s->loop, &run->relay_source);
	relay_end(&run->relay);
	run->has_relay = false;
}

static void on_relay_exit(struct loop_source *source, uint32_t events)
{
	struct link_run *run = source->owner;

	link_unix_stop(run);
	supervisor_event(run->s, "relay-died", NULL, run->s->plan.links.v[run->number].text);
}

/*
 * The deepest folder on the way to TO's socket that there is already, by descriptor, and in `name` the rest: a folder
 * that the app makes later is found when somebody connects.
 */
static int open_folder(const struct app *to, const char *path, char *name, size_t cap)
{
	char root_path[32], folder[256];
	autoclose int root = -1;

	snprintf(root_path, sizeof(root_path), "/proc/%d/root", to->proc.pid);
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || (size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
		return -1;
	for (char *slash; (slash = strrchr(folder, '/'));) {
		*slash = 0;
		int fd = path_open_in_root(root, *folder ? folder : "/", O_PATH | O_DIRECTORY, 0);

		if (fd >= 0) {
			snprintf(name, cap, "%s", path + (slash - folder));
			return fd;
		}
		if (errno != ENOENT)
			return -1;
	}
	return -1;
}

static int spawn_relay(struct link_run *run, const struct link *l, int root_fd, struct err *e)
{
	struct supervisor *s = run->s;
	const struct plan_app *from = plan_find_app(&s->plan, l->from);
	struct relay_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = circle_sandbox(s, circle_of(s, l->to))->reaper_pidfd,
		.empty_root_fd = root_fd,
		.has_user = true,
		.uid = from->uid,
		.gid = from->gid,
	};
	autoclose int exe = -1;
	int r = pod_open_program(s, "rocket-relay", &exe, e);

	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = relay_spawn(&request, &run->relay, e);
	if (r < 0)
		return r;
	run->has_relay = true;
	r = relay_wait_ready(&run->relay, e);
	if (r == 0)
		r = loop_watch(&s->loop, &run->relay_source, run->relay.pidfd, EPOLLIN, on_relay_exit, run, e);
	return r;
}

void link_unix_start(struct supervisor *s, size_t number, const struct app *to)
{
	const struct link *l = &s->plan.links.v[number];
	struct link_run *run = link_run_of(s, number);
	char name[128];
	struct err e = {};
	autostr what = {};
	autoclose int folder = -1;
	int r = 0;

	link_unix_stop(run);
	if (!is_abstract(l))
		folder = open_folder(to, l->to_path, name, sizeof(name));
	if (!is_abstract(l) && folder < 0)
		r = err_errno(&e, "can't find the folder of %s in %s", l->to_path, l->to);
	if (r == 0)
		r = spawn_relay(run, l, folder >= 0 ? folder : s->empty_root_fd, &e);
	if (r == 0)
		r = relay_add_unix(&run->relay, 0, fcntl(run->listen_fd, F_DUPFD_CLOEXEC, 3),
				   is_abstract(l) ? l->to_path : name, &e);
	if (r < 0) {
		link_unix_stop(run);
		str_addf(&what, "%s: %s", l->text, e.what);
		supervisor_event(s, "link-failed", to, what.text);
	}
}
