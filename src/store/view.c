/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views for the start of an app: mounted once below the run directory, cloned for each user.
 *
 * One mount a view, because two mounts of the same file share no page cache and a clone of one does. Who
 * uses it holds RUN/views/ID.lock shared; the last one, seen by getting that lock exclusively, unmounts.
 * The lock file goes with the mount, so whoever waited for it looks again whether it still has a name.
 * Two first users are kept apart by RUN/views/.lock, since a shared lock doesn't order them.
 *
 * The mounts belong to the mount namespace that the command runs in; the lock to all. Where another
 * namespace released last, the mount stays here until the sweep.
 */
#include "store/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/kernel.h"
#include "base/rootless.h"
#include "store/layout.h"

enum { VIEW_LOCK_TRIES = 1000 };

int view_open_run(const struct store *s, int *ret_fd, struct err *e)
{
	char path[4096];

	if (!s->run_path)
		return err_new(e, ERR_FAILED, "no run directory was given for the views of %s", s->path);
	if ((size_t)snprintf(path, sizeof(path), "%s/views", s->run_path) >= sizeof(path))
		return err_new(e, ERR_FAILED, "the run directory's name is too long");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		int r = io_mkdir_p(AT_FDCWD, path, 0700, e);

		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return layout_err(e, "can't open %s", path);
	*ret_fd = fd;
	return 0;
}

static void lock_name(const char *view, char name[160])
{
	snprintf(name, 160, "%.128s.lock", view);
}

static int flock_retry(int fd, int how)
{
	int r;

	do
		r = flock(fd, how);
	while (r < 0 && errno == EINTR);
	return r;
}

