/* SPDX-License-Identifier: Apache-2.0 */
/* The order of steps into an OCI container. See space.h for the picture. After the clone nothing is allocated. */
#include "boundary/space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "boundary/become.h"
#include "boundary/hooks.h"
#include "boundary/inside_parts.h"
#include "boundary/mountfd.h"
#include "boundary/rlimit.h"

enum { HELD_SYNC, HELD_START, HELD_APPARMOR, HELD_SELINUX, HELD_LISTENER };
enum { PROC_ROOT_INO = 1 };

/* ---- the usher ---- */

/* Whether this user namespace lets nobody change groups (user_namespaces(7)). */
static bool groups_are_denied(void)
{
	char text[8] = "";
	autoclose int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strncmp(text, "deny", 4) == 0;
}

int space_enter_groups(const struct space *s)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (io_write_knob(s->groups[i].fd, "tasks", "0") < 0)
			return -1;
	return 0;
}

/* What only the host's privileges can do: higher hard limits, a lower OOM score. */
static int set_host_limits(const struct spawn *sp, struct err *e)
{
	const struct oci_how *how = sp->space->more.how;
	char score[16];

	for (size_t i = 0; i < sp->space->more.n_rlimits; i++)
		if (rlimit_raise(&sp->space->more.rlimits[i], e) < 0)
			return -e->code;
	if (!how->has_oom_score)
		return 0;
	snprintf(score, sizeof(score), "%d", how->oom_score);
	if (io_write_knob(AT_FDCWD, "/proc/self/oom_score_adj", score) == 0)
		return 0;
	err_errno(e, "can't set the OOM score of %s to %s", sp->app->name, score);
	return err_try(e, "choose a higher oomScoreAdj   (a lower one than now needs CAP_SYS_RESOURCE)");
}

/* Those of other user namespaces first, with the host's rights; what that refuses, after the user namespace. */
static int join_others(const struct space *s, uint32_t *todo)
{
	for (size_t i = 0; i < s->n_joins; i++) {
		const struct oci_join *j = &s->oci->joins.v[i];

		if (j->type == CLONE_NEWUSER || j->type == CLONE_NEWTIME || !(*todo >> i & 1))
			continue;
		if (setns(s->join_fds[i], (int)j->type) == 0)
			*todo &= ~(1u << i);
		else if (errno != EPERM)
			return -1;
	}
	return 0;
}

static int join_user(const struct space *s)
{
	for (size_t i = 0; i < s->n_joins; i++) {
		if (s->oci->joins.v[i].type != CLONE_NEWUSER)
			continue;
		if (setns(s->join_fds[i], CLONE_NEWUSER) < 0)
			return -1;
		(void)!become_ids(0, 0, NULL, 0, groups_are_denied());
	}
	return 0;
}

static int join_by_path(const struct spawn *sp, struct err *e)
{
	const struct space *s = sp->space;
	uint32_t todo = (1u << s->n_joins) - 1;

	for (size_t i = 0; i < s->n_joins; i++)
		if (s->oci->joins.v[i].type == CLONE_NEWUSER || s->oci->joins.v[i].type == CLONE_NEWTIME)
			todo &= ~(1u << i);
	if (join_others(s, &todo) == 0 && join_user(s) == 0 && (!todo || join_others(s, &todo) == 0) && !todo)
		return 0;
	return err_errno(e, "can't enter a namespace that %s was given by path", sp->app->name);
}

int space_join(const struct spawn *sp, struct err *e)
{
	const struct space *s = sp->space;

	if (set_host_limits(sp, e) < 0)
		return -e->code;
	if (s->enter_pidfd < 0)
		return join_by_path(sp, e);
	if (setns(s->enter_pidfd, s->enter_flags) < 0)
		return err_errno(e, "can't enter the namespaces of %s", sp->app->name);
	if (s->enter_flags & CLONE_NEWUSER)
		(void)!become_ids(0, 0, NULL, 0, groups_are_denied());
	return 0;
}

/* ---- the process: its namespaces ---- */

