/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by link: FROM has a named pipe /run/rocket/signal/TO, and each line that it writes there ("HUP") is a signal
 * that we send to TO's process, when the link names it. Between process tables that don't see each other no process
 * can name another, so kill(2) itself has no form here; what a script does with a pid file it does with this file.
 * What is written is an app's: lines are bounded, and whatever is no declared name is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pod/signals.h"
#include "supervise/links.h"
#include "supervise/supervisor.h"

static bool is_declared(const struct link *l, uint32_t number)
{
	struct err ignored = {};
	uint32_t n;

	for (char **s = l->signals; s && *s; s++)
		if (signal_parse(*s, &n, &ignored) == 0 && n == number)
			return true;
	return false;
}

/* The event is written once a link: an app can't fill the disk with it. */
static void refuse(struct link_run *run, const struct link *l, const char *word)
{
	if (run->refusal_told)
		return;
	run->refusal_told = true;
	supervisor_event(run->s, "signal-refused", supervisor_find_app(run->s, l->from),
			 arena_printf(&run->s->arena, "%s wanted %s for %s, and the link says: %s", l->from, word, l->to, l->text));
}

static void obey(struct link_run *run)
{
	const struct link *l = &run->s->plan.links.v[run->number];
	struct app *to = supervisor_find_app(run->s, l->to);
	struct err ignored = {};
	uint32_t number;

	if (run->word_len == 0)
		return;
	run->word[run->word_len < sizeof(run->word) ? run->word_len : sizeof(run->word) - 1] = 0;
	for (char *c = run->word; *c; c++)
		if (*c < '+' || *c > 'z')
			*c = '?';
	if (run->word_len >= sizeof(run->word) || signal_parse(run->word, &number, &ignored) < 0 ||
	    !is_declared(l, number))
		refuse(run, l, run->word);
	else if (to->status->state == APP_RUNNING || to->status->state == APP_STOPPING)
		app_signal(to, (int)number);
	run->word_len = 0;
}

static void take(struct link_run *run, char c)
{
	if (c == '\n' || c == ' ' || c == 0) {
		obey(run);
		return;
	}
	if (run->word_len < sizeof(run->word))
		run->word[run->word_len++] = c;
}

static void on_orders(struct loop_source *source, uint32_t events)
{
	struct link_run *run = source->owner;
	char bytes[256];
	ssize_t n = read(source->fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		take(run, bytes[i]);
	/* A write without a line's end, as printf(1) makes it: it came whole (PIPE_BUF). */
	if (n > 0 && n < (ssize_t)sizeof(bytes))
		obey(run);
}

/* Open for both, so that it never ends while nobody writes. */
int link_signals_open(struct supervisor *s, size_t number, struct err *e)
{
	const struct link *l = &s->plan.links.v[number];
	struct link_run *run = link_run_of(s, number);
	int r = link_make_fifo(s, l, e);
	int fd;

	if (r < 0)
		return r;
	fd = openat(s->links->folder_fd, link_file(&s->arena, l), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, "can't open the named pipe of the link %s", l->text);
	r = loop_watch(&s->loop, &run->orders, fd, EPOLLIN, on_orders, run, e);
	if (r < 0)
		close(fd);
	return r;
}
