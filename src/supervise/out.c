/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink knows a hole by its place in plan.holes, as the relay does. One that died took its link and its rules along:
 * its holes are shut, which is the safe side, and it is started again with those that are open.
 */
#include "supervise/out.h"

#include <arpa/inet.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/files.h"
#include "net/link_listen.h"
#include "net/out_dest.h"
#include "net/resolve.h"
#include "supervise/circles.h"
#include "supervise/ledger.h"
#include "supervise/supervisor.h"
#include "supervise/wall_log.h"

static const int64_t must_live_ns = 5000000000;

static bool is_out(const struct hole *h)
{
	return h->kind == HOLE_OUT && ledger_is_open(h);
}

static void on_exit_ready(struct loop_source *source, uint32_t events);
static void uplink_close(struct supervisor *s);

static int start(struct supervisor *s, struct err *e)
{
	struct uplink_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = circle_sandbox(s, s->uplink_circle)->reaper_pidfd,
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
		uplink_close(s);
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
		.pod_pidfd = circle_sandbox(s, s->uplink_circle)->reaper_pidfd,
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

static void uplink_close(struct supervisor *s)
{
	if (!s->has_uplink)
		return;
	loop_forget(&s->loop, &s->uplink_source);
	resolver_close(s);
	uplink_end(&s->uplink);
	s->has_uplink = false;
}

static size_t apps_in(const struct supervisor *s, size_t circle)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.apps.n; i++)
		n += plan_circle(&s->plan, &s->plan.apps.v[i]) == circle;
	return n;
}

static int cannot_hold(const struct hole *h, struct err *e, const char *because)
{
	err_new(e, ERR_FAILED, "the hole %s can't be opened", h->text);
	return err_because(e, "%s", because);
}

/* Rules outside the pod see a link, not which app sent: what can't be held to one app is not opened for all. */
static int check_app(const struct supervisor *s, const struct hole *h, struct err *e)
{
	if (h->app && apps_in(s, circle_of(s, h->app)) > 1) {
		cannot_hold(h, e, "the app shares its network with others, and at the wall this version of Rocket tells apps "
				  "apart only where each has its own");
		return err_try(e, "--hole %.*s   (for the whole pod), or distance: apart", (int)strcspn(h->text, "@"), h->text);
	}
	if (h->app || s->n_circles <= 1)
		return 0;
	cannot_hold(h, e, "the pod has apps that stand apart, each with a network of its own");
	return err_try(e, "--hole %s@%s   (for one of them)", h->text, s->plan.apps.v[0].name);
}

/* ---- out:host: a relay the other way round ---- */

static void on_host_relay_exit(struct loop_source *source, uint32_t events);

static void host_relay_close(struct supervisor *s)
{
	if (!s->has_host_relay)
		return;
	loop_forget(&s->loop, &s->host_relay_source);
	relay_end(&s->host_relay);
	s->has_host_relay = false;
}

static int host_relay_start(struct supervisor *s, struct err *e)
{
	struct relay_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = s->sandbox.reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
		.on_host = true,
	};
	autoclose int exe = -1;
	int r;

	if (s->has_host_relay)
		return 0;
	r = pod_open_program(s, "rocket-relay", &exe, e);
	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = relay_spawn(&request, &s->host_relay, e);
	if (r < 0)
		return r;
	s->has_host_relay = true;
	r = relay_wait_ready(&s->host_relay, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->host_relay_source, s->host_relay.pidfd, EPOLLIN, on_host_relay_exit, s, e);
	if (r < 0)
		host_relay_close(s);
	return r;
}

static void on_host_relay_exit(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;

	host_relay_close(s);
	supervisor_event(s, "relay-died", NULL, "the pod's out:host holes are closed");
}

/* The app connects to the name "host"; its listening socket is the relay's, which connects to the host's loopback. */
static int open_host(struct supervisor *s, size_t place, struct err *e)
{
	const struct hole *h = &s->plan.holes.v[place];
	size_t circle = circle_of(s, h->app);
	const struct link_listen request = {
		.pidfd = circle_sandbox(s, circle)->reaper_pidfd,
		.namespaces = sandbox_namespaces(&s->plan) & (CLONE_NEWUSER | CLONE_NEWNET),
		.text = h->text,
		.address = htonl(FILES_HOST_ADDRESS),
		.proto = IPPROTO_TCP,
		.port = (uint16_t)h->port,
		.app_port = (uint16_t)h->port,
	};
	autosockets sockets = {};
	int r;

	if (h->proto != HOLE_TCP || h->any_port || h->port_end != h->port) {
		cannot_hold(h, e, "a port of the host is opened one by one, and for tcp");
		return err_try(e, "--hole out:host:5432");
	}
	r = host_relay_start(s, e);
	if (r == 0)
		r = link_listen(&request, &sockets, e);
	if (r == 0)
		r = relay_add(&s->host_relay, (uint32_t)place, &sockets, e);
	return r < 0 ? r : circle_rewrite_hosts(s, circle, e);
}