/* A shared lock on a file that still has its name. -1 with errno. */
static int lock_view(int viewsfd, const char *view)
{
	char name[160];

	lock_name(view, name);
	for (int i = 0; i < VIEW_LOCK_TRIES; i++) {
		autoclose int fd = openat(viewsfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat st;

		if (fd < 0 || flock_retry(fd, LOCK_SH) < 0 || fstat(fd, &st) < 0)
			return -1;
		if (st.st_nlink)
			return take_fd(&fd);
	}
	errno = EBUSY;
	return -1;
}

static bool is_mounted(int viewsfd, const char *view)
{
	struct statx st;

	return statx(viewsfd, view, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* The detached mount onto RUN/views/ID, private: no other mount namespace gets a copy of what happens below it. */
static int attach(int viewsfd, const char *view, int mountfd, struct err *e)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};

	if (mkdirat(viewsfd, view, 0700) < 0 && errno != EEXIST)
		return layout_err(e, "can't make the mount point of view %.20s", view);
	if (syscall(SYS_move_mount, mountfd, "", viewsfd, view, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return layout_err(e, "can't mount view %.20s", view);
	if (syscall(SYS_mount_setattr, viewsfd, view, 0, &private, sizeof(private)) < 0)
		return layout_err(e, "can't make the mount of view %.20s private", view);
	return 0;
}

static int mount_once(const struct store *s, int viewsfd, const char *view, struct err *e)
{
	autoclose int lock = openat(viewsfd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	autoclose int mountfd = -1;

	if (lock < 0 || flock_retry(lock, LOCK_EX) < 0)
		return layout_err(e, "can't lock %s/views", s->run_path);
	if (is_mounted(viewsfd, view))
		return 0;
	int r = view_mount_erofs(s, view, &mountfd, e);

	return r < 0 ? r : attach(viewsfd, view, mountfd, e);
}

static int clone_mount(int viewsfd, const char *view, int *ret_fd, struct err *e)
{
	/* The mount is nosuid because it lies in the host's tree; what of it a pod may use is the boundary's word. */
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_NOSUID};
	autoclose int fd = (int)syscall(SYS_open_tree, viewsfd, view,
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (fd < 0 || syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return layout_err(e, "can't clone the mount of view %.20s", view);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Does nobody else hold the view's lock? A moment's truth: who comes next is free to think so too. */
static bool is_alone(int use)
{
	bool alone = flock_retry(use, LOCK_EX | LOCK_NB) == 0;

	/* Trying for more gave up what we had (flock(2)). */
	return flock_retry(use, LOCK_SH) == 0 && alone;
}

/*
 * The view's only user keeps its mount to itself: nothing is attached to the host's tree, nothing must be detached
 * again. From the second user on, the mount is shared, so that the page cache is.
 */
static int mount_view(const struct store *s, int viewsfd, int use, const char *view, int *ret_fd, struct err *e)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_NOSUID};
	autoclose int fd = -1;
	int r = 0;

	/* Older kernels clone only what is attached somewhere in the caller's mount namespace. */
	if (is_alone(use) && kernel_is_at_least(6, 15)) {
		r = view_mount_erofs(s, view, &fd, e);
		if (r < 0)
			return r;
		if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0) {
			*ret_fd = take_fd(&fd);
			return 0;
		}
	}
	r = mount_once(s, viewsfd, view, e);
	return r < 0 ? r : clone_mount(viewsfd, view, ret_fd, e);
}

static int open_locked(const struct store *s, int viewsfd, int use, const char *view, int *ret_fd, struct err *e)
{
	struct err no_erofs = {};
	char tree[160];
	int r = 0;

	if (is_mounted(viewsfd, view))
		return clone_mount(viewsfd, view, ret_fd, e);
	/* A tree that is there says that EROFS could not serve when it was built. */
	view_tree_path(view, tree);
	/* An ordinary user may mount no EROFS (user_namespaces(7)). */
	if (!rootless_here(NULL) && faccessat(s->dirfd, tree, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		r = mount_view(s, viewsfd, use, view, ret_fd, &no_erofs);
		if (r == 0)
			return 0;
		if (r != -ERR_STATE) {
			*e = no_erofs;
			return r;
		}
	}
	return view_open_tree(s, view, ret_fd, e);
}

int store_open_view(const struct store *s, const char *view, int *ret_tree_fd, int *ret_use_fd, struct err *e)
{
	autoclose int viewsfd = -1, use = -1;
	int tree = -1;

	if (!layout_is_view_id(view))
		return err_new(e, ERR_FAILED, "'%.140s' is no view", view ? view : "");
	int r = view_open_run(s, &viewsfd, e);

	if (r < 0)
		return r;
	use = lock_view(viewsfd, view);
	if (use < 0)
		return layout_err(e, "can't lock view %.20s in %s/views", view, s->run_path);
	r = open_locked(s, viewsfd, use, view, &tree, e);
	if (r < 0) {
		store_release_view(s, view, &use);
		return r;
	}
	*ret_tree_fd = tree;
	*ret_use_fd = take_fd(&use);
	return 0;
}

/* With the lock held exclusively: the mount, its point and the lock file go. */
static void drop_locked(int viewsfd, const char *view)
{
	char name[160], self[200];

	lock_name(view, name);
	snprintf(self, sizeof(self), "/proc/self/fd/%d/%.128s", viewsfd, view);
	if (is_mounted(viewsfd, view))
		umount2(self, MNT_DETACH | UMOUNT_NOFOLLOW);
	unlinkat(viewsfd, view, AT_REMOVEDIR);
	unlinkat(viewsfd, name, 0);
}

void store_release_view(const struct store *s, const char *view, int *use_fd)
{
	autoclose int use = take_fd(use_fd), viewsfd = -1;
	struct err ignored = {};

	if (use < 0 || !layout_is_view_id(view))
		return;
	if (flock_retry(use, LOCK_EX | LOCK_NB) < 0 || view_open_run(s, &viewsfd, &ignored) < 0)
		return;
	drop_locked(viewsfd, view);
}

bool view_drop_unused(int viewsfd, const char *view)
{
	char name[160];
	struct stat st;

	lock_name(view, name);
	autoclose int fd = openat(viewsfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock_retry(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	if (fstat(fd, &st) < 0 || !st.st_nlink)
		return false;
	drop_locked(viewsfd, view);
	return fstatat(viewsfd, view, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}
