/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order matters here. proc, sysfs, mqueue and cgroup2 are mounted before the old root is detached: a user
 * namespace may mount a new proc or sysfs only while a full one is visible (mount_namespaces(7), the kernel's
 * mount_too_revealing()). Targets are resolved with openat2 inside the new root and mounted on by
 * descriptor, so that a link in the image, or a race in a shared volume, can't lead anywhere else.
 */
#include "boundary/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "boundary/inside_parts.h"
#include "boundary/mountfd.h"

/* <sys/mount.h> clashes with <linux/mount.h> in Debian 12's glibc. */
int umount2(const char *target, int flags);
enum { MNT_DETACH_ = 2 };

#define MAGIC_ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* What the kernel shows that is no app's business. Only what exists is masked. */
static const char *const masked[] = {
	"proc/acpi",	   "proc/asound",   "proc/kcore",	  "proc/keys",	    "proc/latency_stats", "proc/scsi",
	"proc/sched_debug", "proc/timer_list", "proc/timer_stats", "sys/firmware", "sys/devices/virtual/powercap",
};
static const char *const read_only[] = { "proc/sys", "proc/bus", "proc/fs", "proc/irq", "proc/sysrq-trigger" };

/* ---- targets ---- */

/* Makes the missing parts of a target, each resolved inside the root. */
static int make_parents(int root, const char *target)
{
	char part[4096];

	for (size_t i = 1; target[i] && i < sizeof(part); i++) {
		if (target[i] != '/')
			continue;
		memcpy(part, target, i);
		part[i] = 0;
		autoclose int fd = path_open_in_root(root, part, O_PATH | O_DIRECTORY, 0);
		if (fd >= 0)
			continue;
		char *slash = strrchr(part, '/');
		*slash = 0;
		autoclose int above = path_open_in_root(root, *part ? part : "/", O_PATH | O_DIRECTORY, 0);
		if (above < 0 || (mkdirat(above, slash + 1, 0755) < 0 && errno != EEXIST))
			return -1;
	}
	return 0;
}

