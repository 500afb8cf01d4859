/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, making, entering, freezing and removing an OCI container's groups. See oci_cgroup.h; limits are oci_limits.c's. */
#include "boundary/oci_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
enum { MAX_DEPTH = 64 };

/* ---- the host ---- */

/* One line of /proc/self/cgroup: "4:cpu,cpuacct:/user.slice". */
static bool parse_line(char *line, bool v2, struct oci_hierarchy *h)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return false;
	*path++ = 0;
	controllers++;
	*h = (struct oci_hierarchy){ .unified = !*controllers, .root_fd = -1, .fd = -1 };
	if (str_has_prefix(controllers, "name="))
		controllers += strlen("name=");
	if (v2 && !h->unified)
		return false;
	snprintf(h->name, sizeof(h->name), "%s", h->unified && !v2 ? "unified" : controllers);
	snprintf(h->own, sizeof(h->own), "%s", path + (*path == '/'));
	return true;
}

static bool is_hierarchy(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static void add_hierarchy(struct oci_cgroup *g, int base, struct oci_hierarchy *h)
{
	h->root_fd = openat(base, *h->name ? h->name : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd >= 0 && !is_hierarchy(h->root_fd)) {
		close(h->root_fd);
		h->root_fd = -1;
	}
	if (h->root_fd >= 0)
		g->h[g->n++] = *h;
}

int oci_cgroup_open_host(struct oci_cgroup *ret, struct err *e)
{
	struct oci_cgroup g = { .n = 0 };
	autofree char *text = NULL;
	struct statfs fs;
	size_t len;
	autoclose int base = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (base < 0 || fstatfs(base, &fs) < 0) {
		err_errno(e, "can't open %s", CGROUP_ROOT);
		return err_try(e, "mount -t cgroup2 none %s", CGROUP_ROOT);
	}
	autoclose int self = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (self < 0 || io_read_fd(self, 64 << 10, &text, &len, e) < 0)
		return self < 0 ? err_errno(e, "can't read /proc/self/cgroup") : -e->code;
	g.v2 = fs.f_type == CGROUP2_SUPER_MAGIC;
	for (char *line = text, *end; *line && g.n < SPACE_GROUPS; line = end + 1) {
		struct oci_hierarchy h;

		end = strchr(line, '\n');
		if (!end)
			break;
		*end = 0;
		if (parse_line(line, g.v2, &h))
			add_hierarchy(&g, base, &h);
	}
	*ret = g;
	return 0;
}

int oci_cgroup_set_path(struct oci_cgroup *g, const char *cgroups_path, const char *id, struct err *e)
{
	int n;

	if (cgroups_path && *cgroups_path)
		n = snprintf(g->path, sizeof(g->path), "%s", cgroups_path + strspn(cgroups_path, "/"));
	else
		n = snprintf(g->path, sizeof(g->path), "rocket-oci-%s", id);
	while (n > 0 && n < (int)sizeof(g->path) && g->path[n - 1] == '/')
		g->path[--n] = 0;
	if (n > 0 && n < (int)sizeof(g->path) && !strstr(g->path, "..") && !strstr(g->path, "//"))
		return 0;
	err_new(e, ERR_USAGE, "config.json: linux.cgroupsPath %.120s is no path of a group", cgroups_path ?: "");
	return err_because(e, "it is empty, too long, or leads out of the hierarchy");
}

/* ---- making ---- */

/* "cpuset.cpus" starts empty on v1, and a group without refuses tasks. */
static int inherit(int parent, int child, const char *file)
{
	char value[256] = "";
	ssize_t n;
	autoclose int own = openat(child, file, O_RDWR | O_CLOEXEC);
	autoclose int above = openat(parent, file, O_RDONLY | O_CLOEXEC);

	if (own < 0 || above < 0)
		return own < 0 && errno == ENOENT ? 0 : -1;
	if (read(own, value, sizeof(value)) > 1)
		return 0;
	n = read(above, value, sizeof(value));
	return n < 0 || pwrite(own, value, (size_t)n, 0) < 0 ? -1 : 0;
}

/* v2: what is below may use every controller that there is. Those that can't be had fail when a limit needs them. */
static void enable_controllers(int dir)
{
	char names[512] = "", word[64];
	autoclose int fd = openat(dir, "cgroup.controllers", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, names, sizeof(names) - 1) <= 0)
		return;
	for (char *at = names; *at;) {
		size_t n = strcspn(at, " \n");

		snprintf(word, sizeof(word), "+%.*s", (int)n, at);
		if (n)
			(void)!io_write_knob(dir, "cgroup.subtree_control", word);
		at += n + (at[n] != 0);
	}
}

