/* SPDX-License-Identifier: Apache-2.0 */
/* See relay_pipe.h. splice(2), pipe(7). */
#include "net/relay_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PUMP_ROUNDS = 8,           /* then the other connections have their turn */
	PIPE_BYTES = 1 << 20,
	SPLICE_MAX = PIPE_BYTES,
	SPLICE_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK,
};

enum step { STEP_MORE, STEP_WAIT, STEP_BROKEN };

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/*
 * A large pipe halves the cost of a byte. Where the kernel's limit for this user is reached (64 such pipes
 * by default, pipe(7)) it stays small, which bounds what stalled connections can pin.
 */
static int pipe_make(int pipe[2])
{
	if (pipe2(pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	(void)fcntl(pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

static int pipe_take(struct relay_core *c, struct relay_way *w)
{
	if (w->pipe[0] >= 0)
		return 0;
	if (c->spare_pipes == 0)
		return pipe_make(w->pipe);
	c->spare_pipes--;
	w->pipe[0] = c->spare[c->spare_pipes].end[0];
	w->pipe[1] = c->spare[c->spare_pipes].end[1];
	return 0;
}

/* An empty pipe is kept for the next direction that needs one; one that holds data is closed. */
void relay_way_drop(struct relay_core *c, struct relay_way *w)
{
	if (w->pipe[0] < 0)
		return;
	if (w->held == 0 && c->spare_pipes < RELAY_SPARE_PIPES) {
		c->spare[c->spare_pipes].end[0] = w->pipe[0];
		c->spare[c->spare_pipes].end[1] = w->pipe[1];
		c->spare_pipes++;
	} else {
		close(w->pipe[0]);
		close(w->pipe[1]);
	}
	w->pipe[0] = w->pipe[1] = -1;
	w->held = 0;
}

static enum step way_flush(struct relay_core *c, struct relay_way *w, int to)
{
	ssize_t n = splice(w->pipe[0], NULL, to, NULL, w->held, SPLICE_FLAGS);

	w->waits = n < 0 && would_block();
	if (n <= 0)
		return w->waits ? STEP_WAIT : STEP_BROKEN;
	w->held -= (uint32_t)n;
	if (w->held == 0)
		relay_way_drop(c, w);
	return STEP_MORE;
}

/* What the receiver did not take: at most RELAY_COPY_BYTES, which an empty pipe always holds. */
static enum step way_keep(struct relay_way *w, const uint8_t *bytes, size_t n)
{
	if (write(w->pipe[1], bytes, n) != (ssize_t)n)
		return STEP_BROKEN;
	w->held = (uint32_t)n;
	return STEP_MORE;
}

/*
 * Without a pipe to keep what is not taken (no descriptor is left for one): what is sent is read only then.
 * One call more, and nothing is held.
 */
static enum step way_peek(struct relay_core *c, struct relay_way *w, int from, int to)
{
	uint8_t *buf = c->datagram;
	ssize_t n = recv(from, buf, RELAY_COPY_BYTES, MSG_DONTWAIT | MSG_PEEK), sent;

	if (n < 0)
		return would_block() ? STEP_WAIT : STEP_BROKEN;
	w->ended = n == 0;
	if (n == 0)
		return STEP_MORE;
	sent = send(to, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	w->waits = sent < 0 && would_block();
	if (sent < 0)
		return w->waits ? STEP_WAIT : STEP_BROKEN;
	return recv(from, buf, (size_t)sent, MSG_DONTWAIT | MSG_TRUNC) == sent ? STEP_MORE : STEP_BROKEN;
}

static enum step way_copy(struct relay_core *c, struct relay_way *w, int from, int to)
{
	uint8_t *buf = c->datagram; /* shared with UDP: nothing in it outlives a call */
	ssize_t n = recv(from, buf, RELAY_COPY_BYTES, MSG_DONTWAIT), sent;

	if (n < 0)
		return would_block() ? STEP_WAIT : STEP_BROKEN;
	w->ended = n == 0;
	if (n == 0)
		return STEP_MORE;
	w->bulk = n == RELAY_COPY_BYTES;
	sent = send(to, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && !would_block())
		return STEP_BROKEN;
	if (sent < 0)
		sent = 0;
	if (sent < n)
		return way_keep(w, buf + sent, (size_t)(n - sent));
	/* A short read took all there was: what comes later is told by an event of its own. */
	return w->bulk || w->ending ? STEP_MORE : STEP_WAIT;
}

static enum step way_splice(struct relay_way *w, int from)
{
	ssize_t n = splice(from, NULL, w->pipe[1], NULL, SPLICE_MAX, SPLICE_FLAGS);

	w->bulk = n >= RELAY_COPY_BYTES;
	if (n < 0)
		return would_block() ? STEP_WAIT : STEP_BROKEN;
	w->ended = n == 0;
	w->held = (uint32_t)n;
	return STEP_MORE;
}

/* A pipe is at hand before anything is read, so that what the receiver does not take has a place. */
static enum step way_read(struct relay_core *c, struct relay_way *w, int from, int to)
{
	enum step r;

	if (pipe_take(c, w) < 0)
		return way_peek(c, w, from, to);
	r = w->bulk ? way_splice(w, from) : way_copy(c, w, from, to);
	if (w->held == 0)
		relay_way_drop(c, w);
	return r;
}

static enum step way_step(struct relay_core *c, struct relay_way *w, int from, int to)
{
	if (w->held)
		return way_flush(c, w, to);
	if (w->closed)
		return STEP_WAIT;
	if (!w->ended)
		return way_read(c, w, from, to);
	w->closed = true;
	return shutdown(to, SHUT_WR) < 0 ? STEP_BROKEN : STEP_WAIT;
}

enum relay_pump relay_way_pump(struct relay_core *c, struct relay_way *w, int from, int to)
{
	for (unsigned i = 0; i < PUMP_ROUNDS; i++) {
		switch (way_step(c, w, from, to)) {
		case STEP_WAIT:
			return RELAY_PUMP_WAIT;
		case STEP_BROKEN:
			return RELAY_PUMP_BROKEN;
		case STEP_MORE:
			break;
		}
	}
	return RELAY_PUMP_MORE;
}