static int wait_word(int fd, char word, struct err *e)
{
	char got = 0;

	if (io_read_full(fd, &got, 1) == 1 && got == word)
		return 0;
	return err_new(e, ERR_FAILED, "the runtime that makes this container is gone");
}

static int say_word(int fd, char word, struct err *e)
{
	return send(fd, &word, 1, MSG_NOSIGNAL) == 1 ? 0 : err_errno(e, "the runtime that makes this container is gone");
}

static int write_offset(int fd, const char *clock, const struct oci_time_offset *o)
{
	char text[96];

	if (o->secs == 0 && o->nanosecs == 0)
		return 0;
	int n = snprintf(text, sizeof(text), "%s %lld %u\n", clock, (long long)o->secs, o->nanosecs);
	return write(fd, text, (size_t)n) == n ? 0 : -1;
}

/* Offsets must be written before anybody lives in it (time_namespaces(7)). */
static int enter_time(const struct space *s, struct err *e)
{
	if (s->time_fd >= 0)
		return setns(s->time_fd, CLONE_NEWTIME) < 0 ? err_errno(e, "can't enter the time namespace") : 0;
	if (s->sync_fd < 0 || !s->oci || !(s->oci->fresh & CLONE_NEWTIME))
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_errno(e, "can't make a time namespace");
	autoclose int offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	autoclose int ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

	if (offsets < 0 || ns < 0 || write_offset(offsets, "monotonic", &s->oci->config->linux_.time_offsets.monotonic) < 0 ||
	    write_offset(offsets, "boottime", &s->oci->config->linux_.time_offsets.boottime) < 0 || setns(ns, CLONE_NEWTIME) < 0)
		return err_errno(e, "can't set the clocks of the time namespace");
	return 0;
}

static int set_names(const struct space *s, struct err *e)
{
	const struct oci_config *c = s->oci->config;

	if (c->hostname && *c->hostname && sethostname(c->hostname, strlen(c->hostname)) < 0)
		return err_errno(e, "can't set the host name %.64s", c->hostname);
	if (c->domainname && *c->domainname && setdomainname(c->domainname, strlen(c->domainname)) < 0)
		return err_errno(e, "can't set the domain name %.64s", c->domainname);
	return 0;
}

static int raise_loopback(const struct space *s, struct err *e)
{
	struct ifreq lo = { .ifr_name = "lo" };

	if (!(s->oci->fresh & CLONE_NEWNET))
		return 0;
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_errno(e, "can't open a socket to bring up the loopback");
	lo.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(sock, SIOCSIFFLAGS, &lo) < 0 ? err_errno(e, "can't bring up the loopback") : 0;
}

/* "net.ipv4.conf.eth0.x" to a path; with slashes, dots are ordinary (sysctl(8)). */
static int set_sysctl(int sysfd, const char *assignment, struct err *e)
{
	const char *equals = strchr(assignment, '=');
	char path[256];
	size_t n = equals ? (size_t)(equals - assignment) : sizeof(path);

	if (n >= sizeof(path))
		return err_new(e, ERR_USAGE, "config.json: linux.sysctl %.80s is no sysctl", assignment);
	memcpy(path, assignment, n);
	path[n] = 0;
	for (char *c = path; !memchr(assignment, '/', n) && *c; c++)
		if (*c == '.')
			*c = '/';
	return io_write_knob(sysfd, path, equals + 1) == 0 ? 0 : err_errno(e, "can't set the sysctl %.120s", assignment);
}

static int set_sysctls(const struct space *s, struct err *e)
{
	char *const *all = s->oci->config->linux_.sysctl;

	if (!all || !*all)
		return 0;
	autoclose int sysfd = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (; sysfd >= 0 && *all; all++)
		if (set_sysctl(sysfd, *all, e) < 0)
			return -e->code;
	return sysfd < 0 ? err_errno(e, "can't open /proc/sys") : 0;
}

/* On the host's /proc, which nobody in the container can fake (CVE-2019-16884). */
/*
 * A file of this process's own in /proc. In exec that is the container's /proc, which may be anything: it must be the root
 * of a proc file system, and nothing on the way may be mounted over (CVE-2019-16884, CVE-2025-52881). Close when done.
 */
