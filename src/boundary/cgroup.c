/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: finding the hierarchies, making, entering and removing groups. What the limits are
 * called on either version is cgroup_limits.c's table. See cgroup.h.
 */
#include "boundary/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "boundary/cgroup_delegated.h"
#include "boundary/cgroup_limits.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Where v1 hosts mount each hierarchy: alone, or joined as systemd does. */
static const char *const v1_mounts[CGROUP_N][3] = {
	[CGROUP_PIDS] = { "pids" },
	[CGROUP_DEVICES] = { "devices" },
	[CGROUP_FREEZER] = { "freezer" },
	[CGROUP_MEMORY] = { "memory" },
	[CGROUP_CPU] = { "cpu", "cpu,cpuacct" },
	[CGROUP_CPUSET] = { "cpuset" },
	[CGROUP_IO] = { "blkio" },
	[CGROUP_HUGETLB] = { "hugetlb" },
	[CGROUP_UNIFIED] = { "unified" },
};

/* Hierarchies in which a pod has one group for all its apps: nothing there is set for an app alone. */
static bool is_pod_wide(enum cgroup_controller c)
{
	return c == CGROUP_DEVICES || c == CGROUP_FREEZER;
}

/* A group of the cgroup2 hierarchy freezes and kills without any controller: v1's freezer is for hosts without it. */
static bool is_used(const struct cgroup_host *h, const struct cgroup_settings *s, enum cgroup_controller c)
{
	switch (c) {
	case CGROUP_PIDS:
	case CGROUP_UNIFIED:
		return true;
	case CGROUP_FREEZER:
		return h->root_fd[CGROUP_UNIFIED] < 0;
	case CGROUP_DEVICES:
		return s->devices;
	default:
		return cgroup_settings_need(s, c);
	}
}