/* The place that a mount goes to, made when it is missing: a directory, or an empty file. */
int inside_open_target(int root, const char *target, bool is_dir)
{
	char parent[4096];
	const char *slash = strrchr(target, '/');
	const int flags = O_PATH | (is_dir ? O_DIRECTORY : 0);
	int fd = path_open_in_root(root, target, flags, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (make_parents(root, target) < 0)
		return -1;
	snprintf(parent, sizeof(parent), "%.*s", slash > target ? (int)(slash - target) : 1, target);
	autoclose int above = path_open_in_root(root, parent, O_PATH | O_DIRECTORY, 0);
	if (above < 0)
		return -1;
	if (is_dir ? mkdirat(above, slash + 1, 0755) < 0 : mknodat(above, slash + 1, S_IFREG | 0644, 0) < 0)
		return -1;
	return path_open_in_root(root, target, flags, 0);
}

/* What the image has at a target that can't carry the mount; errno says so in other words. */
static int refuse_target(const char *target, bool is_dir, int at, struct err *e)
{
	static const struct { int number; const char *because; } reasons[] = {
		{ EEXIST, "the image has a link there that leads nowhere" },
		{ ELOOP, "the image has links there that lead in a circle" },
		{ ENOTDIR, "the image has a file there, or on the way, and a directory is mounted" },
		{ EISDIR, "the image has a directory there, and a file is mounted" },
	};
	struct stat st;

	if (at >= 0 && !is_dir && fstat(at, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (errno != reasons[i].number)
			continue;
		err_new(e, ERR_FAILED, "can't mount %s", target);
		err_because(e, "%s", reasons[i].because);
		return err_try(e, "mount it elsewhere, or mend the image");
	}
	return err_errno(e, "can't mount %s", target);
}

int inside_attach(int root, const char *target, bool is_dir, int mount_fd, struct err *e)
{
	autoclose int at = inside_open_target(root, target, is_dir);
	struct stat st;

	if (at < 0 || (!is_dir && (fstat(at, &st) < 0 || S_ISDIR(st.st_mode))) || mountfd_attach(mount_fd, at) < 0)
		return refuse_target(target, is_dir, at, e);
	return 0;
}

/* ---- the kernel's own file systems ---- */

struct magic {
	const char *type, *target;
	struct mountfd_option options[3];
	size_t n_options;
	unsigned int attrs;
	bool v2_only;
	bool many_ids;          /* its last option names an id that a pod of one id lacks */
	bool may_lack;          /* some kernels are built without it */
	long magic;             /* checked, for what programs trust by path */
};

static const struct magic magics[] = {
	{ .type = "proc", .target = "/proc", .attrs = MAGIC_ATTRS, .magic = PROC_SUPER_MAGIC },
	{ .type = "devpts",
	  .target = "/dev/pts",
	  .options = { { "ptmxmode", MOUNTFD_STRING, "0666", -1 },
		       { "mode", MOUNTFD_STRING, "0620", -1 },
		       { "gid", MOUNTFD_STRING, "5", -1 } },
	  .n_options = 3,
	  .many_ids = true,
	  .attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC },
	{ .type = "mqueue", .target = "/dev/mqueue", .attrs = MAGIC_ATTRS, .may_lack = true },
	{ .type = "sysfs", .target = "/sys", .attrs = MAGIC_ATTRS | MOUNT_ATTR_RDONLY, .magic = SYSFS_MAGIC },
	{ .type = "cgroup2",
	  .target = "/sys/fs/cgroup",
	  .attrs = MAGIC_ATTRS | MOUNT_ATTR_RDONLY,
	  .v2_only = true },
};

/* No link on the way (CVE-2019-16884 and kin); made when the image lacks it. */
static int open_magic_target(int root, const char *path)
{
	int at = path_open_beneath(root, path, O_PATH | O_DIRECTORY, 0);

	if (at >= 0 || errno != ENOENT || mkdirat(root, path, 0755) < 0)
		return at;
	return path_open_beneath(root, path, O_PATH | O_DIRECTORY, 0);
}

static int mount_magic(int root, const struct plan *p, const struct magic *m, struct err *e)
{
	struct statfs fs;
	autoclose int at = open_magic_target(root, m->target + 1);
	autoclose int fd = -1;

	/* An image's /proc that is a link or a file is refused: programs and this code trust that path. */
	if (at < 0) {
		err_errno(e, "the image's %s is no directory", m->target);
		return err_try(e, "mend the image: %s must be a directory or missing", m->target);
	}
	fd = mountfd_new(m->type, m->options, m->n_options - (m->many_ids && p->ids.kind == IDS_SINGLE), m->attrs);
	if (fd < 0 && errno == ENODEV && m->may_lack)
		return 0;
	if (fd < 0 || (m->magic && (fstatfs(fd, &fs) < 0 || (long)fs.f_type != m->magic)) || mountfd_attach(fd, at) < 0)
		return err_errno(e, "can't mount %s", m->target);
	return 0;
}

/* With the host's network or IPC namespace the kernel refuses sysfs and mqueue: the host's, read-only, serve. */
static bool is_of_the_host(const struct plan *p, const struct magic *m)
{
	return (p->host_net && strcmp(m->type, "sysfs") == 0) || (p->host_ipc && strcmp(m->type, "mqueue") == 0);
}

static int mount_of_the_host(int root, const struct magic *m, struct err *e)
{
	autoclose int fd = mountfd_clone(AT_FDCWD, m->target, AT_RECURSIVE);

	if (fd < 0 && errno == ENOENT)
		return 0; /* the host has none mounted: nothing to share */
	if (fd < 0 || mountfd_setattr(fd, m->attrs, 0, AT_RECURSIVE) < 0)
		return err_errno(e, "can't bind the host's %s", m->target);
	return inside_attach(root, m->target, true, fd, e);
}

static int mount_magics(int root, const struct inside *in, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];
		int r;

		if (m->v2_only && (!in->cgroup_v2 || in->plan->host_net))
			continue;
		if (in->root->mqueue_fd >= 0 && strcmp(m->type, "mqueue") == 0) {
			r = inside_attach(root, m->target, true, in->root->mqueue_fd, e);
			if (r < 0)
				return r;
			continue;
		}
		r = is_of_the_host(in->plan, m) ? mount_of_the_host(root, m, e) : mount_magic(root, in->plan, m, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- masks ---- */

/*
 * In a pod with its own user namespace nobody owns the host's files: what their mode denies to others is out of reach
 * without a mask, whatever capabilities the pod has (user_namespaces(7), capabilities and file access).
 */
static bool is_out_of_reach(const struct plan *p, const struct stat *st)
{
	return p->ids.count && (st->st_mode & 0007) == 0;
}

/* The first mask is the empty mount itself; from then on it is attached here, and can be cloned on every kernel. */
static int take_empty(const struct inside *in, bool *used)
{
	bool first = !*used;

	*used = true;
	return first ? fcntl(in->root->empty_fd, F_DUPFD_CLOEXEC, 3) : mountfd_clone(in->root->empty_fd, "", 0);
}

static int mask(const struct inside *in, int null_fd, bool *empty_used, const char *path, struct err *e)
{
	struct stat st;
	autoclose int at = path_open_beneath(in->root->tree_fd, path, O_PATH, 0);
	autoclose int over = -1;

	if (at < 0 || fstat(at, &st) < 0 || is_out_of_reach(in->plan, &st))
		return 0;
	over = S_ISDIR(st.st_mode) ? take_empty(in, empty_used) : mountfd_clone(null_fd, "", 0);
	if (over < 0 || mountfd_attach(over, at) < 0)
		return err_errno(e, "can't mask /%s", path);
	return 0;
}

static int make_read_only(int root, const char *path, struct err *e)
{
	autoclose int at = path_open_beneath(root, path, O_PATH, 0);
	autoclose int fd = -1;

	if (at < 0)
		return 0;
	fd = mountfd_clone(at, "", AT_RECURSIVE);
	if (fd < 0 || mountfd_setattr(fd, MAGIC_ATTRS | MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE) < 0 ||
	    mountfd_attach(fd, at) < 0)
		return err_errno(e, "can't make /%s read-only", path);
	return 0;
}

static int close_views(const struct inside *in, struct err *e)
{
	int root = in->root->tree_fd;
	autoclose int null_fd = path_open_beneath(root, "dev/null", O_PATH, 0);
	/* The knobs of the pod's own namespaces belong to it; the host's files it can't write anyway. */
	size_t n = in->plan->ids.count ? 1 : ARRAY_SIZE(read_only);
	bool empty_used = false;
	struct stat st;
	int r = 0;

	/* It is the node that root.c made, never a file of the image (CVE-2025-31133). */
	if (null_fd < 0 || fstat(null_fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return err_new(e, ERR_FAILED, "the app's /dev/null is no device");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(masked); i++)
		r = mask(in, null_fd, &empty_used, masked[i], e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = make_read_only(root, read_only[i], e);
	return r;
}

/* ---- the terminal ---- */

/* A pair from the app's own devpts; the slave comes by descriptor, never by path (CVE-2025-52565). */
int inside_make_tty(int root, const char *who, uid_t uid, int console_sock, int *ret_tty, struct err *e)
{
	autoclose int master = path_open_beneath(root, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	autoclose int slave = -1;
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_errno(e, "can't make a terminal for %s", who);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_errno(e, "can't open the terminal of %s", who);
	if (fchown(slave, uid, (gid_t)-1) < 0 || io_send_fds(console_sock, "t", 1, &master, 1) < 0)
		return err_errno(e, "can't hand on the terminal of %s", who);
	*ret_tty = take_fd(&slave);
	return 0;
}

int inside_open_tty(int root, const char *who, uid_t uid, int console_sock, int *ret_tty, struct err *e)
{
	autoclose int slave = -1;
	autoclose int console = -1;
	int r = inside_make_tty(root, who, uid, console_sock, &slave, e);

	if (r < 0)
		return r;
	console = mountfd_clone(slave, "", 0);
	if (console < 0)
		return err_errno(e, "can't bind the console of %s", who);
	r = inside_attach(root, "/dev/console", false, console, e);
	if (r == 0)
		*ret_tty = take_fd(&slave);
	return r;
}

/* ---- the whole ---- */

static int attach_root(const struct inside *in, struct err *e)
{
	autoclose int host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (mountfd_make_private() < 0)
		return err_errno(e, "can't make the mounts of %s private", in->app->name);
	if (host_root < 0 || mountfd_attach(in->root->tree_fd, host_root) < 0 || fchdir(in->root->tree_fd) < 0)
		return err_errno(e, "can't attach the root of %s", in->app->name);
	return 0;
}

static int attach_all(const struct inside *in, struct err *e)
{
	int root = in->root->tree_fd;
	int r = inside_attach(root, "/dev", true, in->root->dev_fd, e);

	for (size_t i = 0; r == 0 && i < in->root->n_nodes; i++)
		r = inside_attach(root, in->root->nodes[i].target, false, in->root->nodes[i].fd, e);
	if (r == 0)
		r = mount_magics(root, in, e);
	if (r == 0)
		r = inside_attach(root, "/dev/shm", true, in->root->shm_fd, e);
	if (r == 0)
		r = close_views(in, e);
	for (size_t i = 0; r == 0 && i < in->root->n; i++) {
		const struct root_mount *m = &in->root->mounts[i];

		r = inside_attach(root, m->target, m->is_dir, m->fd, e);
	}
	return r;
}

int inside_leave_host_root(const char *who, struct err *e)
{
	/* "." is both new root and the place of the old one, which is then lazily unmounted (pivot_root(2)). */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH_) < 0 || chdir("/") < 0)
		return err_errno(e, "can't leave the host's root for that of %s", who);
	return 0;
}

int inside_enter_root(const struct inside *in, int *ret_tty, struct err *e)
{
	int tty = -1;
	int r = attach_root(in, e);

	if (r == 0)
		r = attach_all(in, e);
	if (r == 0 && in->app->tty)
		r = inside_open_tty(in->root->tree_fd, in->app->name, in->app->uid, in->console_sock, &tty, e);
	if (r == 0 && in->app->read_only && mountfd_setattr(in->root->tree_fd, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		r = err_errno(e, "can't make the root of %s read-only", in->app->name);
	if (r == 0)
		r = inside_leave_host_root(in->app->name, e);
	if (r == 0)
		*ret_tty = tty;
	return r;
}
