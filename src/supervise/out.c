/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink knows a hole by its place in plan.holes, as the relay does. One that died took its link and its rules along:
 * its holes are shut, which is the safe side, and it is started again with those that are open.
 */
#include "supervise/out.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/out_dest.h"
#include "net/resolve.h"
#include "supervise/ledger.h"
#include "supervise/supervisor.h"
#include "supervise/wall_log.h"

static const int64_t must_live_ns = 5000000000;

static bool is_out(const struct hole *h)
{
	return h->kind == HOLE_OUT && ledger_is_open(h);
}

static void on_exit_ready(struct loop_source *source, uint32_t events);

static int start(struct supervisor *s, struct err *e)
{
	struct uplink_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = s->sandbox.reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
		.learn = s->plan.learn,
	};
	autoclose int exe = -1;
	int r;

	if (s->has_uplink)
		return 0;
	r = pod_open_program(s, "rocket-uplink", &exe, e);
	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = uplink_spawn(&request, &s->uplink, e);
	if (r < 0)
		return r;
	s->has_uplink = true;
	s->uplink_started_ns = io_monotonic_ns();
	r = uplink_wait_ready(&s->uplink, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->uplink_source, s->uplink.process.pidfd, EPOLLIN, on_exit_ready, s, e);
	if (r < 0)
		out_close_all(s);
	return r;
}

/* ---- the resolver ---- */

static void on_resolver_exit(struct loop_source *source, uint32_t events);

static void resolver_close(struct supervisor *s)
{
	loop_forget(&s->loop, &s->resolver_source);
	helper_end(&s->resolver);
}

static int resolver_start(struct supervisor *s, struct err *e)
{
	struct resolve_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = s->sandbox.reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
	};
	autoclose int exe = -1;
	autoclose int uplink_end_fd = -1;
	int r;

	if (s->resolver.pidfd >= 0)
		return 0;
	r = pod_open_program(s, "rocket-resolve", &exe, e);
	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = resolve_spawn(&request, &s->resolver, &uplink_end_fd, e);
	if (r < 0)
		return r;
	s->resolver_started_ns = io_monotonic_ns();
	r = uplink_give_resolver(&s->uplink, uplink_end_fd, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->resolver_source, s->resolver.pidfd, EPOLLIN, on_resolver_exit, s, e);
	if (r < 0)
		resolver_close(s);
	return r;
}

/* Without it no name is answered: the safe side. */
static void on_resolver_exit(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;
	bool lived = io_monotonic_ns() - s->resolver_started_ns > must_live_ns;
	struct err e = {};

	resolver_close(s);
	if (lived && resolver_start(s, &e) == 0)
		supervisor_event(s, "resolver-restarted", NULL, NULL);
	else
		supervisor_event(s, "resolver-died", NULL, "the pod's names are not answered");
}

/* ---- holes ---- */

void out_close_all(struct supervisor *s)
{
	if (!s->has_uplink)
		return;
	loop_forget(&s->loop, &s->uplink_source);
	resolver_close(s);
	uplink_end(&s->uplink);
	s->has_uplink = false;
}

/* Rules outside the pod see its one link, not which app sent: what can't be held to one app is not opened for all. */
static int check_app(const struct supervisor *s, const struct hole *h, struct err *e)
{
	if (!h->app || s->plan.apps.n == 1)
		return 0;
	err_new(e, ERR_FAILED, "the hole %s can't be held to the app %s", h->text, h->app);
	err_because(e, "the apps of this pod share one network, and this version of Rocket tells them apart at the wall only "
		       "where each has its own");
	return err_try(e, "rocket run --hole %.*s …   (for the whole pod)", (int)strcspn(h->text, "@"), h->text);
}

int out_open_one(struct supervisor *s, size_t place, struct err *e)
{
	struct out_dest dest;
	int r = check_app(s, &s->plan.holes.v[place], e);

	if (r == 0)
		r = start(s, e);
	out_dest_of(&s->plan.holes.v[place], &dest);
	if (r == 0 && out_dest_asks_names(&dest))
		r = resolver_start(s, e);
	return r < 0 ? r : uplink_add(&s->uplink, (uint32_t)place, &s->plan.holes.v[place], e);
}

int out_open_all(struct supervisor *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.holes.n; i++)
		if (is_out(&s->plan.holes.v[i]))
			r = out_open_one(s, i, e);
	return r;
}

int out_close_one(struct supervisor *s, size_t place, uint32_t *ret_cut, struct err *e)
{
	wall_log_forget_open(s);
	return s->has_uplink ? uplink_remove(&s->uplink, (uint32_t)place, ret_cut, e) : 0;
}

void out_count(struct supervisor *s, struct str *text)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		const struct hole *h = &s->plan.holes.v[i];
		struct uplink_counts n = {};
		struct err ignored = {};

		if (!is_out(h))
			continue;
		if (s->has_uplink && uplink_count(&s->uplink, (uint32_t)i, &n, &ignored) == 0)
			str_addf(text, "%s\t%llu\t0\t%u\n", h->text, (unsigned long long)n.accepted, n.living);
		else
			str_addf(text, "%s\tgone\n", h->text);
	}
}

static void on_exit_ready(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;
	bool lived = io_monotonic_ns() - s->uplink_started_ns > must_live_ns;
	struct err e = {};

	out_close_all(s);
	if (lived && out_open_all(s, &e) == 0)
		supervisor_event(s, "uplink-restarted", NULL, "connections through the pod's out: holes were cut");
	else
		supervisor_event(s, "uplink-died", NULL, "the pod's out: holes are closed");
}
