/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket logs: what the apps wrote, from the files that supervise/log.h describes. Several apps are
 * merged by time. stdout goes to stdout, stderr to stderr, as the app had them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "cli/emit.h"
#include "cli/pod_ref.h"

enum { OPT_FOLLOW = 1, OPT_SINCE, OPT_TAIL, OPT_TIMES, OPT_STREAM, FILES_MAX = 64, LINE_MAX_BYTES = 65536 };

static const struct opt options[] = {
	{ "follow", 'f', NULL, "go on with what is written from now on", OPT_FOLLOW, NULL },
	{ "since", 0, "TIME", "from this time on: 10m ago, or 2026-11-25T08:00:00Z", OPT_SINCE, NULL },
	{ "tail", 'n', "N", "the last N lines of each app only", OPT_TAIL, NULL },
	{ "timestamps", 't', NULL, "begin each line with its time", OPT_TIMES, NULL },
	{ "stream", 0, "NAME", "one of the streams only", OPT_STREAM, "stdout|stderr" },
	{},
};

struct logs {
	struct cli *cli;
	bool follow, times, prefixed;
	const char *stream, *since; /* since: the format of the log's own times, which sort as text */
	uint64_t tail;              /* UINT64_MAX: all */
	struct pod_ref ref;
	LIST(struct source) sources;
};

/* One app's log: its whole lines, and how far the newest file was read. */
struct source {
	const char *app;
	FILE *file;
	char *line;     /* the next one, without its newline; NULL: none at the moment */
	size_t cap;
	ino_t inode;
	uint32_t number; /* of the file that is read: APP.log.NUMBER, 0 is the newest */
	uint64_t skip;   /* lines that --tail leaves out */
};

/* ---- options ---- */

static int parse_since(struct logs *l, const char *value, struct err *e)
{
	struct timespec now;
	struct tm tm;
	char text[64];
	int64_t ago;

	if (unit_parse_time(value, &ago) < 0) {
		if (strlen(value) < 10 || value[4] != '-') {
			err_new(e, ERR_USAGE, "--since %s is no time", value);
			return err_try(e, "--since 10m   (or 2026-11-25T08:00:00Z)");
		}
		l->since = value;
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ago;
	time_t seconds = ns / 1000000000;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	l->since = arena_printf(l->cli->arena, "%s.%09lldZ", text, (long long)(ns % 1000000000));
	return 0;
}

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct logs *l = context;

	switch (o->id) {
	case OPT_FOLLOW:
		l->follow = true;
		return 0;
	case OPT_TIMES:
		l->times = true;
		return 0;
	case OPT_SINCE:
		return parse_since(l, value, e);
	case OPT_STREAM:
		l->stream = value;
		if (strcmp(value, "stdout") == 0 || strcmp(value, "stderr") == 0)
			return 0;
		return err_new(e, ERR_USAGE, "--stream is stdout or stderr, not %s", value);
	default:
		if (strcmp(value, "all") == 0 || unit_parse_u64(value, 0, UINT64_MAX - 1, &l->tail) == 0)
			return 0;
		return err_new(e, ERR_USAGE, "--tail takes a number of lines, not %s", value);
	}
}

/* ---- reading ---- */

static FILE *open_number(const struct logs *l, const struct source *s, uint32_t number)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), number ? "%s.log.%u" : "%s.log", s->app, number);
	fd = openat(l->ref.pod.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? NULL : fdopen(fd, "re");
}

static void open_at(struct logs *l, struct source *s, uint32_t number)
{
	struct stat st;

	if (s->file)
		fclose(s->file);
	s->number = number;
	s->file = open_number(l, s, number);
	s->inode = s->file && fstat(fileno(s->file), &st) == 0 ? st.st_ino : 0;
}

static bool was_rotated(const struct logs *l, const struct source *s)
{
	struct stat st;
	char name[128];

	snprintf(name, sizeof(name), "%s.log", s->app);
	return fstatat(l->ref.pod.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino != s->inode;
}

/* A whole line, or none yet: what has no end stays for later. */
static bool read_line(struct source *s, char **line)
{
	long at = s->file ? ftell(s->file) : 0;
	ssize_t n = s->file ? getline(line, &s->cap, s->file) : -1;

	if (n > 0 && (*line)[n - 1] == '\n') {
		(*line)[n - 1] = 0;
		return true;
	}
	if (s->file) {
		clearerr(s->file);
		fseek(s->file, at, SEEK_SET);
	}
	return false;
}

static bool is_wanted(const struct logs *l, const char *line)
{
	const char *stream = strchr(line, ' ');

	if (!stream || (l->since && strcmp(line, l->since) < 0))
		return false;
	return !l->stream || str_has_prefix(stream + 1, l->stream);
}

static bool next_line(struct logs *l, struct source *s)
{
	char *line = s->line;

	s->line = NULL;
	for (;;) {
		if (read_line(s, &line)) {
			if (!is_wanted(l, line))
				continue;
			if (s->skip) {
				s->skip--;
				continue;
			}
			s->line = line;
			return true;
		}
		if (s->number > 0)
			open_at(l, s, s->number - 1);
		else if (was_rotated(l, s))
			open_at(l, s, 0);
		else
			break;
	}
	free(line);
	s->cap = 0;
	return false;
}

static uint64_t count_lines(struct logs *l, struct source *s)
{
	uint64_t n = 0;

	while (next_line(l, s))
		n++;
	return n;
}

static void rewind_source(struct logs *l, struct source *s)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < FILES_MAX; i++) {
		FILE *f = open_number(l, s, i);

		if (!f)
			break;
		fclose(f);
		oldest = i;
	}
	open_at(l, s, oldest);
}

