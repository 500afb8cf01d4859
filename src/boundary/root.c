/* SPDX-License-Identifier: Apache-2.0 */
/* An app's root by descriptors, on the host's side. See root.h; what happens inside is inside.c. */
#include "boundary/root.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "boundary/mountfd.h"
#include "boundary/own_root.h"

enum { DEFAULT_TMPFS_BYTES = 64 << 20 };
#define EMPTY "empty"

static int new_tmpfs(const struct plan *p, uint64_t size_bytes, const char *mode, uint64_t attrs)
{
	char size[32], uid[16], gid[16];
	struct mountfd_option options[] = {
		{ "size", MOUNTFD_STRING, size, -1 },
		{ "mode", MOUNTFD_STRING, mode, -1 },
		{ "uid", MOUNTFD_STRING, uid, -1 },
		{ "gid", MOUNTFD_STRING, gid, -1 },
	};

	snprintf(size, sizeof(size), "%" PRIu64, size_bytes ? size_bytes : DEFAULT_TMPFS_BYTES);
	snprintf(uid, sizeof(uid), "%u", p->ids.base);
	snprintf(gid, sizeof(gid), "%u", p->ids.base);
	return mountfd_new("tmpfs", options, ARRAY_SIZE(options), (unsigned int)attrs);
}

/* ---- what a pod's apps share ---- */

