/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay knows a hole by its place in plan.holes. A closed one leaves its place empty (no text), for the
 * next that is opened. A relay that died is started again with the holes that are open.
 */
#include "supervise/holes.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "supervise/ledger.h"
#include "supervise/out.h"
#include "supervise/supervisor.h"

enum { HOLES_MAX = 1024 };
#define LEARNING "learning: everything but this host, the LAN and metadata is let through"
static const int64_t second_ns = 1000000000, relay_must_live_ns = 5000000000;

static bool is_carried(const struct hole *h)
{
	return h->kind == HOLE_IN && ledger_is_open(h);
}

/* What the kernel picked for port 0 is told in the status. */
static void note_port(struct supervisor *s, const struct hole *h, uint16_t port)
{
	struct status_port *p = NULL;

	if (h->port != 0)
		return;
	for (size_t i = 0; i < s->status.ports.n; i++)
		if (strcmp(s->status.ports.v[i].hole, h->text) == 0)
			p = &s->status.ports.v[i];
	if (!p)
		p = list_add(&s->arena, &s->status.ports);
	p->hole = h->text;
	p->port = port;
}

int holes_listen(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		const struct hole *h = &s->plan.holes.v[i];
		int r = is_carried(h) ? relay_listen(h, &sockets[i], e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the relay ---- */

static void on_relay_exit(struct loop_source *source, uint32_t events);

static int relay_start(struct supervisor *s, struct err *e)
{
	struct relay_spawn_request request = {
		.plan = &s->plan,
		.pod_pidfd = s->sandbox.reaper_pidfd,
		.empty_root_fd = s->empty_root_fd,
	};
	autoclose int exe = -1;
	int r;

	if (s->has_relay)
		return 0;
	r = pod_open_program(s, "rocket-relay", &exe, e);
	if (r < 0)
		return r;
	request.exe_fd = exe;
	r = relay_spawn(&request, &s->relay, e);
	if (r < 0)
		return r;
	s->has_relay = true;
	s->relay_started_ns = io_monotonic_ns();
	r = relay_wait_ready(&s->relay, e);
	if (r == 0)
		r = loop_watch(&s->loop, &s->relay_source, s->relay.pidfd, EPOLLIN, on_relay_exit, s, e);
	if (r < 0)
		holes_close(s);
	return r;
}

void holes_close(struct supervisor *s)
{
	if (!s->has_relay)
		return;
	loop_forget(&s->loop, &s->relay_source);
	relay_end(&s->relay);
	s->has_relay = false;
}

/* A hole to an app that stands apart is carried in that one's network. */
static int relay_of(struct supervisor *s, const struct hole *h, struct relay **ret, struct err *e)
{
	size_t circle = circle_of(s, h->app);
	int r;

	if (circle)
		return circle_relay_wait(s, circle, ret, e);
	r = relay_start(s, e);
	if (r == 0)
		*ret = &s->relay;
	return r;
}

/* Hands the sockets of hole number i over; half of a range is none of it. */
static int hand_over(struct supervisor *s, size_t i, struct relay_sockets *sockets, struct err *e)
{
	uint16_t port = sockets->port;
	struct relay *relay = NULL;
	struct err ignored = {};
	uint32_t cut;
	int r = relay_of(s, &s->plan.holes.v[i], &relay, e);

	if (r == 0)
		r = relay_add(relay, (uint32_t)i, sockets, e);
	if (r == 0)
		note_port(s, &s->plan.holes.v[i], port);
	else if (relay)
		(void)!relay_remove(relay, (uint32_t)i, &cut, &ignored);
	return r;
}

int holes_open(struct supervisor *s, struct relay_sockets *sockets, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.holes.n; i++)
		if (is_carried(&s->plan.holes.v[i]))
			r = hand_over(s, i, &sockets[i], e);
	return r;
}

void holes_say(const struct supervisor *s)
{
	autostr text = {};

	for (size_t i = 0; i < s->plan.holes.n; i++)
		if (ledger_is_open(&s->plan.holes.v[i]))
			ledger_add_line(&text, &s->plan, &s->plan.holes.v[i], &s->status);
	if (s->plan.learn)
		str_add(&text, isatty(STDERR_FILENO) ? "\033[1;31m" LEARNING "\033[0m\n" : LEARNING "\n");
	if (s->options->foreground && !s->options->quiet)
		(void)!io_write_all(STDERR_FILENO, str_text(&text), text.len);
}

int holes_reopen_circle(struct supervisor *s, size_t circle, struct err *e)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		autosockets sockets = {};
		struct hole h = s->plan.holes.v[i];

		if (!is_carried(&h) || circle_of(s, h.app) != circle)
			continue;
		for (size_t p = 0; h.port == 0 && p < s->status.ports.n; p++)
			if (strcmp(s->status.ports.v[p].hole, h.text) == 0)
				h.port = h.port_end = s->status.ports.v[p].port;
		if (relay_listen(&h, &sockets, e) < 0 || hand_over(s, i, &sockets, e) < 0)
			return -e->code;
	}
	return 0;
}

