/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links as a whole, and those of ports: opened with the pod, made and removed while it runs, carried by the relay of
 * the circle that answers. A relay knows a link by its place in plan.links. See links.h.
 */
#include "supervise/links.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/link_listen.h"
#include "pod/link_plan.h"
#include "supervise/circles.h"
#include "supervise/live_links.h"
#include "supervise/supervisor.h"

enum { RELAY_BASE = 1024 }; /* numbers below are holes' */

static bool is_port_relay(const struct link *l)
{
	return link_is_open(l) && l->way == LINK_WAY_RELAY && l->kind != LINK_UNIX;
}

static bool is_unix_relay(const struct link *l)
{
	return link_is_open(l) && l->way == LINK_WAY_RELAY && l->kind == LINK_UNIX;
}

/* Is one of the kinds that need a file of ours? */
static bool needs_folder(const struct link *l)
{
	return link_is_open(l) && (l->kind == LINK_FIFO || l->kind == LINK_SIGNAL || (is_unix_relay(l) && *l->path != '@'));
}

struct link_run *link_run_of(struct supervisor *s, size_t number)
{
	struct link_run **run = &s->links->runs[number];

	if (*run)
		return *run;
	*run = arena_new(&s->arena, struct link_run);
	**run = (struct link_run){
		.s = s,
		.number = number,
		.listen_fd = -1,
		.relay = RELAY_NO_PROCESS,
		.relay_source.fd = -1,
		.orders.fd = -1,
	};
	return *run;
}

int links_folder(const struct supervisor *s)
{
	return s->links ? s->links->folder_fd : -1;
}

int link_make_folder(struct supervisor *s, struct err *e)
{
	if (s->links->folder_fd >= 0)
		return 0;
	return root_make_links(&s->plan, s->attach_fd, &s->links->folder_fd, e);
}

/* ---- ports ---- */

static int open_port(struct supervisor *s, size_t i, struct err *e)
{
	const struct link *l = &s->plan.links.v[i];
	size_t from = circle_of(s, l->from), to = circle_of(s, l->to);
	const struct link_listen request = {
		.pidfd = circle_sandbox(s, from)->reaper_pidfd,
		.namespaces = sandbox_namespaces(&s->plan) & (CLONE_NEWUSER | CLONE_NEWNET),
		.text = l->text,
		.address = from == to ? 0 : plan_address(&s->plan, plan_find_app(&s->plan, l->to)),
		.loopback = l->loopback,
		.must_loopback = from == to,
		.proto = l->kind == LINK_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.port = (uint16_t)l->port,
		.app_port = (uint16_t)l->to_port,
	};
	struct relay_sockets sockets = {};
	struct relay *relay = NULL;
	int r = link_listen(&request, &sockets, e);

	if (r == 0)
		r = circle_relay_wait(s, to, &relay, e);
	if (r < 0) {
		relay_sockets_close(&sockets);
		return r;
	}
	return relay_add(relay, RELAY_BASE + (uint32_t)i, &sockets, e);
}

static int close_port(struct supervisor *s, size_t i, uint32_t *ret_cut, struct err *e)
{
	struct relay *relay;
	int r = circle_relay_wait(s, circle_of(s, s->plan.links.v[i].to), &relay, e);

	return r < 0 ? r : relay_remove(relay, RELAY_BASE + (uint32_t)i, ret_cut, e);
}

int links_reopen(struct supervisor *s, size_t circle, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.links.n; i++)
		if (is_port_relay(&s->plan.links.v[i]) && circle_of(s, s->plan.links.v[i].to) == circle)
			r = open_port(s, i, e);
	return r;
}

/* ---- all kinds ---- */

static int open_link(struct supervisor *s, size_t i, struct err *e)
{
	const struct link *l = &s->plan.links.v[i];
	int r = needs_folder(l) ? link_make_folder(s, e) : 0;

	if (r < 0 || !link_is_open(l))
		return r;
	if (is_port_relay(l))
		return open_port(s, i, e);
	if (is_unix_relay(l))
		return link_unix_open(s, i, e);
	if (l->kind == LINK_FIFO)
		return link_make_fifo(s, l, e);
	return l->kind == LINK_SIGNAL ? link_signals_open(s, i, e) : 0;
}

