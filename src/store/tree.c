/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory form of a view, trees/ID: for hosts where EROFS can't serve (rootless, Linux before 6.12, a
 * store on overlayfs or tmpfs). An ordinary user's is
 * called ID.MAP (base/rootless.h): whose its files are on the disk depends on the ids that he had then. It is written under a temporary name whose directory is locked by its
 * writer, so that the sweep knows a dead one, then synced as a whole and renamed.
 */
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/rootless.h"
#include "store/layout.h"
#include "store/view.h"

void view_tree_path(const char *view, char path[160])
{
	struct rootless user;
	char map[16];

	if (!rootless_here(&user)) {
		snprintf(path, 160, "trees/%.128s", view);
		return;
	}
	rootless_map_name(&user, map);
	snprintf(path, 160, "trees/%.128s.%s", view, map);
}

bool blob_tree_exists(const struct store *s, const char *view)
{
	char path[160];
	struct stat st;

	if (!layout_is_view_id(view))
		return false;
	view_tree_path(view, path);
	return fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int blob_tree_begin(const struct store *s, struct blob_tree *ret, struct err *e)
{
	struct blob_tree t = {.store = s, .tmp_name = "trees/"};

	layout_unique_name(t.tmp_name + 6, sizeof(t.tmp_name) - 6, ".tmp");
	if (mkdirat(s->dirfd, t.tmp_name, 0700) < 0)
		return layout_err(e, "can't write into %s/trees", s->path);
	t.fd = openat(s->dirfd, t.tmp_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (t.fd < 0 || flock(t.fd, LOCK_EX | LOCK_NB) < 0) {
		layout_err(e, "can't write into %s/trees", s->path);
		blob_tree_abort(&t);
		return -e->code;
	}
	*ret = t;
	return 0;
}

int blob_tree_commit(struct blob_tree *t, const char *view, struct err *e)
{
	char path[160];
	int r = 0;

	view_tree_path(view, path);
	if (!layout_is_view_id(view))
		r = err_new(e, ERR_FAILED, "'%.140s' is no view", view ? view : "");
	else if (syncfs(t->fd) < 0)
		r = layout_err(e, "can't write %s/%s", t->store->path, path);
	else if (renameat2(t->store->dirfd, t->tmp_name, t->store->dirfd, path, RENAME_NOREPLACE) == 0)
		t->tmp_name[0] = 0;
	else if (errno != EEXIST && errno != ENOTEMPTY)
		r = layout_err(e, "can't name %s/%s", t->store->path, path);
	if (r == 0)
		r = layout_sync_dir(t->store, "trees", e);
	blob_tree_abort(t);
	return r;
}

void blob_tree_abort(struct blob_tree *t)
{
	struct err ignored = {};

	if (t->store && t->tmp_name[0] && io_remove_tree(t->store->dirfd, t->tmp_name, &ignored) < 0)
		t->tmp_name[0] = 0; /* the sweep tries again */
	if (t->fd >= 0)
		close(t->fd);
	*t = BLOB_TREE_NONE;
}

static int err_not_built(const char *view, const char *because, struct err *e)
{
	err_new(e, ERR_STATE, "the root of view %.20s is not unpacked", view);
	err_because(e, "%s", because);
	return err_try(e, "rocket image import FILE   (once more, on this host)");
}

/* rocket-image beside the running program, in the build tree, or where it was installed: as cli/libexec.c looks. */
static int default_builder(char *path, size_t n)
{
	char dir[4000];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	dir[len > 0 ? len : 0] = 0;
	if (strrchr(dir, '/'))
		*strrchr(dir, '/') = 0;
	snprintf(path, n, "%s/rocket-image", dir);
	if (access(path, X_OK) == 0)
		return 0;
	snprintf(path, n, "%s/../libexec/rocket-image", dir);
	if (access(path, X_OK) == 0)
		return 0;
	snprintf(path, n, ROCKET_LIBEXECDIR "/rocket-image");
	return access(path, X_OK);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ERR_FAILED;
}

enum { BUILDER_FD = 10, BUILDER_FD_FREE = 20 };

/* Runs the builder and waits for it; it prints its own errors. dirfd, unless -1, is its descriptor BUILDER_FD. */
static int run_builder(const struct store *s, const char *view, char *const *args, int dirfd, struct err *e)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	char path[4096];
	pid_t pid;

	if (s->builder)
		snprintf(path, sizeof(path), "%s", s->builder);
	else if (default_builder(path, sizeof(path)) < 0)
		return err_not_built(view, "EROFS can't be mounted here, and rocket-image, which unpacks, is not installed", e);
	autoclose int held = dirfd < 0 ? -1 : fcntl(dirfd, F_DUPFD_CLOEXEC, BUILDER_FD_FREE);

	posix_spawn_file_actions_init(&actions);
	if (held >= 0)
		posix_spawn_file_actions_adddup2(&actions, held, BUILDER_FD);
	errno = posix_spawn(&pid, path, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno)
		return layout_err(e, "can't execute %s", path);
	return wait_for(pid) == 0 ? 0 : err_not_built(view, "unpacking it failed; the lines above say why", e);
}

static int build_tree(const struct store *s, const char *view, struct err *e)
{
	char name[] = "rocket-image", dir[] = "--dir", verb[] = "--build-tree";
	char *const args[] = {name, dir, s->path, verb, (char *)view, NULL};

	return run_builder(s, view, args, -1, e);
}

int store_unpack_view(const struct store *s, const char *view, int dirfd, uint32_t shift, struct err *e)
{
	char name[] = "rocket-image", dir[] = "--dir", verb[] = "--build-root", into[] = "--into", by[] = "--shift";
	char fd_path[32], number[16];
	char *const args[] = {name, dir, s->path, into, fd_path, by, number, verb, (char *)view, NULL};

	if (!layout_is_view_id(view))
		return err_new(e, ERR_FAILED, "'%.140s' is no view", view ? view : "");
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", BUILDER_FD);
	snprintf(number, sizeof(number), "%u", shift);
	return run_builder(s, view, args, dirfd, e);
}

static int clone_tree(const struct store *s, const char *path, int *ret_fd, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE};
	autoclose int fd = (int)syscall(SYS_open_tree, s->dirfd, path,
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (fd >= 0 && syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return layout_err(e, "can't make %s/%s read-only", s->path, path);
	if (fd < 0 && errno == EPERM)
		fd = openat(s->dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return layout_err(e, "can't open %s/%s", s->path, path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int view_open_tree(const struct store *s, const char *view, int *ret_fd, struct err *e)
{
	char path[160];
	int r = 0;

	view_tree_path(view, path);
	if (!blob_tree_exists(s, view))
		r = build_tree(s, view, e);
	return r < 0 ? r : clone_tree(s, path, ret_fd, e);
}
