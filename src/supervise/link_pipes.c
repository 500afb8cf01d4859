/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that are pipes. Nobody but the two apps touches what flows: we make the pipe, hand its ends out at each start
 * and keep them only as long as a start may still follow. So the reader sees the end of file when the last writer is
 * over for good, and a writer EPIPE when the reader is. pipe(7), fifo(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervise/links.h"
#include "supervise/supervisor.h"

enum pipe_end { READ, WRITE };

/*
 * Whoever opens the pipe by its name (/dev/stdout, a fifo's path) is asked for by its inode: FROM's user writes, TO's
 * group reads; one user does both.
 */
struct pipe_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static struct pipe_owner owner_for(const struct supervisor *s, const struct link *l)
{
	const struct plan_app *from = plan_find_app(&s->plan, l->from), *to = plan_find_app(&s->plan, l->to);
	uid_t base = s->plan.ids.base;

	return (struct pipe_owner){
		.uid = base + from->uid,
		.gid = base + to->gid,
		.mode = from->uid == to->uid ? 0600 : 0240,
	};
}

/* ---- standard streams ---- */

static bool leads_to(const struct link *l, const char *app)
{
	return link_is_open(l) && link_is_stream(l) && strcmp(l->to, app) == 0;
}

/* The first link into the app's stdin. */
static const struct link *find_feeder(const struct supervisor *s, const char *app)
{
	for (size_t i = 0; i < s->plan.links.n; i++)
		if (leads_to(&s->plan.links.v[i], app))
			return &s->plan.links.v[i];
	return NULL;
}

static struct link_pipe *pipe_into(struct supervisor *s, const char *app)
{
	return &s->links->pipes[supervisor_find_app(s, app) - s->apps];
}

static void pipe_close(struct link_pipe *p)
{
	cleanup_close(&p->fd[READ]);
	cleanup_close(&p->fd[WRITE]);
	p->fd[READ] = p->fd[WRITE] = -1;
}

/* An end that was given up means that its side was over, and now starts anew: so does the pipe. */
static int pipe_need(struct supervisor *s, const struct link *l, enum pipe_end end, int *ret_fd,
		     struct err *e)
{
	struct link_pipe *p = pipe_into(s, l->to);
	const struct pipe_owner o = owner_for(s, l);

	if (p->fd[end] < 0) {
		pipe_close(p);
		if (pipe2(p->fd, O_CLOEXEC) < 0)
			return err_errno(e, "can't make the pipe of the link %s", l->text);
		if (fchown(p->fd[READ], o.uid, o.gid) < 0 || fchmod(p->fd[READ], o.mode) < 0)
			return err_errno(e, "can't give the pipe of the link %s away", l->text);
	}
	*ret_fd = fcntl(p->fd[end], F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_errno(e, "can't hand out the pipe of the link %s", l->text) : 0;
}

int links_take_stdin(struct supervisor *s, const struct app *a, int *ret_fd, struct err *e)
{
	const struct link *l = s->links ? find_feeder(s, a->plan->name) : NULL;

	*ret_fd = -1;
	return l ? pipe_need(s, l, READ, ret_fd, e) : 0;
}

static bool carries(const struct link *l, const char *app, enum log_stream stream)
{
	enum link_kind alone = stream == LOG_STDERR ? LINK_STDERR : LINK_STDOUT;

	return link_is_open(l) && (l->kind == alone || l->kind == LINK_OUTPUT) && strcmp(l->from, app) == 0;
}

int links_take_output(struct supervisor *s, const struct app *a, enum log_stream stream, int *ret_fd, struct err *e)
{
	*ret_fd = -1;
	for (size_t i = 0; s->links && i < s->plan.links.n; i++)
		if (carries(&s->plan.links.v[i], a->plan->name, stream))
			return pipe_need(s, &s->plan.links.v[i], WRITE, ret_fd, e);
	return 0;
}

int link_pipes_open(struct supervisor *s, struct err *e)
{
	size_t n = s->plan.apps.n;

	s->links->pipes = arena_alloc(&s->arena, n * sizeof(*s->links->pipes));
	for (size_t i = 0; i < n; i++)
		s->links->pipes[i] = (struct link_pipe){ { -1, -1 } };
	return 0;
}

void link_pipes_close(struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		pipe_close(&s->links->pipes[i]);
}

/* Do all that write into this app's stdin have their end behind them? */
static bool all_writers_over(struct supervisor *s, const char *to)
{
	for (size_t i = 0; i < s->plan.links.n; i++)
		if (leads_to(&s->plan.links.v[i], to) &&
		    supervisor_find_app(s, s->plan.links.v[i].from)->status->state != APP_EXITED)
			return false;
	return true;
}

void link_pipes_on_end(struct supervisor *s, const struct app *a)
{
	struct link_pipe *own = &s->links->pipes[a - s->apps];

	cleanup_close(&own->fd[READ]);
	own->fd[READ] = -1;
	for (size_t i = 0; i < s->plan.links.n; i++) {
		const struct link *l = &s->plan.links.v[i];
		struct link_pipe *p;

		if (!link_is_open(l) || !link_is_stream(l) || strcmp(l->from, a->plan->name) != 0 ||
		    !all_writers_over(s, l->to))
			continue;
		p = pipe_into(s, l->to);
		cleanup_close(&p->fd[WRITE]);
		p->fd[WRITE] = -1;
	}
}

/* ---- named pipes ---- */

int link_make_fifo(struct supervisor *s, const struct link *l, struct err *e)
{
	struct pipe_owner o = owner_for(s, l);
	const char *name = link_file(&s->arena, l);
	int dir = s->links->folder_fd;

	/* Orders for signals are read by us alone. */
	if (l->kind == LINK_SIGNAL)
		o.mode = 0200;
	if (mkfifoat(dir, name, 0) < 0 || fchownat(dir, name, o.uid, o.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, name, o.mode, 0) < 0)
		return err_errno(e, "can't make the named pipe of the link %s", l->text);
	return 0;
}
