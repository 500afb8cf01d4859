/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket events: what happened to pods, from the file that supervisors write (state.h), which is rotated
 * once: events.1 holds what is older. Following it survives a rotation, as the old file stays open to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_look.h"
#include "cli/since.h"
#include "cli/verbs.h"

enum { OPT_SINCE = 1, OPT_UNTIL, OPT_FOLLOW, LINE_MAX_BYTES = 65536 };

static const struct opt options[] = {
	{"since", 0, "TIME", "from this time on: 10m ago, or 2026-01-31T12:00:00Z", OPT_SINCE, NULL},
	{"until", 0, "TIME", "up to this time", OPT_UNTIL, NULL},
	{"follow", 'f', NULL, "go on with what happens from now on", OPT_FOLLOW, NULL},
	{},
};

struct event {
	int64_t time_ns;
	char *event, *pod, *name, *app, *detail;
};

static const struct field event_fields[] = {
	FIELD(struct event, time_ns, "time", FIELD_INT), FIELD(struct event, event, "event", FIELD_STR),
	FIELD(struct event, pod, "pod", FIELD_STR),      FIELD(struct event, name, "name", FIELD_STR),
	FIELD(struct event, app, "app", FIELD_STR),      FIELD(struct event, detail, "detail", FIELD_STR),
};
static const struct field_set event_set = FIELD_SET("event", struct event, event_fields);

struct events {
	struct cli *cli;
	int64_t since_ns, until_ns;
	bool follow;
	char **pods;      /* names, ids or beginnings of ids; none: all */
	struct str tail;  /* the beginning of a line whose end is not written yet */
	int fd;           /* the newest file */
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct events *ev = context;

	if (o->id == OPT_SINCE)
		return since_parse("--since", value, &ev->since_ns, e);
	if (o->id == OPT_UNTIL)
		return since_parse("--until", value, &ev->until_ns, e);
	ev->follow = true;
	return 0;
}

static bool is_wanted(const struct events *ev, const struct event *x)
{
	if (x->time_ns < ev->since_ns || (ev->until_ns && x->time_ns > ev->until_ns))
		return false;
	for (char **p = ev->pods; p && *p; p++) {
		if (str_equal(*p, x->name) || (x->pod && strlen(*p) >= 4 && str_has_prefix(x->pod, *p)))
			return true;
	}
	return !ev->pods || !*ev->pods;
}

static void add_text(struct str *out, const struct event *x)
{
	unit_add_timestamp(out, x->time_ns);
	str_addf(out, "  %-14s ", x->event ? x->event : "-");
	str_add_visible(out, x->name ? x->name : x->pod ? x->pod : "-");
	if (x->app) {
		str_add_char(out, '/');
		str_add_visible(out, x->app);
	}
	if (x->detail) {
		str_add(out, "  ");
		str_add_visible(out, x->detail);
	}
	str_add_char(out, '\n');
}

static int print_event(const struct events *ev, const struct event *x)
{
	autoemit m = emit_new(ev->cli);

	if (ev->cli->output != CLI_JSON && ev->cli->output != CLI_YAML) {
		add_text(&m.out, x);
		return cli_print(ev->cli, m.out.text, m.out.len);
	}
	/* A flow map behind a dash is YAML: the stream is one list that grows. */
	m.compact = true;
	str_add(&m.out, ev->cli->output == CLI_YAML ? "- " : "");
	emit_open_map(&m, NULL);
	emit_time(&m, "time", x->time_ns);
	emit_str(&m, "event", x->event);
	emit_str(&m, "pod", x->pod);
	emit_str(&m, "name", x->name);
	emit_str(&m, "app", x->app);
	emit_str(&m, "detail", x->detail);
	emit_close(&m);
	return emit_print(&m, ev->cli);
}