/* The folders above a file: the pod's root owns them, as it does the file system. */
static int make_parents(int dirfd, const char *name, const struct plan *p, struct err *e)
{
	char path[512];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
		if (mkdirat(dirfd, path, 0755) < 0) {
			if (errno == EEXIST)
				continue;
			return err_errno(e, "can't make the pod's folder %s", path);
		}
		if (fchownat(dirfd, path, p->ids.base, p->ids.base, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(e, "can't make the pod's folder %s", path);
	}
	return 0;
}

static int write_text(int dirfd, const struct pod_text *t, const struct plan *p, struct err *e)
{
	if (strchr(t->name, '/') && make_parents(dirfd, t->name, p, e) < 0)
		return -e->code;
	autoclose int fd = openat(dirfd, t->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || io_write_all(fd, t->text, t->len) < 0 ||
	    fchown(fd, p->ids.base + t->uid, p->ids.base + t->gid) < 0 || fchmod(fd, t->mode ?: 0644) < 0)
		return err_errno(e, "can't write the pod's %s", t->name);
	return 0;
}

int root_add_pod_file(const struct plan *p, int etc_fd, const struct pod_text *t, struct err *e)
{
	(void)!unlinkat(etc_fd, t->name, 0);
	return write_text(etc_fd, t, p, e);
}

static uint64_t size_of_texts(const struct pod_text *texts, size_t n)
{
	uint64_t size = 1 << 20;

	for (size_t i = 0; i < n; i++)
		size += (texts[i].len | 4095) + 1 + 4096;
	return size;
}

void root_keep_mount(const struct pod_files *f, int mount_fd, const char *name, bool is_dir)
{
	autoclose int at = -1;

	if ((is_dir ? mkdirat(f->etc_fd, name, 0) : mknodat(f->etc_fd, name, S_IFREG, 0)) < 0)
		return;
	at = openat(f->etc_fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (at >= 0)
		(void)!mountfd_attach(mount_fd, at);
}

int root_make_pod_files(const struct plan *p, int userns_fd, int attach_fd, const struct pod_text *texts, size_t n,
			struct pod_files *ret, struct err *e)
{
	struct pod_files f = { .etc_fd = -1, .shm_fd = -1, .userns_fd = userns_fd, .mqueue_fd = -1 };
	int r = 0;

	f.etc_fd = new_tmpfs(p, size_of_texts(texts, n), "755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (f.etc_fd >= 0)
		f.shm_fd = new_tmpfs(p, p->shm_bytes, "1777", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (f.etc_fd < 0 || f.shm_fd < 0)
		r = err_errno(e, "can't make the pod's tmpfs");
	else if (attach_fd >= 0 && (mountfd_attach(f.etc_fd, attach_fd) < 0 || mountfd_attach(f.shm_fd, attach_fd) < 0))
		r = err_errno(e, "can't attach the pod's tmpfs");
	else if (mkdirat(f.etc_fd, EMPTY, 0555) < 0)
		r = err_errno(e, "can't make the pod's empty folder");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = write_text(f.etc_fd, &texts[i], p, e);
	if (r == 0 && attach_fd < 0)
		root_keep_mount(&f, f.shm_fd, ".shm", true);
	if (r < 0) {
		root_close_pod_files(&f);
		return r;
	}
	*ret = f;
	return 0;
}

void root_close_pod_files(struct pod_files *f)
{
	cleanup_close(&f->etc_fd);
	cleanup_close(&f->shm_fd);
	cleanup_close(&f->mqueue_fd);
	f->etc_fd = f->shm_fd = f->mqueue_fd = -1;
}

/* ---- what links bring ---- */

int root_make_links(const struct plan *p, int attach_fd, int *ret_fd, struct err *e)
{
	autoclose int fd = new_tmpfs(p, 1 << 20, "700", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	if (fd < 0 || (attach_fd >= 0 && mountfd_attach(fd, attach_fd) < 0))
		return err_errno(e, "can't make the folder of the pod's links");
	*ret_fd = take_fd(&fd);
	return 0;
}

int root_open_mqueue(int pidfd, int *ret_fd, struct err *e)
{
	autoclose int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	int fd, saved;

	if (own < 0 || setns(pidfd, CLONE_NEWIPC) < 0)
		return err_errno(e, "can't enter the IPC namespace that apps share");
	fd = mountfd_new("mqueue", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	saved = errno;
	if (setns(own, CLONE_NEWIPC) < 0) {
		cleanup_close(&fd);
		return err_errno(e, "can't come back from the IPC namespace that apps share");
	}
	errno = saved;
	if (fd < 0 && errno != ENODEV)
		return err_errno(e, "can't mount the message queues that apps share");
	*ret_fd = fd;
	return 0;
}

/* ---- /dev ---- */

struct node {
	const char *name;
	unsigned int major, minor;
};

static const struct node standard_nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const char *const dev_links[][2] = {
	{ "/proc/self/fd", "fd" },	 { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
	{ "/proc/self/fd/2", "stderr" }, { "/proc/kcore", "core" },	 { "pts/ptmx", "ptmx" },
};

/*
 * A device that the user may not make: the host's own node, bound onto an empty file. Its owner stays the host's, so the
 * pod may do with it what its mode lets others, or its user, do.
 */
static int bind_node(struct app_root *root, const char *host_path, const char *target, mode_t type, dev_t dev, struct err *e)
{
	struct stat st;
	autoclose int fd = mountfd_clone(AT_FDCWD, host_path, 0);

	if (fd < 0 || mountfd_setattr(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0) < 0)
		return err_errno(e, "can't bind the device %s", host_path);
	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != type || st.st_rdev != dev)
		return err_new(e, ERR_FAILED, "the host's %s is not the device that it should be", host_path);
	if (mknodat(root->dev_fd, target + strlen("/dev/"), S_IFREG | 0644, 0) < 0)
		return err_errno(e, "can't make the place of the device %s", target);
	root->nodes[root->n_nodes++] = (struct root_mount){ .fd = take_fd(&fd), .target = target };
	return 0;
}

static int bind_standard_nodes(struct app_root *root, struct err *e)
{
	/* As the mounts' targets, they live as long as the root's description does. */
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty" };
	int r = 0;

	static_assert(ARRAY_SIZE(paths) == ARRAY_SIZE(standard_nodes));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(paths); i++)
		r = bind_node(root, paths[i], paths[i], S_IFCHR, makedev(standard_nodes[i].major, standard_nodes[i].minor), e);
	return r;
}

/* mknod(2) obeys the umask; the supervisor's is 0. */
static int make_node(int dirfd, const char *name, mode_t type, mode_t mode, dev_t dev, uid_t uid, gid_t gid)
{
	if (mknodat(dirfd, name, type | mode, dev) < 0)
		return -1;
	return fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static int make_device(struct app_root *root, const struct plan *p, const struct plan_app *app,
		       const struct plan_device *d, struct err *e)
{
	const int dev_fd = root->dev_fd;
	const char *name = d->target + strlen("/dev/");
	const char *slash = strrchr(name, '/');
	mode_t mode = (mode_t)((strchr(d->access, 'r') ? 0444 : 0) | (strchr(d->access, 'w') ? 0222 : 0)) & 0660;
	mode_t type = d->block ? S_IFBLK : S_IFCHR;

	if (slash) {
		char parent[256];

		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
		int r = io_mkdir_p(dev_fd, parent, 0755, e);
		if (r < 0)
			return r;
	}
	if (plan_is_rootless(p))
		return bind_node(root, d->path, d->target, type, makedev(d->major, d->minor), e);
	if (make_node(dev_fd, name, type, mode, makedev(d->major, d->minor), p->ids.base + app->uid,
		      p->ids.base + app->gid) < 0)
		return err_errno(e, "can't make the device %s for %s", d->target, app->name);
	return 0;
}

static bool make_standard_nodes(int dev_fd, uid_t root)
{
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_SIZE(standard_nodes); i++) {
		const struct node *n = &standard_nodes[i];

		ok = make_node(dev_fd, n->name, S_IFCHR, 0666, makedev(n->major, n->minor), root, root) == 0;
	}
	return ok;
}

static int fill_dev(struct app_root *app_root, const struct plan *p, const struct plan_app *app, struct err *e)
{
	static const char *const dirs[] = { "pts", "shm", "mqueue" };
	const int dev_fd = app_root->dev_fd;
	const uid_t root = p->ids.base;
	bool ok = plan_is_rootless(p) || make_standard_nodes(dev_fd, root);

	for (size_t i = 0; ok && i < ARRAY_SIZE(dev_links); i++)
		ok = symlinkat(dev_links[i][0], dev_fd, dev_links[i][1]) == 0 &&
		     fchownat(dev_fd, dev_links[i][1], root, root, AT_SYMLINK_NOFOLLOW) == 0;
	for (size_t i = 0; ok && i < ARRAY_SIZE(dirs); i++)
		ok = mkdirat(dev_fd, dirs[i], 0755) == 0;
	if (ok && app->tty)
		ok = make_node(dev_fd, "console", S_IFREG, 0600, 0, root, root) == 0;
	if (!ok)
		return err_errno(e, "can't fill the /dev of %s", app->name);
	int r = plan_is_rootless(p) ? bind_standard_nodes(app_root, e) : 0;

	for (size_t i = 0; r == 0 && i < app->devices.n; i++)
		r = make_device(app_root, p, app, &app->devices.v[i], e);
	return r;
}

static int make_dev(const struct plan *p, const struct plan_app *app, struct app_root *root, struct err *e)
{
	root->dev_fd = new_tmpfs(p, 64 << 10, "755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (plan_is_rootless(p))
		root->nodes = calloc(ARRAY_SIZE(standard_nodes) + app->devices.n, sizeof(*root->nodes));
	if (root->dev_fd < 0 || (plan_is_rootless(p) && !root->nodes))
		return err_errno(e, "can't make the /dev of %s", app->name);
	return fill_dev(root, p, app, e);
}

/* ---- the root file system ---- */

/* A folder of the pod for the overlay, owned by the pod's root. It exists when the app starts again. */
static int open_layer_dir(int pod_fd, const char *app, const char *suffix, uid_t owner)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", app, suffix);
	if (mkdirat(pod_fd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	if (fchownat(pod_fd, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return openat(pod_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A clone of the view whose ids are the pod's: id 0 of the image is the pod's root (mount_setattr(2)). */
static int map_view(int view_fd, const struct pod_files *files)
{
	autoclose int fd = mountfd_clone(view_fd, "", 0);

	if (fd < 0)
		return -1;
	if (files->userns_fd >= 0 && mountfd_idmap(fd, files->userns_fd, 0) < 0)
		return -1;
	return take_fd(&fd);
}

/* Overlay takes descriptors since 6.13 for upper and work, since 6.5 for lower ones; before, paths. */
static int new_overlay(int lower_fd, int upper_fd, int work_fd, bool user_marks)
{
	char lower[32], upper[32], work[32];
	struct mountfd_option by_fd[] = {
		{ "lowerdir+", MOUNTFD_FD, NULL, lower_fd },
		{ "upperdir", MOUNTFD_FD, NULL, upper_fd },
		{ "workdir", MOUNTFD_FD, NULL, work_fd },
		{ "volatile", MOUNTFD_FLAG, NULL, -1 },
		{ "userxattr", MOUNTFD_FLAG, NULL, -1 },
	};
	struct mountfd_option by_path[] = {
		{ "lowerdir", MOUNTFD_STRING, lower, -1 },
		{ "upperdir", MOUNTFD_STRING, upper, -1 },
		{ "workdir", MOUNTFD_STRING, work, -1 },
		{ "volatile", MOUNTFD_FLAG, NULL, -1 },
		{ "userxattr", MOUNTFD_FLAG, NULL, -1 },
	};
	/* An ordinary user may not write trusted.* attributes: user.* ones say what overlay must remember. */
	const size_t n = ARRAY_SIZE(by_fd) - !user_marks;
	int fd = mountfd_new("overlay", by_fd, n, MOUNT_ATTR_NODEV);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	snprintf(lower, sizeof(lower), "/proc/self/fd/%d", lower_fd);
	snprintf(upper, sizeof(upper), "/proc/self/fd/%d", upper_fd);
	snprintf(work, sizeof(work), "/proc/self/fd/%d", work_fd);
	return mountfd_new("overlay", by_path, n, MOUNT_ATTR_NODEV);
}

/* `volatile` left its marker in a work folder that was cleanly unmounted in this boot: it may go. */
static void clear_volatile_marker(int work_fd)
{
	struct err ignored = {};

	(void)!io_remove_tree(work_fd, "work/incompat/volatile", &ignored);
}

static int make_overlay(const struct root_request *r, int *ret_fd, struct err *e)
{
	autoclose int mapped = r->view_is_mapped ? -1 : map_view(r->view_fd, r->files);
	const int lower = r->view_is_mapped ? r->view_fd : mapped;
	autoclose int upper = open_layer_dir(r->pod_fd, r->app->name, "upper", r->plan->ids.base);
	autoclose int work = open_layer_dir(r->pod_fd, r->app->name, "work", r->plan->ids.base);

	if (lower < 0) {
		err_errno(e, "can't map the ids of the image of %s", r->app->name);
		return err_try(e, "rocket doctor   (the store's file system must support id-mapped mounts)");
	}
	if (upper < 0 || work < 0)
		return err_errno(e, "can't make the writable layer of %s", r->app->name);
	clear_volatile_marker(work);
	int fd = new_overlay(lower, upper, work, plan_is_rootless(r->plan));
	if (fd < 0) {
		err_errno(e, "can't put together the root of %s", r->app->name);
		return err_try(e, "rocket doctor   (overlay file system)");
	}
	*ret_fd = fd;
	return 0;
}

static int make_tree(const struct root_request *r, int *ret_fd, struct err *e)
{
	struct err no_overlay = {};

	if (own_root_exists(r))
		return own_root_open(r, ret_fd, e);
	if (make_overlay(r, ret_fd, &no_overlay) == 0)
		return 0;
	if (!own_root_fits(r, &no_overlay)) {
		*e = no_overlay;
		return -e->code;
	}
	int err = own_root_make(r, e);

	return err < 0 ? err : own_root_open(r, ret_fd, e);
}

/* ---- the plan's mounts ---- */

static int id_map_error(struct err *e, const char *source)
{
	int saved = errno;

	err_errno(e, "can't map the ids of %s into the pod", source);
	if (saved == EINVAL)
		err_because(e, "its file system can't be id-mapped");
	return err_try(e, "copy it to a file system that can be (ext4, xfs, btrfs, tmpfs since 6.3)");
}

static uint64_t mount_attrs(const struct plan_mount *m)
{
	return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0) |
	       (m->noexec ? MOUNT_ATTR_NOEXEC : 0);
}

static int open_bind(const struct root_request *r, const struct plan_mount *m, int *ret_fd, bool *ret_is_dir,
		     struct err *e)
{
	struct stat st;
	autoclose int source = open(m->source, O_PATH | O_CLOEXEC);

	if (source < 0 || fstat(source, &st) < 0) {
		err_errno(e, "can't open the hole path:%s of %s", m->source, r->app->name);
		return err_try(e, "ls -ld %s   (Rocket never creates host paths)", m->source);
	}
	autoclose int fd = mountfd_clone(source, "", S_ISDIR(st.st_mode) ? AT_RECURSIVE : 0);
	if (fd < 0)
		return err_errno(e, "can't bind %s", m->source);
	if (r->files->userns_fd >= 0 && mountfd_idmap(fd, r->files->userns_fd, AT_RECURSIVE) < 0)
		return id_map_error(e, m->source);
	if (mountfd_setattr(fd, mount_attrs(m), 0, AT_RECURSIVE) < 0)
		return err_errno(e, "can't restrict the mount of %s", m->source);
	*ret_is_dir = S_ISDIR(st.st_mode);
	*ret_fd = take_fd(&fd);
	return 0;
}

static const struct plan_volume *find_volume(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (strcmp(p->volumes.v[i].name, name) == 0)
			return &p->volumes.v[i];
	return NULL;
}

/* Folders of the path that are not there yet are made, with the volume's own owner and mode. */
static int make_sub_folders(int volume_fd, const char *path, struct err *e)
{
	char part[4096];
	struct stat st;

	if (fstat(volume_fd, &st) < 0)
		return err_errno(e, "can't look at a volume");
	for (const char *end = path; *end; end += *end == '/') {
		autoclose int parent = -1;
		const char *start = end;

		end = strchrnul(start, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(start - path), path);
		parent = path_open_beneath(volume_fd, *part ? part : ".", O_RDONLY | O_DIRECTORY, 0);
		snprintf(part, sizeof(part), "%.*s", (int)(end - start), start);
		if (parent < 0)
			return err_errno(e, "can't open %s in a volume", path);
		if (mkdirat(parent, part, 0700) == 0) {
			if (fchownat(parent, part, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
			    fchmodat(parent, part, st.st_mode & 07777, 0) < 0)
				return err_errno(e, "can't make %s in a volume", path);
		} else if (errno != EEXIST) {
			return err_errno(e, "can't make %s in a volume", path);
		}
	}
	return 0;
}

/*
 * What a volume holds is its apps' word: no link is followed, nothing above it reached, and what was opened is what
 * is mounted (CVE-2017-1002101, CVE-2021-25741).
 */
static int open_sub_path(const struct root_request *r, const struct plan_volume *v, const struct plan_mount *m, int *inout_fd,
			 bool *ret_is_dir, struct err *e)
{
	struct stat st;
	int fd = path_open_beneath(*inout_fd, m->sub_path, O_PATH | O_NOFOLLOW, 0);

	if (fd < 0 && errno == ENOENT && !v->view && make_sub_folders(*inout_fd, m->sub_path, e) == 0)
		fd = path_open_beneath(*inout_fd, m->sub_path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))) {
		err_errno(e, "can't mount %s of the volume %s", m->sub_path, v->name);
		if (fd >= 0)
			err_because(e, "it is neither a folder nor a file");
		err_try(e, "rocket volume inspect %s   (no part of the path may be a link)", v->name);
		cleanup_close(&fd);
		return -e->code;
	}
	close(*inout_fd);
	*inout_fd = fd;
	*ret_is_dir = S_ISDIR(st.st_mode);
	return 0;
}

static int open_volume_mount(const struct root_request *r, const struct plan_mount *m, int *ret_fd, bool *ret_is_dir,
			     struct err *e)
{
	const struct plan_volume *v = find_volume(r->plan, m->source);
	autoclose int dir = -1;

	if (!v)
		return err_new(e, ERR_FAILED, "the plan has no volume %s", m->source);
	int err = r->open_volume(r->context, v, &dir, e);
	if (err == 0 && m->sub_path)
		err = open_sub_path(r, v, m, &dir, ret_is_dir, e);
	if (err < 0)
		return err;
	autoclose int fd = mountfd_clone(dir, "", 0);
	if (fd < 0)
		return err_errno(e, "can't bind the volume %s", v->name);
	/* A tmpfs volume was made with the pod's ids already. */
	if (!v->tmpfs && r->files->userns_fd >= 0 && mountfd_idmap(fd, r->files->userns_fd, 0) < 0)
		return id_map_error(e, v->name);
	if (mountfd_setattr(fd, mount_attrs(m) | (v->view ? MOUNT_ATTR_RDONLY : 0), 0, 0) < 0)
		return err_errno(e, "can't restrict the mount of the volume %s", v->name);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_file_mount(const struct root_request *r, const struct plan_mount *m, int *ret_fd, bool *ret_is_dir,
			   struct err *e)
{
	struct stat st;
	autoclose int fd = mountfd_clone(r->files->etc_fd, m->source, AT_SYMLINK_NOFOLLOW);

	if (fd < 0 || mountfd_setattr(fd, MOUNT_ATTR_RDONLY, 0, 0) < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "can't bind the pod's %s", m->source);
	*ret_is_dir = S_ISDIR(st.st_mode);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The pipe or socket of a link: its inode is what the two apps have in common, and all of it. */
static int open_link_mount(const struct root_request *r, const struct plan_mount *m, int *ret_fd, struct err *e)
{
	const uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	autoclose int fd = mountfd_clone(r->links_fd, m->source, AT_SYMLINK_NOFOLLOW);

	if (fd < 0 || mountfd_setattr(fd, attrs | (m->read_only ? MOUNT_ATTR_RDONLY : 0), 0, 0) < 0)
		return err_errno(e, "can't bind the link at %s of %s", m->target, r->app->name);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_tmpfs_mount(const struct root_request *r, const struct plan_mount *m, int *ret_fd, struct err *e)
{
	uint64_t size = m->size_bytes;
	char mode[16];

	if (!size && r->app->limits.memory_bytes)
		size = r->app->limits.memory_bytes / 2;
	snprintf(mode, sizeof(mode), "%o", m->mode ? m->mode : 01777);
	*ret_fd = new_tmpfs(r->plan, size, mode, mount_attrs(m));
	return *ret_fd < 0 ? err_errno(e, "can't make the tmpfs for %s", m->target) : 0;
}

static int open_mount(const struct root_request *r, const struct plan_mount *m, struct root_mount *ret, struct err *e)
{
	struct root_mount x = { .fd = -1, .target = m->target, .is_dir = true };
	int err = 0;

	switch (m->kind) {
	case MOUNT_BIND:
		err = open_bind(r, m, &x.fd, &x.is_dir, e);
		break;
	case MOUNT_VOLUME:
		err = open_volume_mount(r, m, &x.fd, &x.is_dir, e);
		break;
	case MOUNT_TMPFS:
		err = open_tmpfs_mount(r, m, &x.fd, e);
		break;
	case MOUNT_FILE:
		err = open_file_mount(r, m, &x.fd, &x.is_dir, e);
		break;
	case MOUNT_LINK:
		x.is_dir = false;
		err = open_link_mount(r, m, &x.fd, e);
		break;
	}
	if (err == 0)
		*ret = x;
	return err;
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct root_mount *)a)->target, ((const struct root_mount *)b)->target);
}

static int open_mounts(const struct root_request *r, struct app_root *root, struct err *e)
{
	const struct plan_app *app = r->app;

	root->mounts = calloc(app->mounts.n + 1, sizeof(*root->mounts));
	if (!root->mounts)
		return err_errno(e, "can't prepare the mounts of %s", app->name);
	for (size_t i = 0; i < app->mounts.n; i++) {
		int err = open_mount(r, &app->mounts.v[i], &root->mounts[i], e);

		if (err < 0)
			return err;
		root->n++;
	}
	qsort(root->mounts, root->n, sizeof(*root->mounts), by_target);
	return 0;
}

/* Each circle has one /dev/shm. */
static int open_shm(const struct root_request *r, struct app_root *root, struct err *e)
{
	root->shm_fd = mountfd_clone(r->files->shm_fd, "", 0);
	if (root->shm_fd < 0)
		return err_errno(e, "can't make the /dev/shm of %s", r->app->name);
	if (r->files->mqueue_fd < 0)
		return 0;
	root->mqueue_fd = mountfd_clone(r->files->mqueue_fd, "", 0);
	return root->mqueue_fd < 0 ? err_errno(e, "can't make the /dev/mqueue of %s", r->app->name) : 0;
}

int root_prepare_tree(const struct root_request *r, int *ret_tree_fd, struct err *e)
{
	return make_tree(r, ret_tree_fd, e);
}

static int open_empty(const struct root_request *r, struct app_root *root, struct err *e)
{
	root->empty_fd = mountfd_clone(r->files->etc_fd, EMPTY, AT_SYMLINK_NOFOLLOW);
	if (root->empty_fd < 0 || mountfd_setattr(root->empty_fd, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		return err_errno(e, "can't make the masks of %s", r->app->name);
	return 0;
}

int root_prepare(const struct root_request *r, struct app_root *ret, struct err *e)
{
	struct app_root root = APP_ROOT_NONE;
	int err = make_tree(r, &root.tree_fd, e);

	if (err == 0)
		err = make_dev(r->plan, r->app, &root, e);
	if (err == 0)
		err = open_shm(r, &root, e);
	if (err == 0)
		err = open_empty(r, &root, e);
	if (err == 0)
		err = open_mounts(r, &root, e);
	if (err < 0) {
		root_close(&root);
		return err;
	}
	*ret = root;
	return 0;
}

void root_close(struct app_root *root)
{
	for (size_t i = 0; i < root->n; i++)
		cleanup_close(&root->mounts[i].fd);
	for (size_t i = 0; i < root->n_nodes; i++)
		cleanup_close(&root->nodes[i].fd);
	free(root->mounts);
	free(root->nodes);
	cleanup_close(&root->tree_fd);
	cleanup_close(&root->dev_fd);
	cleanup_close(&root->shm_fd);
	cleanup_close(&root->empty_fd);
	cleanup_close(&root->mqueue_fd);
	*root = (struct app_root)APP_ROOT_NONE;
}