static void open_source(struct logs *l, const char *app)
{
	struct source *s = list_add(l->cli->arena, &l->sources);

	s->app = app;
	rewind_source(l, s);
	if (l->tail == UINT64_MAX)
		return;
	uint64_t n = count_lines(l, s);
	rewind_source(l, s);
	s->skip = n > l->tail ? n - l->tail : 0;
}

/* ---- printing ---- */

/* "TIME STREAM TAG TEXT"; a P line goes on in the next one. */
static void print_json(const struct logs *l, const struct source *s, const char *time, size_t time_len,
		       const char *stream, const char *text)
{
	autostr out = {};
	autofree char *when = strndup(time, time_len);

	str_add(&out, "{\"time\":");
	str_add_json(&out, when);
	str_add(&out, ",\"app\":");
	str_add_json(&out, s->app);
	str_addf(&out, ",\"stream\":\"%s\",\"text\":", stream);
	str_add_json(&out, text);
	str_add(&out, "}\n");
	(void)!io_write_all(STDOUT_FILENO, out.text, out.len);
}

/* Tabs and a carriage return at the end stay, all else that moves a cursor is made visible. */
static void add_for_terminal(struct str *out, const char *text)
{
	for (;;) {
		size_t n = strcspn(text, "\t\r");
		autofree char *part = strndup(text, n);

		str_add_visible(out, part ?: "");
		text += n;
		if (!*text)
			return;
		if (*text == '\t' || !text[1])
			str_add_char(out, *text);
		else
			str_add(out, "\\x0d");
		text++;
	}
}

static void print_line(const struct logs *l, const struct source *s)
{
	const char *stream = strchr(s->line, ' '), *tag = stream ? strchr(stream + 1, ' ') : NULL;
	bool is_err = stream && str_has_prefix(stream + 1, "stderr");
	autostr out = {};

	if (!tag || !tag[1] || tag[2] != ' ')
		return;
	if (l->cli->output == CLI_JSON) {
		print_json(l, s, s->line, (size_t)(stream - s->line), is_err ? "stderr" : "stdout", tag + 3);
		return;
	}
	if (l->prefixed)
		str_addf(&out, "%s | ", s->app);
	if (l->times)
		str_addf(&out, "%.*s ", (int)(stream - s->line), s->line);
	int to = is_err ? STDERR_FILENO : STDOUT_FILENO;
	/* A program's bytes to a program, but no app plays with the terminal of who reads its log. */
	if (isatty(to))
		add_for_terminal(&out, tag + 3);
	else
		str_add(&out, tag + 3);
	if (tag[1] != 'P' || l->prefixed)
		str_add_char(&out, '\n');
	(void)!io_write_all(to, out.text, out.len);
}

static struct source *earliest(struct logs *l)
{
	struct source *first = NULL;

	for (size_t i = 0; i < l->sources.n; i++) {
		struct source *s = &l->sources.v[i];

		if (!s->line && !next_line(l, s))
			continue;
		if (!first || strcmp(s->line, first->line) < 0)
			first = s;
	}
	return first;
}

static void print_all(struct logs *l)
{
	struct source *s;

	while ((s = earliest(l))) {
		print_line(l, s);
		free(take_ptr(s->line));
		s->cap = 0;
	}
}

/* Follows until the pod is over: asked again after the last line, so that none is lost. */
static int follow(struct logs *l, struct err *e)
{
	autoclose int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char folder[32], events[4096];
	bool over = false;

	snprintf(folder, sizeof(folder), "/proc/self/fd/%d", l->ref.pod.fd);
	if (watch < 0 || inotify_add_watch(watch, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return err_errno(e, "can't follow the logs");
	while (!over) {
		struct pollfd p[2] = { { .fd = watch, .events = POLLIN }, { .fd = STDOUT_FILENO } };
		struct err ignored = {};

		over = state_refresh_phase(&l->ref.state, &l->ref.pod, &ignored) < 0 || l->ref.pod.phase != POD_RUNNING;
		print_all(l);
		if (over || poll(p, 2, 1000) <= 0)
			continue;
		/* Nobody reads any more: there may be no line for a long time on which a write would tell. */
		over = p[1].revents & POLLERR;
		if (p[0].revents)
			(void)!read(watch, events, sizeof(events));
	}
	return 0;
}

static int show(struct logs *l, const char *word, struct err *e)
{
	int r = pod_ref_open(l->cli, word, &l->ref, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l->ref.plan.apps.n; i++)
		if (!l->ref.app || l->ref.app == &l->ref.plan.apps.v[i])
			open_source(l, l->ref.plan.apps.v[i].name);
	l->prefixed = l->sources.n > 1;
	print_all(l);
	return l->follow ? follow(l, e) : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct logs l = { .cli = cli, .tail = UINT64_MAX, .ref = POD_REF_NONE };
	struct err e = {};
	char **words;
	int n, r = cli_parse(cli, argc, argv, take, &l, &words, &n, &e);

	if (r == 0)
		r = cli_check_words(cli, n, 1, 1, &e);
	if (r == 0)
		r = show(&l, words[0], &e);
	pod_ref_close(&l.ref);
	return r < 0 ? cli_fail(cli, &e) : 0;
}

const struct verb cli_verb_logs = {
	.name = "logs",
	.summary = "show what the apps of a pod wrote",
	.usage = "[-f] [--since TIME] [--tail N] [-t] POD[/APP]",
	.words = (const char *const[]){ "app", NULL },
	.options = (const struct opt *const[]){ options, NULL },
	.example = "rocket logs shop\nrocket logs -f --tail 20 shop/web",
	.json = "time: when the line was written\napp: who wrote it\nstream: stdout or stderr\ntext: the line",
	.exits = "4: no such pod or app",
	.documents = true,
	.run = run,
};