static int make_links(struct supervisor *s, struct err *e)
{
	if (s->links)
		return 0;
	s->links = arena_new(&s->arena, struct links);
	s->links->folder_fd = -1;
	return link_pipes_open(s, e);
}

/* All relays begin at once; each is waited for when its first link is handed over. */
static int start_relays(struct supervisor *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.links.n; i++)
		if (is_port_relay(&s->plan.links.v[i]))
			r = circle_relay_start(s, circle_of(s, s->plan.links.v[i].to), e);
	return r;
}

int links_open(struct supervisor *s, struct err *e)
{
	int r;

	if (s->plan.links.n == 0)
		return 0;
	r = make_links(s, e);
	if (r == 0)
		r = start_relays(s, e);
	for (size_t i = 0; r == 0 && i < s->plan.links.n; i++)
		r = open_link(s, i, e);
	return r;
}

static void run_close(struct link_run *run)
{
	int fd = run->orders.fd;

	link_unix_stop(run);
	loop_forget(&run->s->loop, &run->orders);
	if (fd >= 0)
		close(fd);
	cleanup_close(&run->listen_fd);
	run->listen_fd = run->orders.fd = -1;
}

void links_close(struct supervisor *s)
{
	if (!s->links)
		return;
	for (size_t i = 0; i < s->plan.links.n; i++)
		if (s->links->runs[i])
			run_close(s->links->runs[i]);
	link_pipes_close(s);
	cleanup_close(&s->links->folder_fd);
	s->links->folder_fd = -1;
}

void links_on_app_started(struct supervisor *s, struct app *a)
{
	for (size_t i = 0; s->links && i < s->plan.links.n; i++)
		if (is_unix_relay(&s->plan.links.v[i]) && strcmp(s->plan.links.v[i].to, a->plan->name) == 0)
			link_unix_start(s, i, a);
}

void links_on_app_end(struct supervisor *s, struct app *a)
{
	if (!s->links)
		return;
	link_pipes_on_end(s, a);
	for (size_t i = 0; i < s->plan.links.n; i++)
		if (is_unix_relay(&s->plan.links.v[i]) && strcmp(s->plan.links.v[i].to, a->plan->name) == 0)
			link_unix_stop(link_run_of(s, i));
}

/* ---- live changes ---- */

static int refuse_live(const struct supervisor *s, const struct link *l, bool remove, struct err *e)
{
	err_new(e, ERR_FAILED, "the link %s can't be %s while its apps run", l->text, remove ? "removed" : "made");
	err_because(e, "%s is given to an app when it starts", link_kind_names[l->kind]);
	return err_try(e, "rocket link %s --keep %s …, then rocket stop %s and rocket start %s", remove ? "rm" : "add",
		       s->plan.name, s->plan.name, s->plan.name);
}

static int check_change(struct supervisor *s, const struct link_change *change, const struct link *l, struct err *e)
{
	if (s->stopping) {
		err_new(e, ERR_STATE, "can't change the links of the pod %s", s->plan.name);
		err_because(e, "it is being stopped");
		return err_try(e, "rocket wait %s", s->plan.name);
	}
	if (l->both && (l->kind == LINK_TCP || l->kind == LINK_UDP || l->kind == LINK_SIGNAL || link_is_stream(l))) {
		err_new(e, ERR_USAGE, "the link %s is two links", l->text);
		return err_because(e, "<-> stands for one each way: name them one by one");
	}
	return link_is_live(l) || change->keep ? 0 : refuse_live(s, l, change->remove, e);
}

/* Its two circles' names: who asks may know who answers. */
static int rewrite_hosts(struct supervisor *s, const struct link *l, struct err *e)
{
	return is_port_relay(l) ? circle_rewrite_hosts(s, circle_of(s, l->from), e) : 0;
}

static void start_live_unix(struct supervisor *s, size_t place)
{
	const struct link *l = &s->plan.links.v[place];
	struct app *to = supervisor_find_app(s, l->to);

	if (is_unix_relay(l) && to->status->state == APP_RUNNING)
		link_unix_start(s, place, to);
}