static int take_line(const struct events *ev, const char *line, size_t len)
{
	autoarena a = {};
	struct event x;
	struct err damaged = {};

	/* A line that a full disk cut is passed over. */
	if (record_read(&a, &event_set, line, len, &x, &damaged) < 0 || !is_wanted(ev, &x))
		return 0;
	return print_event(ev, &x);
}

static int take_lines(struct events *ev)
{
	size_t at = 0;
	int code = 0;

	while (code == 0) {
		const char *line = ev->tail.text + at, *end = memchr(line, '\n', ev->tail.len - at);

		if (!end)
			break;
		code = take_line(ev, line, (size_t)(end - line));
		at += (size_t)(end - line) + 1;
	}
	memmove(ev->tail.text, ev->tail.text + at, ev->tail.len - at + 1);
	ev->tail.len -= at;
	if (ev->tail.len > LINE_MAX_BYTES)
		str_reset(&ev->tail);
	return code;
}

/* All that the file holds from where it was left. An exit code. */
static int read_on(struct events *ev, int fd)
{
	char bytes[16384];
	ssize_t n;
	int code = 0;

	while (code == 0 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		str_add_bytes(&ev->tail, bytes, (size_t)n);
		code = take_lines(ev);
	}
	return code;
}

static int open_events(const struct state *s, const char *name)
{
	return openat(s->runfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* A newer file stands in the place of the one that is open. */
static bool was_rotated(const struct events *ev, const struct state *s)
{
	struct stat named, mine = {};

	if (ev->fd >= 0 && fstat(ev->fd, &mine) < 0)
		return false;
	return fstatat(s->runfd, "events", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (ev->fd < 0 || named.st_ino != mine.st_ino);
}

/* False when nobody reads our output any more: with few events no write would tell for a long time. */
static bool wait_for_change(int watch)
{
	struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	char changes[4096];

	if (poll(p, 2, -1) < 0)
		return errno == EINTR;
	if (p[0].revents && read(watch, changes, sizeof(changes)) < 0)
		return errno == EINTR;
	return !(p[1].revents & POLLERR);
}

static int follow(struct events *ev, const struct state *s, struct err *e)
{
	autoclose int watch = inotify_init1(IN_CLOEXEC);
	char folder[32];
	int code = 0;

	snprintf(folder, sizeof(folder), "/proc/self/fd/%d", s->runfd);
	if (watch < 0 || inotify_add_watch(watch, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_errno(e, "cannot follow the events");
	while (code == 0) {
		if (ev->fd >= 0)
			code = read_on(ev, ev->fd);
		if (code == 0 && was_rotated(ev, s)) {
			cleanup_close(&ev->fd);
			ev->fd = open_events(s, "events");
			continue;
		}
		if (code == 0 && !wait_for_change(watch))
			break;
	}
	return code;
}

static int show(struct events *ev, const struct state *s, struct err *e)
{
	autoclose int older = open_events(s, "events.1");
	int code = older >= 0 ? read_on(ev, older) : 0;

	ev->fd = open_events(s, "events");
	if (code == 0 && ev->fd >= 0)
		code = read_on(ev, ev->fd);
	return code || !ev->follow ? code : follow(ev, s, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct events ev = {.cli = cli, .fd = -1};
	autostate s = {-1, -1};
	struct err e = {};
	int n, r;

	if (cli_parse(cli, argc, argv, take, &ev, &ev.pods, &n, &e) < 0 || pod_look_state(cli, &s, &e) < 0)
		return cli_fail(cli, &e);
	r = show(&ev, &s, &e);
	str_free(&ev.tail);
	cleanup_close(&ev.fd);
	return r < 0 ? cli_fail(cli, &e) : r;
}

const struct verb cli_verb_events = {
	.name = "events",
	.summary = "show what happened to pods, oldest first",
	.usage = "[-f] [--since TIME] [--until TIME] [POD…]",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket events --since 1h\nrocket events -f shop -o json",
	.json = "time: when it happened\nevent: what\npod: id\nname: of the pod\napp: or null\ndetail: or null; one object a line",
	.documents = true,
	.run = run,
};