/* Walks down the path, one level a time, making what is missing. */
static int make_path(const struct oci_cgroup *g, struct oci_hierarchy *h)
{
	const bool cpuset = strstr(h->name, "cpuset");
	char part[256];
	int dir = fcntl(h->root_fd, F_DUPFD_CLOEXEC, 3);

	for (const char *at = g->path; dir >= 0 && *at;) {
		size_t n = strcspn(at, "/");

		if (g->v2)
			enable_controllers(dir);
		snprintf(part, sizeof(part), "%.*s", (int)n, at);
		bool made = mkdirat(dir, part, 0755) == 0;
		int next = !made && errno != EEXIST ? -1 : openat(dir, part, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (next >= 0 && cpuset && made && (inherit(dir, next, "cpuset.cpus") < 0 || inherit(dir, next, "cpuset.mems") < 0))
			close(take_fd(&next));
		close(dir);
		dir = next;
		at += n + (at[n] == '/');
	}
	return dir;
}

/* One level below a root that exists is most containers' case: one call. */
static int make_group(const struct oci_cgroup *g, struct oci_hierarchy *h)
{
	if (g->v2 || strstr(h->name, "cpuset") || (mkdirat(h->root_fd, g->path, 0755) < 0 && errno != EEXIST))
		return make_path(g, h);
	return openat(h->root_fd, g->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int oci_cgroup_make(struct oci_cgroup *g, bool needed, bool *ret_made, struct err *e)
{
	for (size_t i = 0; i < g->n; i++) {
		struct oci_hierarchy *h = &g->h[i];

		h->fd = make_group(g, h);
		if (h->fd >= 0) {
			*ret_made = true;
			continue;
		}
		if (!needed && geteuid() != 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
			g->denied = true;
			continue;
		}
		err_errno(e, "can't make the control group %s/%s%s%s", CGROUP_ROOT, h->name, *h->name ? "/" : "", g->path);
		return geteuid() == 0 ? -e->code :
					err_try(e, "systemd-run --user --scope -p Delegate=yes COMMAND   (a group of your own)");
	}
	return 0;
}

void oci_cgroup_open(struct oci_cgroup *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->h[i].fd = openat(g->h[i].root_fd, g->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void oci_cgroup_close(struct oci_cgroup *g)
{
	for (size_t i = 0; i < g->n; i++) {
		cleanup_close(&g->h[i].fd);
		cleanup_close(&g->h[i].root_fd);
	}
	g->n = 0;
}

void oci_cgroup_fill(const struct oci_cgroup *g, struct space *s)
{
	s->cgroup_v2 = g->v2;
	s->group_path = g->path;
	s->unified_fd = -1;
	s->n_groups = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct oci_hierarchy *h = &g->h[i];

		if (h->unified)
			s->unified_fd = h->fd;
		else if (h->fd >= 0)
			s->groups[s->n_groups++] = (struct space_group){ .name = h->name, .fd = h->fd };
	}
}

int oci_cgroup_move(const struct oci_cgroup *g, pid_t pid, struct err *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < g->n; i++)
		if (g->h[i].fd >= 0 && io_write_knob(g->h[i].fd, "cgroup.procs", text) < 0)
			return err_errno(e, "can't enter the control group %s/%s", g->h[i].name, g->path);
	return 0;
}

int oci_cgroup_fd(const struct oci_cgroup *g, const char *controller)
{
	const size_t len = strlen(controller);

	for (size_t i = 0; i < g->n; i++) {
		if (g->v2)
			return g->h[i].fd;
		for (const char *at = g->h[i].name; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
			if (strcspn(at, ",") == len && memcmp(at, controller, len) == 0)
				return g->h[i].fd;
	}
	return -1;
}

/* ---- what is in it ---- */

/* The hierarchy to ask: any that has the group. */
static int any_fd(const struct oci_cgroup *g)
{
	static const char *const first[] = { "unified", "pids", "freezer" };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		int fd = oci_cgroup_fd(g, first[i]);

		if (fd >= 0)
			return fd;
	}
	for (size_t i = 0; i < g->n; i++)
		if (g->h[i].fd >= 0)
			return g->h[i].fd;
	return -1;
}

static void add_pids(int dirfd, struct str *text, unsigned depth)
{
	char bytes[4096];
	struct dirent *entry;
	ssize_t n;
	autoclose int procs = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	autoclosedir DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	while (procs >= 0 && text->len < 16 << 20 && (n = read(procs, bytes, sizeof(bytes))) > 0)
		str_add_bytes(text, bytes, (size_t)n);
	while (d && depth < MAX_DEPTH && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		autoclose int below = openat(dirfd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below >= 0)
			add_pids(below, text, depth + 1);
	}
}

int oci_cgroup_pids(const struct oci_cgroup *g, struct str *ret_lines, struct err *e)
{
	int fd = any_fd(g);

	if (fd < 0)
		return err_new(e, ERR_NOT_FOUND, "there is no control group %s", g->path);
	add_pids(fd, ret_lines, 0);
	return 0;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* Until none is left when they are killed: one may fork meanwhile. */
int oci_cgroup_signal(const struct oci_cgroup *g, int signal, struct err *e)
{
	int unified = oci_cgroup_fd(g, "unified");

	if (signal == SIGKILL && unified >= 0 && io_write_knob(unified, "cgroup.kill", "1") == 0)
		return 0;
	for (int round = 0; round < 200; round++) {
		autostr pids = {};

		if (any_fd(g) < 0)
			return 0;
		if (oci_cgroup_pids(g, &pids, e) < 0)
			return -e->code;
		if (pids.len == 0)
			return 0;
		for (const char *at = pids.text; *at; at += strcspn(at, "\n") + 1)
			kill((pid_t)strtol(at, NULL, 10), signal);
		if (signal != SIGKILL)
			return 0;
		nap(1);
	}
	err_new(e, ERR_BUSY, "processes of the control group %s don't die", g->path);
	return err_because(e, "they are stuck in the kernel (a hung disk or network file system)");
}

static bool read_word(int fd, const char *file, const char *word)
{
	char text[512] = "";
	autoclose int f = fd < 0 ? -1 : openat(fd, file, O_RDONLY | O_CLOEXEC);

	return f >= 0 && read(f, text, sizeof(text) - 1) > 0 && strstr(text, word);
}

bool oci_cgroup_is_frozen(const struct oci_cgroup *g)
{
	int unified = oci_cgroup_fd(g, "unified");

	return read_word(unified, "cgroup.freeze", "1") || (!g->v2 && read_word(oci_cgroup_fd(g, "freezer"), "freezer.state", "FRO")) ||
	       (!g->v2 && read_word(oci_cgroup_fd(g, "freezer"), "freezer.state", "FREEZING"));
}

static bool is_settled(const struct oci_cgroup *g, bool frozen)
{
	if (g->v2)
		return read_word(oci_cgroup_fd(g, ""), "cgroup.events", frozen ? "frozen 1" : "frozen 0");
	return read_word(oci_cgroup_fd(g, "freezer"), "freezer.state", frozen ? "FROZEN" : "THAWED");
}

/* v1 has a hierarchy for it; v1 freezes what forks meanwhile only when it is asked again. */
int oci_cgroup_freeze(const struct oci_cgroup *g, bool frozen, struct err *e)
{
	int fd = oci_cgroup_fd(g, "freezer");
	const char *file = g->v2 ? "cgroup.freeze" : "freezer.state";
	const char *word = g->v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");

	if (fd < 0)
		return err_new(e, ERR_FAILED, "can't %s: the host has no freezer", frozen ? "pause" : "resume");
	for (int i = 0; i < 1000; i++) {
		if (io_write_knob(fd, file, word) < 0)
			return err_errno(e, "can't %s the control group %s", frozen ? "freeze" : "thaw", g->path);
		if (is_settled(g, frozen))
			return 0;
		nap(2);
	}
	err_new(e, ERR_BUSY, "the control group %s does not %s", g->path, frozen ? "freeze" : "thaw");
	return err_because(e, "a process is stuck in the kernel");
}

/* ---- removing ---- */

static void remove_below(int dirfd, unsigned depth)
{
	struct dirent *entry;
	autoclosedir DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	while (d && depth < MAX_DEPTH && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		autoclose int below = openat(dirfd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below >= 0)
			remove_below(below, depth + 1);
		(void)!unlinkat(dirfd, entry->d_name, AT_REMOVEDIR);
	}
}

/* A group stays busy for a moment after its last process was reaped. */
static int remove_group(const struct oci_hierarchy *h, const char *path, struct err *e)
{
	for (int i = 0; i < 500; i++) {
		if (unlinkat(h->root_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY && errno != ENOTEMPTY)
			break;
		autoclose int fd = openat(h->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			remove_below(fd, 0);
		nap(1);
	}
	return err_errno(e, "can't remove the control group %s/%s", h->name, path);
}

int oci_cgroup_remove(const struct oci_cgroup *g, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < g->n; i++)
		if (remove_group(&g->h[i], g->path, e) < 0 && !g->denied)
			r = -e->code;
	return r;
}
