/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's side of the control socket (control.h). Each request is a row of a table; a client
 * that waits for an end, or is attached, keeps its connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "supervise/control.h"
#include "supervise/holes.h"
#include "supervise/live_apps.h"
#include "supervise/supervisor.h"
#include "supervise/wall_log.h"

enum { ATTACH_BUFFER = 1 << 20 };

static void drop_client(struct client *c)
{
	int fd = c->source.fd;

	entered_forget(c);
	loop_forget(&c->s->loop, &c->source);
	if (fd >= 0)
		close(fd);
	*c = (struct client){ .s = c->s, .source.fd = -1 };
}

/* ---- replies ---- */

static void reply(struct client *c, const struct control_reply *r, const int *fds, size_t nfds)
{
	autostr text = {};

	record_write(&text, &control_reply_set, r, RECORD_COMPACT);
	(void)!io_send_fds(c->source.fd, text.text, text.len, fds, nfds);
}

static void reply_ok(struct client *c)
{
	reply(c, &(struct control_reply){}, NULL, 0);
}

static void reply_error(struct client *c, const struct err *e)
{
	reply(c,
	      &(struct control_reply){ .code = e->code,
				       .what = (char *)e->what,
				       .because = *e->because ? (char *)e->because : NULL,
				       .hint = *e->hint ? (char *)e->hint : NULL },
	      NULL, 0);
}

void server_refuse(struct client *c, const struct err *e)
{
	if (!c)
		return;
	reply_error(c, e);
	drop_client(c);
}

void server_finish(struct client *c, int code)
{
	char text[16];

	if (!c)
		return;
	snprintf(text, sizeof(text), "%d", code);
	reply(c, &(struct control_reply){ .text = text }, NULL, 0);
	drop_client(c);
}

/* ---- verbs: 0 and an answer later or now, or -code with e ---- */

typedef int verb_fn(struct client *c, struct app *a, const struct control_request *r, struct err *e);

static int need_running(const struct app *a, struct err *e)
{
	if (app_is_alive(a) && a->phase == APP_PHASE_MAIN)
		return 0;
	err_new(e, ERR_STATE, "the app %s does not run", a->plan->name);
	return err_because(e, "it is %s", app_state_names[a->status->state]);
}

static int do_app(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	char pid[16];
	int err = need_running(a, e);

	if (err < 0)
		return err;
	snprintf(pid, sizeof(pid), "%d", a->proc.pid);
	reply(c, &(struct control_reply){ .text = pid }, &a->proc.pidfd, 1);
	drop_client(c);
	return 0;
}

static int do_stop(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	c->waits = true;
	c->waits_for = a;
	if (a)
		app_stop(a, r->grace_ns);
	else
		supervisor_stop(c->s, r->grace_ns);
	/* Down already, or just now; in that case the client has its answer. Who waits for the pod gets it from server_close(). */
	if (a && c->source.fd >= 0 && a->status->state == APP_EXITED)
		server_on_exit(c->s, a);
	return 0;
}

/* Killed and removed by the one who knows all that it has; answered when nothing is left. */
static int do_rm(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	c->waits = true;
	c->s->plan.remove = true;
	supervisor_stop(c->s, 0);
	return 0;
}

/* Answered when the pod is over, with its exit code: a pod with --rm leaves nothing else to read it from. */
static int do_wait(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	c->waits = true;
	return 0;
}

static int do_kill(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	struct supervisor *s = c->s;

	if (r->signal < 1 || r->signal >= NSIG)
		return err_new(e, ERR_USAGE, "%lld is no signal", (long long)r->signal);
	if (a) {
		int err = need_running(a, e);

		if (err < 0)
			return err;
		app_signal(a, (int)r->signal);
	}
	for (size_t i = 0; !a && i < s->plan.apps.n; i++)
		app_signal(&s->apps[i], (int)r->signal);
	reply_ok(c);
	drop_client(c);
	return 0;
}

static int set_paused(struct client *c, bool paused, struct err *e)
{
	struct supervisor *s = c->s;
	int r = cgroup_freeze(&s->cgroup_host, &s->cgroup, paused, e);

	if (r < 0)
		return r;
	s->status.paused = paused;
	supervisor_save_status(s);
	supervisor_event(s, paused ? "paused" : "unpaused", NULL, NULL);
	reply_ok(c);
	drop_client(c);
	return 0;
}