static int open_own_proc(const char *file)
{
	autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char self[16] = "", path[64];
	struct statfs fs;
	struct stat st;

	if (proc < 0 || fstatfs(proc, &fs) < 0 || fstat(proc, &st) < 0 || readlinkat(proc, "self", self, sizeof(self) - 1) < 0)
		return -1;
	if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INO) {
		errno = EPERM;
		return -1;
	}
	snprintf(path, sizeof(path), "%s/attr/%s", self, file);
	return path_open_same_mount(proc, path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
}

static int open_label(const char *label, const char *file, const char *fallback, int *ret, struct err *e)
{
	if (!label)
		return 0;
	*ret = open_own_proc(file);
	if (*ret < 0 && fallback)
		*ret = open_own_proc(fallback);
	if (*ret >= 0)
		return 0;
	bool lacks = errno == ENOENT;

	err_errno(e, "can't give the process the label %.80s", label);
	return err_because(e, lacks ? "this host's kernel has no such security module"
				     : "/proc does not show the process itself, or something is mounted over it");
}

/* ---- the process: from its root to the exec ---- */

/* The gate (confine.h): all is settled, nothing given up yet. */
static void wait_for_start(const struct confine *c, const int held[CONFINE_HELD], int *status_fd)
{
	struct space *s = c->more->context;
	const struct oci_config *config = s->oci->config;
	struct err e = {};

	s->listener_sock = held[HELD_LISTENER];
	confine_check_program(c, *status_fd);
	if (held[HELD_SYNC] >= 0 && say_word(held[HELD_SYNC], SPACE_CREATED, &e) < 0)
		confine_fail(*status_fd, &e);
	if (held[HELD_START] >= 0) {
		int starter = accept4(held[HELD_START], NULL, NULL, SOCK_CLOEXEC);

		if (starter < 0 || dup3(starter, *status_fd, O_CLOEXEC) < 0)
			_exit(ERR_ROCKET);
		close(starter);
	}
	if (held[HELD_SYNC] >= 0 && hooks_run(config, OCI_START_CONTAINER, s->state, &e) < 0)
		confine_fail(*status_fd, &e);
}

static int prepare_namespaces(const struct spawn *sp, struct err *e)
{
	const struct space *s = sp->space;

	if (s->waits_for_ids && wait_word(s->sync_fd, SPACE_MAPPED, e) < 0)
		return -e->code;
	if (s->oci && s->oci->fresh & CLONE_NEWUSER)
		(void)!become_ids(0, 0, NULL, 0, groups_are_denied());
	if (enter_time(s, e) < 0)
		return -e->code;
	if (s->sync_fd < 0 || !s->oci)
		return 0;
	if (set_names(s, e) < 0 || raise_loopback(s, e) < 0 || set_sysctls(s, e) < 0)
		return -e->code;
	return 0;
}

/* A length, then a text. NULL: nobody wants it, and it is empty. */
static int receive_text(int fd, char *text, struct err *e)
{
	uint32_t len = 0;

	if (io_read_full(fd, &len, sizeof(len)) != sizeof(len) || len >= SPACE_STATE_MAX || (len && !text) ||
	    (len && io_read_full(fd, text, len) != (ssize_t)len))
		return err_new(e, ERR_FAILED, "the runtime that makes this container is gone");
	if (text)
		text[len] = 0;
	return 0;
}

static int run_host_hooks(const struct space *s, struct err *e)
{
	if (!s->waits_for_hooks)
		return 0;
	if (say_word(s->sync_fd, SPACE_MOUNTED, e) < 0 || wait_word(s->sync_fd, SPACE_GO, e) < 0 ||
	    receive_text(s->sync_fd, s->state, e) < 0 || receive_text(s->sync_fd, s->listener, e) < 0)
		return -e->code;
	return hooks_run(s->oci->config, OCI_CREATE_CONTAINER, s->state, e);
}

