/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app's standard streams: pipes, or a terminal of its own. The pipes belong to the app's user, so that
 * a program may open /dev/stdout again by name (proc(5): opening /proc/self/fd/1 checks the pipe's owner).
 * Output goes to the log, to the foreground, and to whoever is attached. While the foreground is full the
 * app's pipe is not read: the app waits, the supervisor never does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "supervise/supervisor.h"

/* PIPE_BUF: what a writable foreground pipe takes without blocking (pipe(7)). */
enum { CHUNK = 4096 };

static void close_pair(int pair[2])
{
	cleanup_close(&pair[0]);
	cleanup_close(&pair[1]);
}

/* A pipe whose ours end does not block and whose inode belongs to the app's user. */
static int open_pipe(const struct app *a, int pair[2], int ours)
{
	uid_t base = a->s->plan.ids.base;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	if (fchown(pair[0], base + a->plan->uid, base + a->plan->gid) < 0 || fcntl(pair[ours], F_SETFL, O_NONBLOCK) < 0) {
		close_pair(pair);
		return -1;
	}
	return 0;
}

/* stdout or stderr: the link's pipe, or one to us. */
static int open_output(struct streams *st, enum log_stream stream, int *ret_ours, int *ret_theirs, struct err *e)
{
	int pair[2] = { -1, -1 };
	int r = links_take_output(st->s, st->app, stream, &pair[1], e);

	if (r == 0 && pair[1] < 0 && open_pipe(st->app, pair, 0) < 0)
		r = err_errno(e, "can't make the pipes of %s", st->app->plan->name);
	if (r < 0)
		return r;
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

static int open_pipes(struct streams *st, struct streams_ends *ends, struct err *e)
{
	const struct app *a = st->app;
	int in[2] = { -1, -1 };
	int r = open_output(st, LOG_STDOUT, &st->out.fd, &ends->stdio[1], e);

	if (r == 0)
		r = open_output(st, LOG_STDERR, &st->err.fd, &ends->stdio[2], e);
	if (r == 0)
		r = links_take_stdin(st->s, a, &ends->stdio[0], e);
	if (r < 0 || ends->stdio[0] >= 0)
		return r;
	/* Without stdin_open the child opens the /dev/null of its own root. */
	if (a->plan->stdin_open && open_pipe(a, in, 1) < 0)
		return err_errno(e, "can't make the pipes of %s", a->plan->name);
	st->in.fd = in[1];
	ends->stdio[0] = in[0];
	return 0;
}

int streams_open(struct streams *st, struct streams_ends *ret, struct err *e)
{
	struct streams_ends ends = { .stdio = { -1, -1, -1 }, .console_sock = -1, .console_ours = -1 };
	int pair[2], r = 0;

	st->out.fd = st->err.fd = st->in.fd = -1;
	if (!st->app->plan->tty)
		r = open_pipes(st, &ends, e);
	else if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		r = err_errno(e, "can't make the terminal of %s", st->app->plan->name);
	else
		ends.console_sock = pair[0], ends.console_ours = pair[1];
	if (r < 0) {
		streams_close_ends(&ends);
		cleanup_close(&st->out.fd);
		cleanup_close(&st->err.fd);
		st->out.fd = st->err.fd = -1;
		return r;
	}
	*ret = ends;
	return 0;
}

void streams_close_ends(struct streams_ends *ends)
{
	for (int i = 0; i < 3; i++)
		cleanup_close(&ends->stdio[i]);
	cleanup_close(&ends->console_sock);
	cleanup_close(&ends->console_ours);
}

/* ---- output ---- */

static enum log_stream stream_of(const struct streams *st, const struct loop_source *source)
{
	return source == &st->err ? LOG_STDERR : LOG_STDOUT;
}

/* One chunk from the app to everybody. Gives what read(2) gave. */
static ssize_t pass_on(struct streams *st, struct loop_source *source)
{
	[[gnu::uninitialized]] char bytes[CHUNK];
	enum log_stream stream = stream_of(st, source);
	ssize_t n = read(source->fd, bytes, sizeof(bytes));

	if (n <= 0)
		return n;
	log_write(&st->log, stream, bytes, (size_t)n);
	front_write(&st->s->front, st->app, stream, bytes, (size_t)n);
	server_broadcast(st->s, st->app, stream, bytes, (size_t)n);
	return n;
}

static void close_source(struct streams *st, struct loop_source *source)
{
	int fd = source->fd;

	loop_forget(&st->s->loop, source);
	if (fd >= 0)
		close(fd);
}

static void on_output(struct loop_source *source, uint32_t events)
{
	struct streams *st = source->owner;

	if (!front_is_ready(&st->s->front, stream_of(st, source))) {
		/* foreground.c opens the valve again when its stream has room. */
		loop_change(&st->s->loop, source, 0);
		return;
	}
	ssize_t n = pass_on(st, source);
	/* A terminal whose last slave was closed gives EIO. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_source(st, source);
}

static int take_terminal(struct streams *st, struct streams_ends *ends, struct err *e)
{
	int fds[1];
	size_t n = 1;
	char byte;

	/* The child's end must be ours alone no more, or a child that died would leave us waiting. */
	cleanup_close(&ends->console_sock);
	ends->console_sock = -1;
	if (io_recv_fds(ends->console_ours, &byte, 1, fds, &n) != 1 || n != 1) {
		/* It failed before; its status pipe says why. */
		return 0;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	st->in.fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
	return loop_watch(&st->s->loop, &st->out, fds[0], EPOLLIN, on_output, st, e);
}

static void on_input_room(struct loop_source *source, uint32_t events);

int streams_watch(struct streams *st, struct streams_ends *ends, struct err *e)
{
	struct loop *l = &st->s->loop;
	int r;

	if (st->app->plan->tty) {
		r = take_terminal(st, ends, e);
		front_resize(&st->s->front);
		return r;
	}
	r = st->out.fd < 0 ? 0 : loop_watch(l, &st->out, st->out.fd, EPOLLIN, on_output, st, e);
	if (r == 0 && st->err.fd >= 0)
		r = loop_watch(l, &st->err, st->err.fd, EPOLLIN, on_output, st, e);
	if (r == 0 && st->in.fd >= 0)
		r = loop_watch(l, &st->in, st->in.fd, 0, on_input_room, st, e);
	return r;
}

/* After the app's end: what it wrote last is taken, even when the foreground has no room at the moment. */
static void drain(struct streams *st, struct loop_source *source)
{
	while (source->fd >= 0 && pass_on(st, source) > 0)
		;
	close_source(st, source);
}

void streams_finish(struct streams *st)
{
	drain(st, &st->out);
	drain(st, &st->err);
	close_source(st, &st->in);
	free(take_ptr(st->pending));
	st->pending_len = 0;
	log_close(&st->log);
}

/* ---- input ---- */

bool streams_can_feed(const struct streams *st)
{
	return st->in.fd >= 0 && st->pending_len < STREAMS_PENDING_MAX / 2;
}

static void flush_pending(struct streams *st)
{
	while (st->pending_len) {
		ssize_t n = write(st->in.fd, st->pending, st->pending_len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* EPIPE: nobody reads any more, so nothing is kept. */
		if (n < 0) {
			st->pending_len = 0;
			return;
		}
		st->pending_len -= (size_t)n;
		memmove(st->pending, st->pending + n, st->pending_len);
	}
}

static void on_input_room(struct loop_source *source, uint32_t events)
{
	struct streams *st = source->owner;

	flush_pending(st);
	if (st->pending_len == 0)
		loop_change(&st->s->loop, &st->in, 0);
	if (events & EPOLLERR || (st->pending_len == 0 && st->eof))
		close_source(st, source);
}

bool streams_feed(struct streams *st, const char *bytes, size_t n)
{
	if (st->in.fd < 0)
		return true;
	if (n == 0) {
		/* A terminal's end of file is its ^D character, which its user types. */
		st->eof = !st->app->plan->tty;
		if (st->eof && st->pending_len == 0)
			close_source(st, &st->in);
		return true;
	}
	if (!st->pending)
		st->pending = malloc(STREAMS_PENDING_MAX);
	if (!st->pending || st->pending_len + n > STREAMS_PENDING_MAX)
		return false;
	memcpy(st->pending + st->pending_len, bytes, n);
	st->pending_len += n;
	flush_pending(st);
	if (st->pending_len)
		loop_change(&st->s->loop, &st->in, EPOLLOUT);
	return true;
}

void streams_resize(struct streams *st, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (st->app->plan->tty && st->out.fd >= 0)
		ioctl(st->out.fd, TIOCSWINSZ, &size);
}