static int do_pause(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	return set_paused(c, true, e);
}

static int do_unpause(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	return set_paused(c, false, e);
}

static void restart_app(struct app *a)
{
	struct err e = {};

	if (a->removed)
		return;
	if (a->status->state == APP_EXITED) {
		a->wants_stop = false;
		(void)!app_start(a, &e);
		return;
	}
	a->wants_restart = true;
	if (a->status->state == APP_BACKOFF)
		a->deadline_ns = 0;
	else
		app_stop(a, -1);
}

static int do_restart(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	struct supervisor *s = c->s;

	if (s->stopping)
		return err_new(e, ERR_STATE, "the pod is being stopped");
	if (a)
		restart_app(a);
	for (size_t i = 0; !a && i < s->plan.apps.n; i++)
		restart_app(&s->apps[i]);
	reply_ok(c);
	drop_client(c);
	return 0;
}

static int do_attach(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	int buffer = ATTACH_BUFFER;
	int err = need_running(a, e);

	if (err < 0)
		return err;
	setsockopt(c->source.fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	c->attached = a;
	reply(c, &(struct control_reply){ .text = a->plan->tty ? (char *)"tty" : (char *)"pipes" }, NULL, 0);
	return 0;
}

static void name_apps(const struct supervisor *s, struct err *e)
{
	autostr names = {};

	for (size_t i = 0; i < s->plan.apps.n; i++)
		str_addf(&names, "%s%s", i ? ", " : "", s->plan.apps.v[i].name);
	err_because(e, "its apps are %s", str_text(&names));
}

/* The only app there is, when none was named. */
static int choose_app(const struct supervisor *s, struct app **a, struct err *e)
{
	if (*a)
		return 0;
	if (s->plan.apps.n == 1) {
		*a = &s->apps[0];
		return 0;
	}
	err_new(e, ERR_USAGE, "the pod %s has several apps: which one?", s->plan.name);
	name_apps(s, e);
	return err_try(e, "%s/%s", s->plan.name, s->plan.apps.v[0].name);
}

/* What came too long for a packet comes in a file in memory, as the last descriptor. */
static int read_bulk(struct client *c, const struct control_request **r, struct arena *arena, struct control_request *buffer,
		     int *ret_n, struct err *e)
{
	int n = 0;

	while (n < CLIENT_FDS && c->fds[n] >= 0)
		n++;
	*ret_n = n;
	if (!(*r)->bulk)
		return 0;
	autofree char *text = NULL;
	struct stat st;
	size_t len;

	if (n == 0 || fstat(c->fds[n - 1], &st) < 0 || !S_ISREG(st.st_mode) || lseek(c->fds[n - 1], 0, SEEK_SET) < 0)
		return err_new(e, ERR_USAGE, "the request has no descriptor with the rest");
	int err = io_read_fd(c->fds[n - 1], CONTROL_BULK_MAX, &text, &len, e);
	if (err == 0)
		err = record_read(arena, &control_request_set, text, len, buffer, e);
	*r = buffer;
	*ret_n = n - 1;
	return err;
}

static int do_enter(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	autoarena arena = {};
	struct control_request whole = {};
	int stdio[3], n = 0;
	int err = choose_app(c->s, &a, e);

	if (err == 0)
		err = need_running(a, e);
	if (err == 0)
		err = read_bulk(c, &r, &arena, &whole, &n, e);
	if (err == 0 && n != (r->no_stdin ? 2 : 3))
		err = err_new(e, ERR_USAGE, "a program needs three streams");
	if (err < 0)
		return err;
	stdio[0] = r->no_stdin ? -1 : c->fds[0];
	stdio[1] = c->fds[n - 2];
	stdio[2] = c->fds[n - 1];
	return entered_begin(c, a, r, stdio, e);
}

static void reply_text(struct client *c, const char *text)
{
	reply(c, &(struct control_reply){ .text = (char *)(uintptr_t)text }, NULL, 0);
	drop_client(c);
}

static int do_hole(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	const struct hole_change change = {
		.close = strcmp(r->verb, "hole-rm") == 0,
		.text = r->text,
		.why = r->why,
		.for_ns = r->for_ns,
		.keep = r->keep,
	};
	const char *text = NULL;
	int err = holes_change(c->s, &change, &text, e);

	if (err < 0)
		return err;
	reply_text(c, text);
	return 0;
}

static int do_link(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	const struct link_change change = {
		.remove = strcmp(r->verb, "link-rm") == 0,
		.text = r->text,
		.keep = r->keep,
	};
	const char *text = NULL;
	int err = links_change(c->s, &change, &text, e);

	if (err < 0)
		return err;
	reply_text(c, text);
	return 0;
}

static int do_link_count(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	const char *text = NULL;
	int err = links_count(c->s, &text, e);

	if (err < 0)
		return err;
	reply_text(c, text);
	return 0;
}

static int do_hole_count(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	const char *text = NULL;
	int err = holes_count(c->s, &text, e);

	if (err < 0)
		return err;
	reply_text(c, text);
	return 0;
}

static int do_hole_log(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	autostr text = {};

	wall_log_read(c->s, &text);
	reply_text(c, str_text(&text));
	return 0;
}

static int do_app_add(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	struct app_change *change = arena_new(&c->s->arena, struct app_change);
	const char *text = r->text ?: "";
	int err = record_read(&c->s->arena, &app_change_set, text, strlen(text), change, e);

	if (err == 0)
		err = pod_add_app(c->s, change, e);
	if (err < 0)
		return err;
	reply_ok(c);
	drop_client(c);
	return 0;
}

static int do_app_rm(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	int err = pod_remove_app(c->s, a, e);

	if (err < 0)
		return err;
	c->waits = true;
	c->waits_for = a;
	if (a->status->state == APP_EXITED)
		server_on_exit(c->s, a);
	return 0;
}

static int do_app_start(struct client *c, struct app *a, const struct control_request *r, struct err *e)
{
	if (c->s->stopping)
		return err_new(e, ERR_STATE, "the pod is being stopped");
	if (a->status->state == APP_EXITED) {
		a->wants_stop = false;
		if (app_start(a, e) < 0)
			return -e->code;
	}
	reply_ok(c);
	drop_client(c);
	return 0;
}

enum app_need { APP_NEEDED, APP_OPTIONAL, APP_NONE };

static const struct {
	const char *name;
	enum app_need app;
	verb_fn *run;
} verbs[] = {
	{ "app", APP_NEEDED, do_app },	      { "app-add", APP_NONE, do_app_add },
	{ "app-rm", APP_NEEDED, do_app_rm },  { "app-start", APP_NEEDED, do_app_start },
	{ "attach", APP_NEEDED, do_attach },  { "enter", APP_OPTIONAL, do_enter },
	{ "hole-add", APP_NONE, do_hole },    { "hole-count", APP_NONE, do_hole_count },
	{ "hole-log", APP_NONE, do_hole_log },
	{ "hole-rm", APP_NONE, do_hole },
	{ "link-add", APP_NONE, do_link },    { "link-count", APP_NONE, do_link_count },
	{ "link-rm", APP_NONE, do_link },
	{ "kill", APP_OPTIONAL, do_kill },    { "pause", APP_NONE, do_pause },
	{ "restart", APP_OPTIONAL, do_restart },	      { "rm", APP_NONE, do_rm }, { "stop", APP_OPTIONAL, do_stop },
	{ "unpause", APP_NONE, do_unpause },   { "wait", APP_NONE, do_wait },
};

static int dispatch(struct client *c, const struct control_request *r, struct err *e)
{
	struct app *a = r->app ? supervisor_find_app(c->s, r->app) : NULL;

	if (r->app && !a) {
		err_new(e, ERR_NOT_FOUND, "the pod %s has no app %.64s", c->s->plan.name, r->app);
		name_apps(c->s, e);
		return err_try(e, "rocket status %s", c->s->plan.name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, r->verb ?: "") != 0)
			continue;
		if (verbs[i].app == APP_NEEDED && !a)
			return err_new(e, ERR_USAGE, "%s needs an app", r->verb);
		return verbs[i].run(c, verbs[i].app == APP_NONE ? NULL : a, r, e);
	}
	return err_new(e, ERR_USAGE, "this supervisor does not know the request %s", r->verb ?: "");
}