static int add_live(struct supervisor *s, const struct link *l, const char **ret_text, struct err *e)
{
	bool there = plan_find_link(&s->plan, l->text) >= 0;
	size_t place = 0;
	int r = make_links(s, e);

	if (r == 0)
		r = plan_add_link(&s->arena, &s->plan, l, &place, e);
	if (r < 0 || there)
		return r;
	r = open_link(s, place, e);
	if (r == 0)
		r = rewrite_hosts(s, &s->plan.links.v[place], e);
	if (r < 0) {
		plan_remove_link(&s->arena, &s->plan, place);
		return r;
	}
	start_live_unix(s, place);
	*ret_text = arena_printf(&s->arena, "link %s   (%s)\n", l->text, link_way_names[s->plan.links.v[place].way]);
	return 0;
}

static int remove_live(struct supervisor *s, size_t place, const char **ret_text, struct err *e)
{
	const struct link l = s->plan.links.v[place];
	uint32_t cut = 0;
	int r = is_port_relay(&l) ? close_port(s, place, &cut, e) : 0;

	if (r < 0)
		return r;
	if (is_unix_relay(&l))
		run_close(link_run_of(s, place));
	plan_remove_link(&s->arena, &s->plan, place);
	if (l.way == LINK_WAY_SHARED)
		*ret_text = "they stand close: the way stays open, and is undeclared now\n";
	else
		*ret_text = cut ? arena_printf(&s->arena, "%u %s cut\n", cut, cut == 1 ? "connection" : "connections") : "";
	return is_port_relay(&l) ? circle_rewrite_hosts(s, circle_of(s, l.from), e) : 0;
}

static int no_link(const struct supervisor *s, const struct link *l, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "the pod %s has no link %s", s->plan.name, l->text);
	err_because(e, "it was never made, or is removed already");
	return err_try(e, "rocket link list %s", s->plan.name);
}

static int change_live(struct supervisor *s, const struct link_change *change, const struct link *l,
		       const char **ret_text, struct err *e)
{
	int place = plan_find_link(&s->plan, l->text);

	if (change->remove && place < 0)
		return no_link(s, l, e);
	if (change->remove && s->plan.links.v[place].origin) {
		err_new(e, ERR_USAGE, "the link %s is no link that could be removed", l->text);
		return err_because(e, "both apps mount the volume %s", l->volume);
	}
	if (!link_is_live(l)) {
		*ret_text = "kept for the next start\n";
		return 0;
	}
	return change->remove ? remove_live(s, (size_t)place, ret_text, e) : add_live(s, l, ret_text, e);
}

int links_change(struct supervisor *s, const struct link_change *change, const char **ret_text, struct err *e)
{
	const struct live_link live = { .link = NULL, .removed = change->remove };
	struct live_link kept = live;
	struct link l;
	int r = link_parse(&s->arena, change->text ?: "", &l, e);

	if (r == 0)
		r = check_change(s, change, &l, e);
	*ret_text = "";
	if (r == 0)
		r = change_live(s, change, &l, ret_text, e);
	if (r < 0)
		return r;
	kept.link = l.text;
	if (link_is_live(&l)) {
		live_link_note(&s->arena, &s->status.links, &kept);
		supervisor_event(s, change->remove ? "link-removed" : "link-added", NULL, l.text);
		supervisor_save_status(s);
	}
	return change->keep ? live_link_keep(s->pod.fd, &kept, e) : 0;
}

int links_count(struct supervisor *s, const char **ret_text, struct err *e)
{
	autostr text = {};

	for (size_t i = 0; s->links && i < s->plan.links.n; i++) {
		const struct link *l = &s->plan.links.v[i];
		struct relay_counts n = {};
		struct relay *relay = NULL;
		int r = 0;

		if (is_port_relay(l))
			r = circle_relay_wait(s, circle_of(s, l->to), &relay, e);
		else if (is_unix_relay(l) && link_run_of(s, i)->has_relay)
			relay = &link_run_of(s, i)->relay;
		if (r == 0 && relay)
			r = relay_count(relay, is_port_relay(l) ? RELAY_BASE + (uint32_t)i : 0, &n, e);
		if (r < 0)
			return r;
		if (relay)
			str_addf(&text, "%s\t%llu\t%llu\t%u\n", l->text, (unsigned long long)n.accepted,
				 (unsigned long long)n.refused, n.living);
	}
	*ret_text = arena_strdup(&s->arena, str_text(&text));
	return 0;
}
