/* SPDX-License-Identifier: Apache-2.0 */
/* Programs beside apps: start, signals, end. See entered.h. */
#include "supervise/entered.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervise/control.h"
#include "supervise/supervisor.h"

static struct entered *find_free(struct supervisor *s, struct err *e)
{
	for (size_t i = 0; i < ENTERED_MAX; i++)
		if (!s->rare->entered[i].used)
			return &s->rare->entered[i];
	err_new(e, ERR_BUSY, "%d programs were entered into the pod and still run", ENTERED_MAX);
	err_try(e, "rocket top %s", s->plan.name);
	return NULL;
}

static void release(struct entered *en)
{
	loop_forget(&en->s->loop, &en->exec_source);
	loop_forget(&en->s->loop, &en->exit_source);
	cleanup_close(&en->proc.status_fd);
	cleanup_close(&en->proc.pidfd);
	/* The loop may still hold an event of this turn for it. */
	*en = (struct entered){ .exec_source.fd = -1, .exit_source.fd = -1 };
}

static struct client *part(struct entered *en)
{
	struct client *c = en->client;

	if (c)
		c->entered = NULL;
	en->client = NULL;
	return c;
}

/* What was not executed ends by itself; its client learns why. */
static void on_exec(struct loop_source *source, uint32_t events)
{
	struct entered *en = source->owner;
	struct err e = {};

	loop_forget(&en->s->loop, source);
	if (spawn_wait_exec(&en->proc, &e) < 0)
		server_refuse(part(en), &e);
}

static void end(struct entered *en, const siginfo_t *info)
{
	if (en->proc.status_fd >= 0)
		on_exec(&en->exec_source, 0);
	server_finish(part(en), info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status);
	release(en);
}

static void on_exit_ready(struct loop_source *source, uint32_t events)
{
	struct entered *en = source->owner;
	siginfo_t info = {};

	if (waitid(P_PIDFD, (id_t)en->proc.pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid)
		end(en, &info);
}

static int watch(struct entered *en, struct err *e)
{
	struct loop *l = &en->s->loop;
	int r = loop_watch(l, &en->exec_source, en->proc.status_fd, EPOLLIN, on_exec, en, e);

	if (r == 0)
		r = loop_watch(l, &en->exit_source, en->proc.pidfd, EPOLLIN, on_exit_ready, en, e);
	return r;
}

/* The app's environment, and over it what was asked for. */
static char *const *merge_env(struct arena *a, char *const *own, char *const *asked)
{
	char **all = NULL;

	for (; own && *own; own++) {
		size_t n = strcspn(*own, "=") + 1;
		bool replaced = false;

		for (char *const *w = asked; w && *w; w++)
			replaced |= strncmp(*own, *w, n) == 0;
		if (!replaced)
			arena_strv_add(a, &all, *own);
	}
	for (; asked && *asked; asked++)
		arena_strv_add(a, &all, *asked);
	return all ?: arena_alloc(a, sizeof(char *));
}

static int start(struct entered *en, const struct app *a, const struct control_request *r, const int stdio[3],
		 struct err *e)
{
	[[gnu::uninitialized]] struct seccomp_program program;
	autoarena arena = {};
	struct spawn spawn = {
		.plan = &en->s->plan,
		.app = a->plan,
		.cgroup_host = &en->s->cgroup_host,
		.cgroup = &a->cgroup,
		.sandbox_pidfd = -1,
		.pid_holder_pidfd = -1,
		.enter_pidfd = a->proc.pidfd,
		.argv = r->argv,
		.env = merge_env(&arena, a->plan->env, r->env),
		.workdir = r->workdir,
		.has_user = r->has_user,
		.uid = r->uid,
		.gid = r->gid,
		.groups = r->groups,
		.stdio = { stdio[0], stdio[1], stdio[2] },
		.tty = r->tty,
		.console_sock = -1,
	};
	int err = seccomp_for_app(a->plan, en->s->pod.fd, &program, &spawn.seccomp, e);

	return err < 0 ? err : spawn_process(&spawn, &en->proc, e);
}

static int check(const struct supervisor *s, const struct control_request *r, struct err *e)
{
	if (!r->argv || !*r->argv || (r->workdir && *r->workdir != '/'))
		return err_new(e, ERR_USAGE, "the request names no program, or a working directory that is no absolute path");
	if (!s->status.paused)
		return 0;
	err_new(e, ERR_STATE, "the pod %s is paused", s->plan.name);
	err_because(e, "whoever goes into a frozen control group is frozen, and its maker waits for it");
	return err_try(e, "rocket unpause %s", s->plan.name);
}

int entered_begin(struct client *c, struct app *a, const struct control_request *r, const int stdio[3], struct err *e)
{
	struct entered *en = check(c->s, r, e) < 0 ? NULL : find_free(c->s, e);

	if (!en)
		return -e->code;
	*en = (struct entered){ .s = c->s, .app = a, .proc = SPAWNED_NONE, .exec_source.fd = -1, .exit_source.fd = -1 };
	int err = start(en, a, r, stdio, e);
	if (err == 0) {
		en->used = true;
		err = watch(en, e);
	}
	if (err < 0 && en->used) {
		kill(en->proc.pid, SIGKILL);
		while (waitpid(en->proc.pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	if (err < 0) {
		release(en);
		return err;
	}
	en->client = c;
	c->entered = en;
	return 0;
}

void entered_on_packet(struct client *c, const char *packet, size_t n)
{
	if (n == 2 && packet[0] == 's')
		syscall(SYS_pidfd_send_signal, c->entered->proc.pidfd, (int)packet[1], NULL, 0);
}

void entered_forget(struct client *c)
{
	if (c->entered)
		(void)!part(c->entered);
}

void entered_end(struct supervisor *s, const struct app *a)
{
	for (size_t i = 0; i < ENTERED_MAX; i++) {
		struct entered *en = &s->rare->entered[i];
		siginfo_t info = {};

		if (!en->used || (a && en->app != a))
			continue;
		syscall(SYS_pidfd_send_signal, en->proc.pidfd, SIGKILL, NULL, 0);
		while (waitid(P_PIDFD, (id_t)en->proc.pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
		end(en, &info);
	}
}