static int leave_host(const struct spawn *sp, int root, struct err *e)
{
	const struct space *s = sp->space;

	if (fchdir(root) < 0)
		return err_errno(e, "can't enter the root of %s", sp->app->name);
	if (!s->no_pivot)
		return inside_leave_host_root(sp->app->name, e);
	/* On a rootfs or ramfs there is nothing to pivot from. What lies below stays mounted. */
	if (chroot(".") < 0 || chdir("/") < 0)
		return err_errno(e, "can't make %s the root", s->root_path);
	return 0;
}

static int set_root_read_only(const struct spawn *sp, int root, struct err *e)
{
	if (sp->app->read_only && mountfd_setattr(root, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		return err_errno(e, "can't make the root read-only");
	return 0;
}

static int set_root_propagation(const struct oci_plan *p, int root, struct err *e)
{
	enum { SLAVE = 1 << 19 };

	if (!p->root_propagation || p->root_propagation == SLAVE ||
	    mountfd_propagate(root, p->root_propagation, p->root_propagation_recursive) == 0)
		return 0;
	return err_errno(e, "can't set the root's propagation");
}

static int enter_root(const struct spawn *sp, int *ret_tty, struct err *e)
{
	const struct space *s = sp->space;
	autoclose int root = -1;

	if (!(s->oci->namespaces & CLONE_NEWNS)) {
		root = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return err_errno(e, "can't open the root %s", s->root_path);
		int r = run_host_hooks(s, e);
		if (r == 0 && (fchdir(root) < 0 || chroot(".") < 0))
			r = err_errno(e, "can't make %s the root", s->root_path);
		return r;
	}
	if (space_attach_root(s, &root, e) < 0 || space_attach_mounts(s, root, e) < 0 || space_make_devices(s, root, e) < 0)
		return -e->code;
	if (sp->app->tty &&
	    inside_open_tty(root, sp->app->name, sp->app->uid, s->console_sock, ret_tty, e) < 0)
		return -e->code;
	if (space_close_views(s, root, e) < 0 || run_host_hooks(s, e) < 0 || set_root_read_only(sp, root, e) < 0)
		return -e->code;
	return leave_host(sp, root, e) < 0 ? -e->code : set_root_propagation(s->oci, root, e);
}

/* A second terminal in a container that runs: by its own devpts, through the root that this process has already. */
static int open_exec_tty(const struct spawn *sp, int *ret_tty, struct err *e)
{
	autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_errno(e, "can't open the root of %s", sp->app->name);
	return inside_make_tty(root, sp->app->name, sp->uid, sp->space->console_sock, ret_tty, e);
}

void space_enter(const struct spawn *sp, struct confine *c, int status_fd, int *ret_tty)
{
	struct space *s = sp->space;
	struct err e = {};

	if (prepare_namespaces(sp, &e) < 0)
		confine_fail(status_fd, &e);
	c->keep_groups = groups_are_denied();
	for (int i = 0; i < CONFINE_HELD; i++)
		s->more.held[i] = -1;
	s->more.held[HELD_SYNC] = s->sync_fd;
	s->more.held[HELD_START] = s->start_fd;
	s->more.held[HELD_LISTENER] = s->listener_sock;
	s->more.apparmor_fd = s->more.how->apparmor ? HELD_APPARMOR + 1 : 0;
	s->more.selinux_fd = s->more.how->selinux ? HELD_SELINUX + 1 : 0;
	if (open_label(s->more.how->apparmor, "apparmor/exec", "exec", &s->more.held[HELD_APPARMOR], &e) < 0 ||
	    open_label(s->more.how->selinux, "exec", NULL, &s->more.held[HELD_SELINUX], &e) < 0)
		confine_fail(status_fd, &e);
	int r = s->sync_fd >= 0 ? enter_root(sp, ret_tty, &e) : sp->tty ? open_exec_tty(sp, ret_tty, &e) : 0;
	if (r < 0)
		confine_fail(status_fd, &e);
	s->more.gate = wait_for_start;
	s->more.context = s;
	s->more.load = s->listener_sock >= 0 ? space_load_filter : NULL;
	c->more = &s->more;
}