/* ---- connections ---- */

/* A packet of an attached client: stdin bytes, or the terminal's new size. */
static void on_attached(struct client *c, const char *packet, size_t n)
{
	struct streams *st = &c->attached->streams;
	uint16_t size[2];

	if (packet[0] == 0 && !streams_feed(st, packet + 1, n - 1))
		drop_client(c);
	else if (packet[0] == 'w' && n == 1 + sizeof(size)) {
		memcpy(size, packet + 1, sizeof(size));
		streams_resize(st, size[0], size[1]);
	}
}

static void on_bytes(struct client *c, const char *packet, size_t n)
{
	autoarena a = {};
	struct control_request request;
	struct err e = {};

	if (c->attached) {
		on_attached(c, packet, n);
		return;
	}
	if (c->entered) {
		entered_on_packet(c, packet, n);
		return;
	}
	int r = record_read(&a, &control_request_set, packet, n, &request, &e);
	if (r == 0)
		r = dispatch(c, &request, &e);
	if (r < 0)
		server_refuse(c, &e);
}

static void on_packet(struct loop_source *source, uint32_t events)
{
	struct client *c = source->owner;
	autofree char *packet = malloc(CONTROL_PACKET_MAX);
	size_t n_fds = CLIENT_FDS;
	ssize_t n = packet ? io_recv_fds(source->fd, packet, CONTROL_PACKET_MAX, c->fds, &n_fds) : 0;
	int fds[CLIENT_FDS];

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop_client(c);
		return;
	}
	for (size_t i = n_fds; i < CLIENT_FDS; i++)
		c->fds[i] = -1;
	memcpy(fds, c->fds, sizeof(fds));
	on_bytes(c, packet, (size_t)n);
	for (size_t i = 0; i < CLIENT_FDS; i++)
		cleanup_close(&fds[i]);
}

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connect(struct loop_source *source, uint32_t events)
{
	struct supervisor *s = source->owner;
	struct err ignored = {};
	autoclose int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || !is_allowed(fd))
		return;
	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++) {
		struct client *c = &s->server.clients[i];

		if (c->source.fd >= 0)
			continue;
		c->s = s;
		if (loop_watch(&s->loop, &c->source, fd, EPOLLIN, on_packet, c, &ignored) == 0)
			take_fd(&fd);
		return;
	}
}