/* ---- one hole ---- */

static int no_pod_holes(const struct hole *h, struct err *e)
{
	cannot_hold(h, e, "this version of Rocket does not carry connections to other pods yet");
	return err_try(e, "rocket hole add OTHER in:PORT:APPPORT, and out:host:PORT here");
}

/* The uplink is of one network: in a pod with several, of the first that asked. */
static int check_circle(struct supervisor *s, const struct hole *h, struct err *e)
{
	size_t circle = circle_of(s, h->app);

	if (!s->has_uplink)
		s->uplink_circle = circle;
	if (circle == s->uplink_circle)
		return 0;
	cannot_hold(h, e, "another app that stands apart has out: holes, and this version of Rocket gives a pod one way out");
	return err_try(e, "rocket hole list %s", s->plan.name);
}

int out_open_one(struct supervisor *s, size_t place, struct err *e)
{
	const struct hole *h = &s->plan.holes.v[place];
	struct out_dest dest;
	int r = check_app(s, h, e);

	out_dest_of(h, &dest);
	if (r == 0 && dest.kind == OUT_POD)
		r = no_pod_holes(h, e);
	if (r < 0 || dest.kind == OUT_HOST)
		return r < 0 ? r : open_host(s, place, e);
	r = check_circle(s, h, e);
	if (r == 0)
		r = start(s, e);
	if (r == 0 && out_dest_asks_names(&dest))
		r = resolver_start(s, e);
	return r < 0 ? r : uplink_add(&s->uplink, (uint32_t)place, h, e);
}

int out_open_all(struct supervisor *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.holes.n; i++)
		if (is_out(&s->plan.holes.v[i]))
			r = out_open_one(s, i, e);
	return r;
}

static bool is_to_host(const struct hole *h)
{
	return str_equal(h->name, "host");
}

int out_close_one(struct supervisor *s, size_t place, uint32_t *ret_cut, struct err *e)
{
	if (is_to_host(&s->plan.holes.v[place]))
		return s->has_host_relay ? relay_remove(&s->host_relay, (uint32_t)place, ret_cut, e) : 0;
	wall_log_forget_open(s);
	return s->has_uplink ? uplink_remove(&s->uplink, (uint32_t)place, ret_cut, e) : 0;
}

static void count_host(struct supervisor *s, size_t i, struct str *text)
{
	struct relay_counts n = {};
	struct err ignored = {};

	if (s->has_host_relay && relay_count(&s->host_relay, (uint32_t)i, &n, &ignored) == 0)
		str_addf(text, "%s\t%llu\t%llu\t%u\n", s->plan.holes.v[i].text, (unsigned long long)n.accepted,
			 (unsigned long long)n.refused, n.living);
	else
		str_addf(text, "%s\tgone\n", s->plan.holes.v[i].text);
}

void out_count(struct supervisor *s, struct str *text)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		const struct hole *h = &s->plan.holes.v[i];
		struct uplink_counts n = {};
		struct err ignored = {};

		if (!is_out(h))
			continue;
		if (is_to_host(h)) {
			count_host(s, i, text);
			continue;
		}
		if (s->has_uplink && uplink_count(&s->uplink, (uint32_t)i, &n, &ignored) == 0)
			str_addf(text, "%s\t%llu\t0\t%u\n", h->text, (unsigned long long)n.accepted, n.living);
		else
			str_addf(text, "%s\tgone\n", h->text);
	}
}

static int reopen(struct supervisor *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.holes.n; i++)
		if (is_out(&s->plan.holes.v[i]) && !is_to_host(&s->plan.holes.v[i]))
			r = out_open_one(s, i, e);
	return r;
}

static void on_exit_ready(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;
	bool lived = io_monotonic_ns() - s->uplink_started_ns > must_live_ns;
	struct err e = {};

	uplink_close(s);
	if (lived && reopen(s, &e) == 0)
		supervisor_event(s, "uplink-restarted", NULL, "connections through the pod's out: holes were cut");
	else
		supervisor_event(s, "uplink-died", NULL, "the pod's out: holes are closed");
}

void out_close_all(struct supervisor *s)
{
	uplink_close(s);
	host_relay_close(s);
}