/* One that dies again and again is left dead: its holes are shut, which is the safe side. */
static void on_relay_exit(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;
	bool lived = io_monotonic_ns() - s->relay_started_ns > relay_must_live_ns;
	struct err e = {};

	holes_close(s);
	if (lived && holes_reopen_circle(s, 0, &e) == 0)
		supervisor_event(s, "relay-restarted", NULL, "connections through the pod's in: holes were cut");
	else
		supervisor_event(s, "relay-died", NULL, "the pod's in: holes are closed");
}

/* ---- live changes ---- */

static int find_hole(const struct supervisor *s, const char *text)
{
	for (size_t i = 0; i < s->plan.holes.n; i++)
		if (str_equal(s->plan.holes.v[i].text, text))
			return (int)i;
	return -1;
}

/* A place for one more: an empty one, or a new one at the end. */
static int take_place(struct supervisor *s, const struct hole *h, struct err *e)
{
	for (size_t i = 0; i < s->plan.holes.n; i++) {
		if (ledger_is_open(&s->plan.holes.v[i]))
			continue;
		s->plan.holes.v[i] = *h;
		return (int)i;
	}
	if (s->plan.holes.n == HOLES_MAX) {
		err_new(e, ERR_FAILED, "can't open the hole %s", h->text);
		err_because(e, "the pod has %d holes and can't have more", HOLES_MAX);
		return err_try(e, "rocket hole rm %s HOLE, or a range of ports in one hole", s->plan.name);
	}
	*list_add(&s->arena, &s->plan.holes) = *h;
	return (int)s->plan.holes.n - 1;
}

static void leave_place(struct supervisor *s, int i)
{
	s->plan.holes.v[i].text = arena_strdup(&s->arena, "");
}

static int no_app(const struct supervisor *s, const struct hole *h, struct err *e)
{
	autostr names = {};

	for (size_t i = 0; i < s->plan.apps.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", s->plan.apps.v[i].name);
	err_new(e, ERR_NOT_FOUND, "can't open the hole %s: the pod %s has no app %s", h->text, s->plan.name, h->app);
	err_because(e, "its apps are: %s", str_text(&names));
	return err_try(e, "rocket status %s", s->plan.name);
}

/* Apps that stand apart have a network each. */
static int needs_app(const struct supervisor *s, const struct hole *h, struct err *e)
{
	err_new(e, ERR_USAGE, "the hole %s does not say which app it is for", h->text);
	err_because(e, "apps of the pod stand apart, each with a network of its own");
	return err_try(e, "rocket hole add %s %s@%s", s->plan.name, h->text, s->plan.apps.v[0].name);
}

static int no_hole(const struct supervisor *s, const struct hole *h, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "the pod %s has no hole %s", s->plan.name, h->text);
	err_because(e, "it was never opened, or is closed already");
	return err_try(e, "rocket hole list %s", s->plan.name);
}

static int open_one(struct supervisor *s, const struct hole *h, const char **ret_text, struct err *e)
{
	autosockets sockets = {};
	autostr line = {};
	int place, r;

	if (h->app && !plan_find_app(&s->plan, h->app))
		return no_app(s, h, e);
	if (plan_circles(&s->plan) > 1 && !h->app)
		return needs_app(s, h, e);
	r = h->kind == HOLE_IN ? relay_listen(h, &sockets, e) : 0;
	if (r < 0)
		return r;
	place = take_place(s, h, e);
	if (place < 0)
		return place;
	r = h->kind == HOLE_IN ? hand_over(s, (size_t)place, &sockets, e) : out_open_one(s, (size_t)place, e);
	if (r < 0) {
		leave_place(s, place);
		return r;
	}
	ledger_add_line(&line, &s->plan, h, &s->status);
	*ret_text = arena_strdup(&s->arena, str_text(&line));
	return 0;
}

static int close_one(struct supervisor *s, int place, const char **ret_text, struct err *e)
{
	uint32_t cut = 0;
	struct relay *relay;
	int r;

	if (s->plan.holes.v[place].kind == HOLE_OUT) {
		r = out_close_one(s, (size_t)place, &cut, e);
	} else {
		r = relay_of(s, &s->plan.holes.v[place], &relay, e);
		if (r == 0)
			r = relay_remove(relay, (uint32_t)place, &cut, e);
	}

	if (r < 0)
		return r;
	leave_place(s, place);
	*ret_text = cut ? arena_printf(&s->arena, "%u %s cut\n", cut, cut == 1 ? "connection" : "connections") : "";
	return 0;
}

