/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run in the foreground: the apps' output on our stdout and stderr (with several apps each line begins
 * with its app's name), our stdin to the app that wants it, and with -t our terminal in raw mode. We never
 * block on any of them: while ours is full the app's pipe is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "supervise/supervisor.h"
#include "supervise/wall_log.h"

enum { CHUNK = 4096 };

static struct app *interactive_app(struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (s->plan.apps.v[i].stdin_open || s->plan.apps.v[i].tty)
			return &s->apps[i];
	return NULL;
}

/* ---- output ---- */

static int fd_of(enum log_stream stream)
{
	return stream == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO;
}

static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) != 0;
}

static void open_valves(struct supervisor *s, enum log_stream stream)
{
	for (size_t i = 0; i < s->plan.apps.n; i++) {
		struct streams *st = &s->apps[i].streams;

		loop_change(&s->loop, stream == LOG_STDERR ? &st->err : &st->out, EPOLLIN);
	}
}

static void on_room(struct loop_source *source, uint32_t events)
{
	struct front *f = source->owner;
	enum log_stream stream = source == &f->out[LOG_STDERR] ? LOG_STDERR : LOG_STDOUT;

	loop_forget(&f->s->loop, source);
	open_valves(f->s, stream);
}

bool front_is_ready(struct front *f, enum log_stream stream)
{
	struct err ignored = {};

	if (!f->active || has_room(fd_of(stream)))
		return true;
	if (f->out[stream].fd < 0 &&
	    loop_watch(&f->s->loop, &f->out[stream], fd_of(stream), EPOLLOUT, on_room, f, &ignored) < 0)
		return true;
	return false;
}

static void write_prefixed(struct front *f, const struct app *a, enum log_stream stream, const char *bytes, size_t n)
{
	char head[96];
	int head_len = snprintf(head, sizeof(head), "%s | ", a->plan->name);

	/* Another app left a line open: it is closed, so that no line holds two apps' text. */
	if (f->line_open[stream] && f->last[stream] != a) {
		(void)!io_write_all(fd_of(stream), "\n", 1);
		f->line_open[stream] = false;
	}
	f->last[stream] = a;
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t take = end ? (size_t)(end - bytes) + 1 : n;

		if (!f->line_open[stream])
			(void)!io_write_all(fd_of(stream), head, (size_t)head_len);
		(void)!io_write_all(fd_of(stream), bytes, take);
		f->line_open[stream] = !end;
		bytes += take;
		n -= take;
	}
}

void front_write(struct front *f, const struct app *a, enum log_stream stream, const char *bytes, size_t n)
{
	if (!f->active)
		return;
	if (f->prefixed)
		write_prefixed(f, a, stream, bytes, n);
	else
		(void)!io_write_all(fd_of(stream), bytes, n);
	/* Who was refused something mostly says so: the moment to say by what. */
	if (stream == LOG_STDERR)
		wall_log_tell(f->s);
}

/* ---- input ---- */

/* One chunk of our stdin. Gives false when there is nothing more to take now. */
static bool take_input(struct front *f, struct app *a)
{
	char bytes[CHUNK];
	ssize_t n;

	if (!streams_can_feed(&a->streams))
		return false;
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		loop_forget(&f->s->loop, &f->in);
		f->in_always_ready = false;
		streams_feed(&a->streams, NULL, 0);
		return false;
	}
	return streams_feed(&a->streams, bytes, (size_t)n);
}

static void on_input(struct loop_source *source, uint32_t events)
{
	struct front *f = source->owner;
	struct app *a = interactive_app(f->s);

	if (a && a->streams.in.fd >= 0 && !take_input(f, a) && f->in.fd >= 0 && !streams_can_feed(&a->streams))
		/* front_poke() watches it again when the app has read. */
		loop_change(&f->s->loop, source, 0);
}

void front_poke(struct front *f)
{
	struct app *a = f->active ? interactive_app(f->s) : NULL;

	if (!a || !streams_can_feed(&a->streams))
		return;
	if (f->in.fd >= 0)
		loop_change(&f->s->loop, &f->in, EPOLLIN);
	while (f->in_always_ready && take_input(f, a))
		;
}

static void set_raw(struct front *f)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &f->terminal) < 0)
		return;
	raw = f->terminal;
	cfmakeraw(&raw);
	f->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void front_open(struct front *f, struct supervisor *s)
{
	struct app *a = interactive_app(s);
	struct err ignored = {};

	*f = (struct front){ .s = s, .active = s->options->foreground };
	f->in.fd = f->out[0].fd = f->out[1].fd = -1;
	f->prefixed = s->plan.apps.n > 1;
	if (!f->active || !a || !s->options->interactive)
		return;
	if (a->plan->tty && isatty(STDIN_FILENO))
		set_raw(f);
	if (loop_watch(&s->loop, &f->in, STDIN_FILENO, EPOLLIN, on_input, f, &ignored) < 0)
		f->in_always_ready = true;
}

void front_resize(struct front *f)
{
	struct winsize size;
	struct app *a = f->active ? interactive_app(f->s) : NULL;

	if (a && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		streams_resize(&a->streams, size.ws_row, size.ws_col);
}

void front_close(struct front *f)
{
	if (f->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &f->terminal);
	f->raw = f->active = false;
}
