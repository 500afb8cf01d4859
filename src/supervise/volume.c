/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: folders below the pod or, kept ones, below DIR/volumes; tmpfs ones live in the supervisor. At
 * first use a volume gets its owner, and what the image has at its place. Ids on disk are the pod's own
 * (0 is root of the image), whatever range the pod has: the mount maps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "boundary/mountfd.h"
#include "supervise/supervisor.h"

enum { COPY_DEPTH_MAX = 64, COPY_CHUNK = 1 << 20 };

/* ---- copying out of an image ---- */

static int copy_bytes(int from, int to)
{
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0);

		if (n == 0)
			return 0;
		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP))
			break;
		if (n < 0)
			return -1;
	}
	char bytes[65536];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		if (io_write_all(to, bytes, (size_t)n) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int copy_meta(int dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
		return -1;
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	autoclose int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	autoclose int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return from < 0 || to < 0 || copy_bytes(from, to) < 0 ? -1 : 0;
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = 0;
	return symlinkat(target, to_dir, name);
}

static int copy_tree(int from, int to, int depth);

static int copy_dir(int from_dir, int to_dir, const char *name, int depth)
{
	autoclose int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	autoclose int to = -1;

	if (from < 0 || mkdirat(to_dir, name, 0700) < 0)
		return -1;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return to < 0 ? -1 : copy_tree(from, to, depth + 1);
}

/* Regular files, directories, links and fifos; device nodes stay in the image. */
static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		r = copy_file(from, to, name, &st);
		break;
	case S_IFDIR:
		r = copy_dir(from, to, name, depth);
		break;
	case S_IFLNK:
		r = copy_link(from, to, name);
		break;
	case S_IFIFO:
		r = mkfifoat(to, name, 0600);
		break;
	default:
		return 0;
	}
	return r < 0 ? -1 : copy_meta(to, name, &st);
}

static int copy_tree(int from, int to, int depth)
{
	autoclosedir DIR *d = fdopendir(fcntl(from, F_DUPFD_CLOEXEC, 3));
	struct dirent *entry;

	if (!d || depth > COPY_DEPTH_MAX)
		return errno = depth > COPY_DEPTH_MAX ? ELOOP : errno, -1;
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (copy_entry(from, to, entry->d_name, depth) < 0)
			return -1;
	}
	return 0;
}

/* The image's directory at the volume's place, resolved inside the image (CVE-2022-23648). */
static int fill_from_image(struct supervisor *s, const struct plan_volume *v, int to, struct stat *st, bool *ret_filled,
			   struct err *e)
{
	const struct view *view;
	int r = pod_view(s, v->fill_view, &view, e);
	autoclose int from = r < 0 ? -1 : path_open_in_root(view->tree_fd, v->fill_path, O_RDONLY | O_DIRECTORY, 0);

	if (r < 0 || (from < 0 && errno == ENOENT))
		return r;
	if (from < 0 || fstat(from, st) < 0 || copy_tree(from, to, 0) < 0)
		return err_errno(e, "can't fill the volume %s from %s of its image", v->name, v->fill_path);
	*ret_filled = true;
	return 0;
}

/* ---- making ---- */

/* Filled under another name and renamed, so that a volume is there whole or not at all. */
static int make_volume(struct supervisor *s, const struct plan_volume *v, int dir, struct err *e)
{
	char fresh[160];
	struct stat st = { .st_uid = v->uid, .st_gid = v->gid, .st_mode = v->mode ?: 0755 };
	bool filled = false;
	int r = 0;

	snprintf(fresh, sizeof(fresh), ".%.8s.%s", s->pod.id, v->name);
	r = io_remove_tree(dir, fresh, e);
	if (r < 0)
		return r;
	if (mkdirat(dir, fresh, 0700) < 0)
		return err_errno(e, "can't make the volume %s", v->name);
	autoclose int fd = openat(dir, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, "can't open the volume %s", v->name);
	if (v->fill_view)
		r = fill_from_image(s, v, fd, &st, &filled, e);
	if (r == 0 && (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0))
		r = err_errno(e, "can't give the volume %s its owner", v->name);
	if (r == 0 && renameat(dir, fresh, dir, v->name) < 0)
		r = err_errno(e, "can't make the volume %s", v->name);
	if (r < 0) {
		struct err ignored = {};

		(void)!io_remove_tree(dir, fresh, &ignored);
	}
	return r;
}

static int open_folder(struct supervisor *s, const struct plan_volume *v, int *ret_fd, struct err *e)
{
	autoclose int dir = -1;

	if (!v->keep && mkdirat(s->pod.fd, "volumes", 0700) < 0 && errno != EEXIST)
		return err_errno(e, "can't make the pod's volumes");
	dir = openat(v->keep ? s->state.dirfd : s->pod.fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, "can't open the pod's volumes");
	for (int tries = 0; tries < 2; tries++) {
		int fd = openat(dir, v->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != ENOENT)
			break;
		int r = make_volume(s, v, dir, e);
		if (r < 0)
			return r;
	}
	return err_errno(e, "can't open the volume %s", v->name);
}

/* One tmpfs for all apps that mount it, kept by the supervisor over restarts. */
static int open_memory(struct supervisor *s, const struct plan_volume *v, int *slot, int *ret_fd, struct err *e)
{
	char size[32], mode[16], uid[16], gid[16];
	const struct mountfd_option options[] = {
		{ "size", MOUNTFD_STRING, size, -1 },
		{ "mode", MOUNTFD_STRING, mode, -1 },
		{ "uid", MOUNTFD_STRING, uid, -1 },
		{ "gid", MOUNTFD_STRING, gid, -1 },
	};

	snprintf(size, sizeof(size), "%llu", (unsigned long long)(v->size_bytes ?: 64 << 20));
	snprintf(mode, sizeof(mode), "%o", v->mode ?: 0755);
	snprintf(uid, sizeof(uid), "%u", s->plan.ids.base + v->uid);
	snprintf(gid, sizeof(gid), "%u", s->plan.ids.base + v->gid);
	if (*slot < 0) {
		*slot = mountfd_new("tmpfs", options, ARRAY_SIZE(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
		if (*slot >= 0 && s->private_mounts && mountfd_attach(*slot, s->attach_fd) < 0)
			return err_errno(e, "can't attach the volume %s", v->name);
	}
	*ret_fd = *slot < 0 ? -1 : fcntl(*slot, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_errno(e, "can't make the volume %s", v->name) : 0;
}

/* An image's files as they are; the mount is read-only (boundary/root.c). */
static int open_image(struct supervisor *s, const struct plan_volume *v, int *ret_fd, struct err *e)
{
	const struct view *view;
	int r = pod_view(s, v->view, &view, e);

	if (r < 0)
		return r;
	*ret_fd = fcntl(view->tree_fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_errno(e, "can't open the volume %s", v->name) : 0;
}

int volume_open(void *context, const struct plan_volume *v, int *ret_fd, struct err *e)
{
	struct supervisor *s = context;

	if (v->view)
		return open_image(s, v, ret_fd, e);
	if (v->tmpfs)
		return open_memory(s, v, &s->volume_fds[v - s->plan.volumes.v], ret_fd, e);
	return open_folder(s, v, ret_fd, e);
}