static int refuse_kind(const struct supervisor *s, const struct hole *h, bool close, struct err *e)
{
	err_new(e, ERR_FAILED, "the hole %s can't be %s while the pod runs", h->text, close ? "closed" : "opened");
	err_because(e, "this version changes only in: and out: holes of a running pod");
	return err_try(e, "rocket manifest %s >pod.yaml, change it, rocket rm -f %s, rocket run -f pod.yaml",
		       s->plan.name, s->plan.name);
}

static void record_change(struct supervisor *s, const struct hole_change *change, const struct hole *h)
{
	const struct live_hole live = {
		.hole = h->text,
		.closed = change->close,
		.why = (char *)(uintptr_t)change->why,
		.until_ns = change->for_ns ? io_now_ns() + change->for_ns : 0,
	};

	live_note(&s->arena, &s->status.live, &live);
	supervisor_event(s, change->close ? "hole-closed" : "hole-opened", NULL, h->text);
	supervisor_save_status(s);
}

static int keep_change(struct supervisor *s, const struct hole_change *change, const struct hole *h, struct err *e)
{
	const struct live_hole kept = {
		.hole = h->text,
		.closed = change->close,
		.why = (char *)(uintptr_t)change->why,
	};

	return change->keep ? live_keep(s->pod.fd, &kept, e) : 0;
}

int holes_change(struct supervisor *s, const struct hole_change *change, const char **ret_text, struct err *e)
{
	struct hole h;
	int r = hole_parse(&s->arena, change->text ?: "", NULL, &h, e), place;

	if (r < 0)
		return r;
	if (h.kind != HOLE_IN && h.kind != HOLE_OUT)
		return refuse_kind(s, &h, change->close, e);
	if (s->stopping) {
		err_new(e, ERR_STATE, "can't change the holes of the pod %s", s->plan.name);
		err_because(e, "it is being stopped");
		return err_try(e, "rocket wait %s", s->plan.name);
	}
	h.why = arena_strdup(&s->arena, change->why);
	place = find_hole(s, h.text);
	*ret_text = "";
	if (change->close && place < 0)
		return no_hole(s, &h, e);
	if (change->close)
		r = close_one(s, place, ret_text, e);
	else if (place < 0)
		r = open_one(s, &h, ret_text, e);
	if (r < 0)
		return r;
	record_change(s, change, &h);
	return keep_change(s, change, &h, e);
}

int holes_count(struct supervisor *s, const char **ret_text, struct err *e)
{
	autostr text = {};

	for (size_t i = 0; i < s->plan.holes.n; i++) {
		const struct hole *h = &s->plan.holes.v[i];
		struct relay_counts n = {};
		struct relay *relay = NULL;

		if (!is_carried(h))
			continue;
		if (relay_of(s, h, &relay, e) < 0 || relay_count(relay, (uint32_t)i, &n, e) < 0)
			return -e->code;
		str_addf(&text, "%s\t%llu\t%llu\t%u\n", h->text, (unsigned long long)n.accepted,
			 (unsigned long long)n.refused, n.living);
	}
	out_count(s, &text);
	*ret_text = arena_strdup(&s->arena, str_text(&text));
	return 0;
}

/* ---- holes that close by themselves ---- */

static int64_t time_left_ns(const struct live_hole *l)
{
	return l->closed || !l->until_ns ? INT64_MAX : l->until_ns - io_now_ns();
}

int64_t holes_deadline(const struct supervisor *s)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < s->status.live.changes.n; i++) {
		int64_t left = time_left_ns(&s->status.live.changes.v[i]);

		if (left < least)
			least = left;
	}
	return least == INT64_MAX ? INT64_MAX : io_monotonic_ns() + (least > 0 ? least : 0);
}

void holes_on_deadline(struct supervisor *s)
{
	for (size_t i = 0; i < s->status.live.changes.n; i++) {
		struct live_hole *l = &s->status.live.changes.v[i];
		const struct hole_change change = { .close = true, .text = l->hole };
		const char *ignored;
		struct err e = {};

		if (time_left_ns(l) > 0)
			continue;
		/* Should the relay not obey, it is asked again in a second. */
		if (holes_change(s, &change, &ignored, &e) < 0)
			l->until_ns = io_now_ns() + second_ns;
	}
}