static int open_dir(int dirfd, const char *path)
{
	return openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A folder where nothing is mounted is a folder, and limits nothing. */
static int open_hierarchy(int rootfd, const char *name)
{
	struct statfs fs;
	autoclose int fd = open_dir(rootfd, name);

	if (fd < 0 || fstatfs(fd, &fs) < 0 || (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return -1;
	return take_fd(&fd);
}

static void open_v1(int rootfd, uint32_t which, struct cgroup_host *h)
{
	/* From the unified one down: a host without it freezes by v1's own hierarchy. */
	for (int c = CGROUP_N - 1; c >= 0; c--) {
		bool wanted = which >> c & 1 || (c == CGROUP_FREEZER && h->root_fd[CGROUP_UNIFIED] < 0);

		for (int i = 0; wanted && i < 3 && v1_mounts[c][i] && h->root_fd[c] < 0; i++)
			h->root_fd[c] = open_hierarchy(rootfd, v1_mounts[c][i]);
	}
}

int cgroup_host_open(uint32_t which, struct cgroup_host *ret, struct err *e)
{
	struct cgroup_host h = { .layout = CGROUP_LAYOUT_V1 };
	struct statfs fs;
	autoclose int rootfd = open_dir(AT_FDCWD, CGROUP_ROOT);

	if (rootfd < 0 || fstatfs(rootfd, &fs) < 0) {
		err_errno(e, "can't open %s", CGROUP_ROOT);
		return err_try(e, "mount -t cgroup2 none %s", CGROUP_ROOT);
	}
	for (int c = 0; c < CGROUP_N; c++)
		h.root_fd[c] = -1;
	if (fs.f_type == CGROUP2_SUPER_MAGIC) {
		h.layout = CGROUP_LAYOUT_V2;
		h.root_fd[CGROUP_UNIFIED] = take_fd(&rootfd);
	} else {
		open_v1(rootfd, which, &h);
	}
	*ret = h;
	return 0;
}

uint32_t cgroup_hierarchies_of(const struct plan *p)
{
	[[gnu::uninitialized]] struct cgroup_settings all;
	uint32_t which = 1 << CGROUP_PIDS | 1 << CGROUP_UNIFIED;

	/* An ordinary user has groups of the cgroup2 hierarchy or none (cgroup_delegated.h). */
	if (plan_is_rootless(p))
		return p->cgroup ? 1 << CGROUP_UNIFIED : 0;

	all.n = 0;
	cgroup_settings_add(&all, &p->limits);
	for (size_t i = 0; i <= p->apps.n; i++) {
		for (size_t k = 0; k < all.n; k++)
			which |= 1u << all.v[k].controller;
		all.n = 0;
		if (i < p->apps.n)
			cgroup_settings_add(&all, &p->apps.v[i].limits);
	}
	return cgroup_must_limit_devices(p) ? which | 1 << CGROUP_DEVICES : which;
}

void cgroup_host_close(struct cgroup_host *h)
{
	for (int c = 0; c < CGROUP_N; c++)
		if (h->root_fd[c] >= 0)
			close(h->root_fd[c]);
}

void cgroup_close(struct cgroup *c)
{
	for (int i = 0; i < CGROUP_N; i++)
		if (c->fd[i] >= 0)
			close(take_fd(&c->fd[i]));
}

void cgroup_pod_path(const struct cgroup_host *h, const char *id, char *ret, size_t cap)
{
	snprintf(ret, cap, "rocket-%s", id);
}

/* A folder that may be there already, opened. */
static int make_dir(int rootfd, const char *path)
{
	if (mkdirat(rootfd, path, 0755) < 0 && errno != EEXIST) {
		if (errno != ENOENT)
			return -1;
		/* The first pod on this host makes the parent. */
		char parent[256];
		const char *slash = strrchr(path, '/');

		if (!slash)
			return -1;
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (mkdirat(rootfd, parent, 0755) < 0 && errno != EEXIST)
			return -1;
		if (mkdirat(rootfd, path, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return open_dir(rootfd, path);
}

/* Copies FILE of the group above into the group at path when it is empty there. "" is the root. */
static int inherit_file(int rootfd, const char *path, size_t above_len, const char *file)
{
	char at[320], value[256] = "";
	ssize_t got;
	autoclose int own = -1;
	autoclose int above = -1;

	snprintf(at, sizeof(at), "%s/%s", path, file);
	own = openat(rootfd, at, O_RDWR | O_CLOEXEC);
	if (own < 0)
		return -1;
	if (read(own, value, sizeof(value)) > 1)
		return 0;
	snprintf(at, sizeof(at), "%.*s%s%s", (int)above_len, path, above_len ? "/" : "", file);
	above = openat(rootfd, at, O_RDONLY | O_CLOEXEC);
	got = above < 0 ? -1 : read(above, value, sizeof(value));
	return got < 0 || pwrite(own, value, (size_t)got, 0) < 0 ? -1 : 0;
}

/* v1's cpuset groups start empty and refuse tasks: they get what their parent has, from the top down. */
static int inherit_cpuset(int rootfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char above[256] = "";

	if (slash) {
		snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
		if (inherit_cpuset(rootfd, above) < 0)
			return -1;
	}
	if (inherit_file(rootfd, path, strlen(above), "cpuset.cpus") < 0)
		return -1;
	return inherit_file(rootfd, path, strlen(above), "cpuset.mems");
}

static int limit_error(struct err *e, const struct cgroup_setting *s, const char *because)
{
	err_new(e, ERR_FAILED, "this host can't enforce the limit %s", s->limit);
	err_because(e, "%s", because);
	return err_try(e, "rocket doctor");
}

static int missing_file(int fd, const struct cgroup_setting *s, const char *file, bool v2, struct err *e)
{
	char have[256] = "", why[160];
	autoclose int controllers = v2 ? openat(fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = controllers < 0 ? -1 : read(controllers, have, sizeof(have) - 1);
	int len = (int)strcspn(file, ".");
	char *at = n > 0 ? strstr(have, cgroup_v2_controller(s->controller)) : NULL;

	if (v2 && !at)
		snprintf(why, sizeof(why), "the controller %.*s is not handed down to its control group", len, file);
	else
		snprintf(why, sizeof(why), "this kernel has no control file %.70s", file);
	return limit_error(e, s, why);
}

static int apply_setting(const struct cgroup_host *h, const struct cgroup *c, const struct cgroup_setting *s, struct err *e)
{
	bool v2 = h->layout == CGROUP_LAYOUT_V2 || (s->either && c->fd[s->controller] < 0);
	const char *file = v2 ? s->v2_file : s->v1_file;
	int fd = c->fd[v2 ? CGROUP_UNIFIED : s->controller];
	char why[128];

	if (!file)
		return 0;
	if (fd < 0)
		return limit_error(e, s, "its cgroup controller is not mounted here");
	if (io_write_knob(fd, file, s->value) == 0 || (s->optional && errno == ENOENT))
		return 0;
	/* A control file can't be made: on some kernels that is what a missing one gives. */
	if (errno == ENOENT || faccessat(fd, file, F_OK, 0) < 0)
		return missing_file(fd, s, file, v2, e);
	snprintf(why, sizeof(why), "writing \"%.32s\" to %.50s gave: %s", s->value, file, strerror(errno));
	return limit_error(e, s, why);
}

static int apply_settings(const struct cgroup_host *h, const struct cgroup *c, const struct cgroup_settings *all,
			  struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < all->n && r == 0; i++)
		r = apply_setting(h, c, &all->v[i], e);
	return r;
}

/* v2: children of path may use these controllers. What is not available fails later, when a limit needs it. */
static void enable_below(int rootfd, const char *path, const struct cgroup_settings *s)
{
	char file[320];

	snprintf(file, sizeof(file), "%s%scgroup.subtree_control", path, *path ? "/" : "");
	(void)!io_write_knob(rootfd, file, "+pids");
	for (size_t i = 0; i < s->n; i++) {
		const struct cgroup_setting *x = &s->v[i];
		char word[32];

		/* A file that was asked for by its name may be of a controller that has no hierarchy of version 1. */
		if (x->controller == CGROUP_UNIFIED)
			snprintf(word, sizeof(word), "+%.*s", (int)strcspn(x->file, "."), x->file);
		else
			snprintf(word, sizeof(word), "+%s", cgroup_v2_controller(x->controller));
		(void)!io_write_knob(rootfd, file, word);
	}
}

/* Each level hands its controllers down; from the top, so that each write finds them enabled above. */
static void hand_down(int rootfd, const char *path, const struct cgroup_settings *s)
{
	char above[256] = "";

	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		if (slash != path)
			snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
		enable_below(rootfd, above, s);
	}
}

static int make_v2(const struct cgroup_host *h, const char *path, const struct cgroup_settings *s, struct cgroup *ret,
		   struct err *e)
{
	int rootfd = h->root_fd[CGROUP_UNIFIED];

	ret->fd[CGROUP_UNIFIED] = make_dir(rootfd, path);
	if (ret->fd[CGROUP_UNIFIED] < 0)
		return err_errno(e, "can't make the control group %s/%s", CGROUP_ROOT, path);
	hand_down(rootfd, path, s);
	return 0;
}

static int make_v1(const struct cgroup_host *h, const char *path, const struct cgroup_settings *s, bool app,
		   struct cgroup *ret, struct err *e)
{
	for (int c = 0; c < CGROUP_N; c++) {
		if (!is_used(h, s, c) || h->root_fd[c] < 0 || (app && is_pod_wide(c)))
			continue;
		ret->fd[c] = make_dir(h->root_fd[c], path);
		if (ret->fd[c] < 0 || (c == CGROUP_CPUSET && inherit_cpuset(h->root_fd[c], path) < 0))
			return err_errno(e, "can't make the control group %s/%s/%s", CGROUP_ROOT,
					 v1_mounts[c][0], path);
	}
	/* A hybrid host may have a controller in the cgroup2 hierarchy. */
	if (h->root_fd[CGROUP_UNIFIED] >= 0 && cgroup_settings_need(s, CGROUP_HUGETLB) && h->root_fd[CGROUP_HUGETLB] < 0)
		hand_down(h->root_fd[CGROUP_UNIFIED], path, s);
	return 0;
}

static int make_group(const struct cgroup_host *h, const char *path, const struct cgroup_settings *s, bool app,
		      struct cgroup *ret, struct err *e)
{
	struct cgroup c = CGROUP_NONE;
	int r;

	snprintf(c.path, sizeof(c.path), "%s", path);
	r = h->layout == CGROUP_LAYOUT_V2 ? make_v2(h, path, s, &c, e) : make_v1(h, path, s, app, &c, e);
	if (r == 0)
		r = apply_settings(h, &c, s, e);
	if (r < 0) {
		cgroup_close(&c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Nothing is limited where there is no group: who asked for a limit was refused when the plan was made. */
static int no_group(const struct cgroup_settings *s, struct err *e)
{
	return s->n ? limit_error(e, &s->v[0], "the pod has no control group") : 0;
}

int cgroup_make_pod(const struct cgroup_host *h, const struct plan *p, struct cgroup *ret, struct err *e)
{
	[[gnu::uninitialized]] struct cgroup_settings s;
	int r;

	*ret = (struct cgroup)CGROUP_NONE;
	s.n = 0;
	cgroup_settings_add(&s, &p->limits);
	if (!p->cgroup)
		return no_group(&s, e);
	s.devices = cgroup_must_limit_devices(p);
	/* What an app limits is handed down when its group is made. */
	r = make_group(h, p->cgroup, &s, false, ret, e);
	return r < 0 || !s.devices || h->layout == CGROUP_LAYOUT_V2 ? r : cgroup_allow_devices(ret->fd[CGROUP_DEVICES], p, e);
}

int cgroup_make_app(const struct cgroup_host *h, const struct plan *p, const struct cgroup *pod,
		    const struct plan_app *app, struct cgroup *ret, struct err *e)
{
	[[gnu::uninitialized]] struct cgroup_settings s;
	char path[256];
	int r;

	*ret = (struct cgroup)CGROUP_NONE;
	s.n = 0;
	s.devices = false;
	cgroup_settings_add(&s, &app->limits);
	if (!p->cgroup)
		return no_group(&s, e);
	snprintf(path, sizeof(path), "%s/%s", p->cgroup, app->name);
	r = make_group(h, path, &s, true, ret, e);
	for (int c = 0; r == 0 && c < CGROUP_N; c++)
		if (ret->fd[c] < 0 && pod->fd[c] >= 0)
			ret->fd[c] = fcntl(pod->fd[c], F_DUPFD_CLOEXEC, 3);
	return r;
}

int cgroup_open(const struct cgroup_host *h, const char *path, struct cgroup *ret, struct err *e)
{
	struct cgroup c = CGROUP_NONE;
	bool found = false;

	snprintf(c.path, sizeof(c.path), "%s", path);
	for (int i = 0; i < CGROUP_N; i++) {
		char up[256];
		const char *slash = strrchr(path, '/');

		if (h->root_fd[i] < 0)
			continue;
		c.fd[i] = open_dir(h->root_fd[i], path);
		/* An app has no group of its own where the pod's serves all. */
		if (c.fd[i] < 0 && slash && strchr(path, '/') != slash) {
			snprintf(up, sizeof(up), "%.*s", (int)(slash - path), path);
			c.fd[i] = open_dir(h->root_fd[i], up);
		}
		found |= c.fd[i] >= 0;
	}
	if (!found) {
		err_new(e, ERR_NOT_FOUND, "there is no control group %s", path);
		return err_because(e, "its pod does not run");
	}
	*ret = c;
	return 0;
}

int cgroup_enter_self(const struct cgroup_host *h, const struct cgroup *c)
{
	/* "tasks" with 0 moves the calling thread alone, for which the kernel needs no global lock. */
	for (int i = 0; h->layout == CGROUP_LAYOUT_V1 && i < CGROUP_UNIFIED; i++)
		if (c->fd[i] >= 0 && io_write_knob(c->fd[i], "tasks", "0") < 0)
			return -1;
	return 0;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* v1 freezes in the background: tasks that fork meanwhile are caught by asking again. */
static void wait_frozen(int fd)
{
	for (int i = 0; i < 1000; i++) {
		char state[16] = "";
		autoclose int file = openat(fd, "freezer.state", O_RDONLY | O_CLOEXEC);

		if (file >= 0 && read(file, state, sizeof(state) - 1) > 0 && strncmp(state, "FROZEN", 6) == 0)
			return;
		nap();
	}
}

int cgroup_freeze(const struct cgroup_host *h, const struct cgroup *c, bool frozen, struct err *e)
{
	int r;

	if (c->fd[CGROUP_UNIFIED] >= 0)
		r = io_write_knob(c->fd[CGROUP_UNIFIED], "cgroup.freeze", frozen ? "1" : "0");
	else if (c->fd[CGROUP_FREEZER] >= 0)
		r = io_write_knob(c->fd[CGROUP_FREEZER], "freezer.state", frozen ? "FROZEN" : "THAWED");
	else
		r = (errno = ENOENT, -1);
	if (r < 0 && !*c->path) {
		err_new(e, ERR_FAILED, "can't %s the pod", frozen ? "freeze" : "thaw");
		err_because(e, "it has no control group: this host gave its user none (cgroup v2 delegation)");
		return err_try(e, "%s", cgroup_delegation_remedy());
	}
	if (r < 0)
		return err_errno(e, "can't %s the control group %s", frozen ? "freeze" : "thaw", c->path);
	if (frozen && c->fd[CGROUP_UNIFIED] < 0)
		wait_frozen(c->fd[CGROUP_FREEZER]);
	return 0;
}

int cgroup_kill(const struct cgroup_host *h, const struct cgroup *c, struct err *e)
{
	if (c->fd[CGROUP_UNIFIED] >= 0 && io_write_knob(c->fd[CGROUP_UNIFIED], "cgroup.kill", "1") == 0)
		return 0;
	for (int round = 0; round < 100; round++) {
		autofree int64_t *pids = NULL;
		size_t n = 0;
		int r = cgroup_read_pids(h, c, &pids, &n, e);

		if (r < 0 || n == 0)
			return r;
		for (size_t i = 0; i < n; i++)
			kill((pid_t)pids[i], SIGKILL);
		nap();
	}
	err_new(e, ERR_BUSY, "processes of the control group %s don't die", c->path);
	return err_because(e, "they are stuck in the kernel (a hung disk or network file system)");
}

static void remove_below(int dirfd)
{
	autoclosedir DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			(void)!unlinkat(dirfd, entry->d_name, AT_REMOVEDIR);
}

/* A group stays busy for a moment after its last process was reaped. */
static int remove_dir(int rootfd, const char *path, struct err *e)
{
	for (int i = 0; i < 200; i++) {
		if (unlinkat(rootfd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nap();
	}
	return err_errno(e, "can't remove the control group %s", path);
}

int cgroup_remove_own(const struct cgroup_host *h, struct cgroup *c, struct err *e)
{
	int r = 0;

	for (int i = 0; i < CGROUP_N; i++)
		/* Also where it was made only as the parent of an app's group: such a hierarchy has no fd here. */
		if (h->root_fd[i] >= 0 && *c->path && remove_dir(h->root_fd[i], c->path, e) < 0)
			r = -e->code;
	cgroup_close(c);
	return r;
}

int cgroup_remove(const struct cgroup_host *h, const char *path, struct err *e)
{
	for (int c = 0; c < CGROUP_N; c++) {
		if (h->root_fd[c] < 0 || unlinkat(h->root_fd[c], path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		autoclose int fd = open_dir(h->root_fd[c], path);

		if (fd >= 0)
			remove_below(fd);
		if (remove_dir(h->root_fd[c], path, e) < 0)
			return -e->code;
	}
	return 0;
}

/* "KEY N" lines, as in memory.events and memory.oom_control. */
static uint64_t read_keyed(int dirfd, const char *file, const char *key)
{
	char text[4096] = "";
	autoclose int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	size_t n = strlen(key);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strtoull(line + n, NULL, 10);
	}
	return 0;
}

static bool read_number(int dirfd, const char *file, uint64_t *ret)
{
	char text[32] = "";
	autoclose int fd = dirfd < 0 ? -1 : openat(dirfd, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || text[0] < '0' || text[0] > '9')
		return false;
	*ret = strtoull(text, NULL, 10);
	return true;
}

uint64_t cgroup_oom_kills(const struct cgroup_host *h, const struct cgroup *c)
{
	if (h->layout == CGROUP_LAYOUT_V2)
		return read_keyed(c->fd[CGROUP_UNIFIED], "memory.events", "oom_kill");
	return c->fd[CGROUP_MEMORY] < 0 ? 0 : read_keyed(c->fd[CGROUP_MEMORY], "memory.oom_control", "oom_kill");
}

/* v2 io.stat: "8:0 rbytes=1 wbytes=2 …" a device. v1: "8:0 Read 1" lines. */
static void read_io(int dirfd, bool v2, struct cgroup_usage *u)
{
	char text[8192] = "";
	autoclose int fd = dirfd < 0 ? -1
				     : openat(dirfd, v2 ? "io.stat" : "blkio.throttle.io_service_bytes",
					      O_RDONLY | O_CLOEXEC);
	const char *read_word = v2 ? " rbytes=" : " Read ", *write_word = v2 ? " wbytes=" : " Write ";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return;
	u->has_io = true;
	for (const char *at = text; (at = strstr(at, read_word)); at += strlen(read_word))
		u->io_read_bytes += strtoull(at + strlen(read_word), NULL, 10);
	for (const char *at = text; (at = strstr(at, write_word)); at += strlen(write_word))
		u->io_write_bytes += strtoull(at + strlen(write_word), NULL, 10);
}

static void read_usage_v2(int fd, struct cgroup_usage *u)
{
	u->has_memory = read_number(fd, "memory.current", &u->memory_bytes);
	read_number(fd, "memory.peak", &u->memory_peak_bytes);
	read_number(fd, "memory.max", &u->memory_limit_bytes);
	u->has_pids = read_number(fd, "pids.current", &u->pids);
	u->cpu_ns = read_keyed(fd, "cpu.stat", "usage_usec") * 1000;
	u->has_cpu = true;
	read_io(fd, true, u);
}

void cgroup_read_usage(const struct cgroup_host *h, const struct cgroup *c, struct cgroup_usage *ret)
{
	struct cgroup_usage u = {};

	if (h->layout == CGROUP_LAYOUT_V2) {
		read_usage_v2(c->fd[CGROUP_UNIFIED], &u);
	} else {
		u.has_memory = read_number(c->fd[CGROUP_MEMORY], "memory.usage_in_bytes", &u.memory_bytes);
		read_number(c->fd[CGROUP_MEMORY], "memory.max_usage_in_bytes", &u.memory_peak_bytes);
		read_number(c->fd[CGROUP_MEMORY], "memory.limit_in_bytes", &u.memory_limit_bytes);
		u.has_pids = read_number(c->fd[CGROUP_PIDS], "pids.current", &u.pids);
		u.has_cpu = read_number(c->fd[CGROUP_CPU], "cpuacct.usage", &u.cpu_ns);
		read_io(c->fd[CGROUP_IO], false, &u);
		if (u.memory_limit_bytes > INT64_MAX / 2)
			u.memory_limit_bytes = 0;
	}
	*ret = u;
}

static void add_pids(int dirfd, struct str *text)
{
	char bytes[4096];
	ssize_t n;
	autoclose int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
		str_add_bytes(text, bytes, (size_t)n);
}

/* One level below is as deep as Rocket's own groups go; apps can't make deeper ones (read-only). */
static void add_pids_below(int dirfd, struct str *text)
{
	autoclosedir DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	add_pids(dirfd, text);
	while (d && (entry = readdir(d))) {
		autoclose int fd = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = open_dir(dirfd, entry->d_name);
		if (fd >= 0)
			add_pids(fd, text);
	}
}

int cgroup_read_pids(const struct cgroup_host *h, const struct cgroup *c, int64_t **ret, size_t *ret_n, struct err *e)
{
	int fd = c->fd[CGROUP_UNIFIED] >= 0 ? c->fd[CGROUP_UNIFIED] : c->fd[CGROUP_PIDS];
	autostr text = {};
	size_t n = 0;
	int64_t *pids;

	if (fd < 0)
		return err_new(e, ERR_FAILED, "the control group %s lists no processes", c->path);
	add_pids_below(fd, &text);
	for (size_t i = 0; i < text.len; i++)
		n += text.text[i] == '\n';
	pids = calloc(n + 1, sizeof(*pids));
	if (!pids)
		return err_errno(e, "can't list processes");
	char *at = text.text;
	for (size_t i = 0; i < n; i++)
		pids[i] = strtoll(at, &at, 10);
	*ret = pids;
	*ret_n = n;
	return 0;
}