int server_open(struct supervisor *s, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++)
		s->server.clients[i].source.fd = -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s.ctl", s->state.runfd, s->pod.id);
	(void)!unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		return err_errno(e, "can't make the pod's control socket");
	int r = loop_watch(&s->loop, &s->server.listener, fd, EPOLLIN, on_connect, s, e);
	if (r == 0)
		take_fd(&fd);
	return r;
}

void server_broadcast(struct supervisor *s, const struct app *a, enum log_stream stream, const char *bytes, size_t n)
{
	const char kind = stream == LOG_STDERR ? 2 : 1;
	struct iovec parts[2] = { { (char *)&kind, 1 }, { (char *)bytes, n } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++) {
		struct client *c = &s->server.clients[i];

		/* Too slow for its buffer: it is let go, the app is not slowed down. */
		if (c->source.fd >= 0 && c->attached == a &&
		    sendmsg(c->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			drop_client(c);
	}
}

void server_on_exit(struct supervisor *s, const struct app *a)
{
	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++) {
		struct client *c = &s->server.clients[i];

		if (c->source.fd < 0 || (c->attached != a && c->waits_for != a))
			continue;
		if (c->waits_for == a)
			reply_ok(c);
		drop_client(c);
	}
}

void server_close(struct supervisor *s)
{
	char name[POD_ID_LEN + 8], code[16];
	int fd = s->server.listener.fd;

	snprintf(code, sizeof(code), "%lld", (long long)s->status.exit_code);

	for (size_t i = 0; i < SERVER_MAX_CLIENTS; i++) {
		struct client *c = &s->server.clients[i];

		if (c->source.fd < 0)
			continue;
		if (c->waits)
			reply(c, &(struct control_reply){ .text = code }, NULL, 0);
		drop_client(c);
	}
	snprintf(name, sizeof(name), "%s.ctl", s->pod.id);
	(void)!unlinkat(s->state.runfd, name, 0);
	loop_forget(&s->loop, &s->server.listener);
	if (fd >= 0)
		close(fd);
}
