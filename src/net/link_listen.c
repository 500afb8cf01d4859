/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets in another's namespaces: made by a short-lived child that shares our memory and descriptors, so that we
 * stay where we are. What it makes is simply there when it is gone. setns(2), ip(7), unix(7).
 */
#include "net/link_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "boundary/become.h"
#include "boundary/clone_usher.h"
#include "net/relay_address.h"

enum { CHILD_STACK = 64 << 10, BACKLOG = 4096, STANDS = 3 };

/* ---- the child ---- */

struct visit {
	int pidfd, namespaces;
	int (*make)(struct visit *v); /* 0 or -errno */
	const void *what;
	struct relay_socket sockets[STANDS];
	size_t n;
	int error;
	bool at_loopback; /* where it failed */
};

static int visit_main(void *arg)
{
	struct visit *v = arg;

	v->error = v->namespaces && setns(v->pidfd, v->namespaces) < 0 ? -errno : v->make(v);
	return 0;
}

/* 0 or -errno, of the visit itself or of what it made. */
static int visit_go(struct visit *v)
{
	[[gnu::uninitialized]] alignas(16) char stack[CHILD_STACK];
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES,
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	long pid;

	v->error = -ECHILD;
	pid = clone_usher(&args, visit_main, v);
	if (pid < 0)
		return (int)pid;
	while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return v->error;
}

static void visit_forget(struct visit *v)
{
	while (v->n)
		close(v->sockets[--v->n].fd);
}

/* ---- tcp and udp ---- */

static int add_stand(struct visit *v, const union relay_addr *addr)
{
	const struct link_listen *l = v->what;
	int fd = relay_socket_listen(addr, l->proto);

	if (fd < 0)
		return -errno;
	v->sockets[v->n++] = (struct relay_socket){
		.fd = fd, .port = l->port, .app_port = l->app_port, .family = (uint8_t)addr->any.sa_family
	};
	return 0;
}

static bool may_lack(const struct link_listen *l, int error)
{
	bool no_family = error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;

	return no_family || (error == -EADDRINUSE && !l->must_loopback);
}

static int make_ports(struct visit *v)
{
	const struct link_listen *l = v->what;
	union relay_addr own = {}, v4, v6;
	int r = 0;

	own.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(l->port), .sin_addr = { l->address } };
	relay_address_app(AF_INET, l->port, &v4);
	relay_address_app(AF_INET6, l->port, &v6);
	if (l->address)
		r = add_stand(v, &own);
	if (r < 0 || !l->loopback)
		return r;
	v->at_loopback = true;
	r = add_stand(v, &v4);
	if (r == 0 || may_lack(l, r)) {
		r = add_stand(v, &v6);
		r = r < 0 && may_lack(l, r) ? 0 : r;
	}
	return r;
}

static int explain(const struct link_listen *l, int error, struct err *e)
{
	errno = -error;
	if (error != -EADDRINUSE)
		return err_errno(e, "can't listen for the link %s", l->text);
	err_new(e, ERR_BUSY, "can't listen for the link %s: port %u is taken", l->text, l->port);
	err_because(e, "an app in the asker's network answers at that port on every address");
	return err_try(e, "ask at another port: PORT:%u", l->app_port);
}

int link_listen(const struct link_listen *l, struct relay_sockets *ret, struct err *e)
{
	struct visit v = { .pidfd = l->pidfd, .namespaces = l->namespaces, .make = make_ports, .what = l };
	struct relay_sockets s = { .port = l->port, .app_port = l->app_port, .app_port_end = l->app_port, .proto = l->proto };
	int r = visit_go(&v);

	if (r == 0) {
		s.v = calloc(STANDS, sizeof(*s.v));
		r = s.v ? 0 : -ENOMEM;
	}
	if (r < 0) {
		visit_forget(&v);
		return explain(l, r, e);
	}
	for (size_t i = 0; s.v && i < v.n; i++)
		s.v[i] = v.sockets[i];
	s.n = v.n;
	*ret = s;
	return 0;
}

/* ---- unix ---- */

static int bind_unix(int fd, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t n = strlen(name);

	if (n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, name, n);
	if (*name == '@')
		addr.sun_path[0] = 0;
	return bind(fd, (struct sockaddr *)&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0 ? -errno : 0;
}

/* listen(2) takes down who listens, for SO_PEERCRED: the one who will answer, not us. */
static int make_unix(struct visit *v)
{
	const struct link_listen_unix *l = v->what;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_unix(fd, l->name);

	if (r == 0 && become_ids(l->uid, l->gid, NULL, 0, l->keep_groups) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		return r;
	v->sockets[v->n++].fd = take_fd(&fd);
	return 0;
}

int link_listen_unix(const struct link_listen_unix *l, int *ret_fd, struct err *e)
{
	struct visit v = { .pidfd = l->pidfd, .namespaces = l->namespaces, .make = make_unix, .what = l };
	int r = visit_go(&v);

	if (r == 0) {
		*ret_fd = v.sockets[0].fd;
		return 0;
	}
	errno = -r;
	err_errno(e, "can't listen for the link %s", l->text);
	return r == -EADDRINUSE ? err_recode(e, ERR_BUSY) : -e->code;
}
