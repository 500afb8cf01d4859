/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole trees: make the parts of a path, remove a tree, measure one. The trees are somebody else's: links
 * are never followed, mounts never crossed, and depth costs neither stack nor descriptors. A walk keeps a
 * stack of at most DEPTH_MAX open directories. Removal lifts what lies deeper up to the tree's own top,
 * and comes back to it; measuring stops there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"

#define DEPTH_MAX 48
#define PASSES_MAX 100000

int io_mkdir_p(int dirfd, const char *path, mode_t mode, struct err *e)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return err_errno(e, "cannot make the directory %.64s…", path);
	}
	memcpy(part, path, len + 1);
	for (char *p = part + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		struct stat st;

		*p = 0;
		if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
			return err_errno(e, "cannot make the directory %s", part);
		if (kept == 0) {
			if (fstatat(dirfd, part, &st, 0) == 0 && S_ISDIR(st.st_mode))
				return 0;
			errno = ENOTDIR;
			return err_errno(e, "cannot make the directory %s", part);
		}
		*p = kept;
	}
}

struct walk {
	DIR *dirs[DEPTH_MAX];
	const char *names[DEPTH_MAX]; /* of dirs[i] in dirs[i - 1], whose dirent holds it */
	int depth;           /* open directories; dirs[0] is the top */
	unsigned lifted;     /* names given to what was lifted */
	bool removing;       /* modes may be changed */
	bool again;          /* something was lifted or came meanwhile: the top needs another pass */
};

static void walk_close(struct walk *w)
{
	while (w->depth)
		closedir(w->dirs[--w->depth]);
}

static int walk_fd(const struct walk *w)
{
	return dirfd(w->dirs[w->depth - 1]);
}

/* The top of a walk is named by the caller, with a path perhaps; below it names are the tree's. */
static int open_one(const struct walk *w, int at, const char *name, int flags)
{
	struct statx st;

	if (w->depth)
		return path_open_same_mount(at, name, flags);
	autoclose int fd = openat(at, name, flags | O_CLOEXEC);

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
		return -1;
	if (w->removing && st.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
		errno = EXDEV;
		return -1;
	}
	return take_fd(&fd);
}

/* A directory that its owner made unreadable is opened all the same when we may change its mode. */
static int open_dir(const struct walk *w, int at, const char *name)
{
	int fd = open_one(w, at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	char self[40];

	if (fd >= 0 || errno != EACCES || !w->removing)
		return fd;
	autoclose int path = open_one(w, at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

	if (path < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	if (chmod(self, 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	return open_one(w, at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/* A directory that we can list but not change (0500) is made ours before its entries go. */
static int unlink_at(int at, const char *name, int flags)
{
	if (unlinkat(at, name, flags) == 0)
		return 0;
	if (errno != EACCES || fchmod(at, 0700) < 0)
		return -1;
	return unlinkat(at, name, flags);
}

static int walk_enter(struct walk *w, int at, const char *name)
{
	int fd = open_dir(w, at, name);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int saved = errno;

		if (fd >= 0)
			close(fd);
		errno = saved;
		return -1;
	}
	w->names[w->depth] = name;
	w->dirs[w->depth++] = dir;
	return 0;
}

static struct dirent *walk_next(struct walk *w)
{
	struct dirent *d;

	errno = 0;
	do {
		d = readdir(w->dirs[w->depth - 1]);
	} while (d && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
	return d;
}

/* Moves a directory that lies too deep up to the top of the tree, under a name that is free there. */
static int walk_lift(struct walk *w, const char *name)
{
	char to[32];

	for (;;) {
		snprintf(to, sizeof(to), ".lifted-%u", w->lifted++);
		if (renameat2(walk_fd(w), name, dirfd(w->dirs[0]), to, RENAME_NOREPLACE) == 0)
			break;
		if (errno != EEXIST)
			return -1;
	}
	w->again = true;
	return 0;
}

static int remove_dir(struct walk *w, const char *name)
{
	int at = walk_fd(w);

	if (unlink_at(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	/* Another removal of the same tree may be faster. */
	if ((w->depth == DEPTH_MAX ? walk_lift(w, name) : walk_enter(w, at, name)) == 0 || errno == ENOENT)
		return 0;
	return -1;
}

static int remove_entry(struct walk *w, const struct dirent *d)
{
	if (d->d_type == DT_DIR)
		return remove_dir(w, d->d_name);
	if (unlink_at(walk_fd(w), d->d_name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR ? remove_dir(w, d->d_name) : -1;
}

/* Leaves the deepest directory, whose entries are gone, and removes it. */
static int walk_leave(struct walk *w)
{
	const char *name = w->names[--w->depth];

	closedir(w->dirs[w->depth]);
	if (unlink_at(walk_fd(w), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	w->again = true;
	return 0;
}

/* One pass over the tree below the open top. */
static int remove_pass(struct walk *w)
{
	for (;;) {
		const struct dirent *d = walk_next(w);

		if (d && remove_entry(w, d) < 0)
			return -1;
		if (d)
			continue;
		if (errno)
			return -1;
		if (w->depth == 1)
			return 0;
		if (walk_leave(w) < 0)
			return -1;
	}
}

int io_remove_tree(int dirfd, const char *name, struct err *e)
{
	struct walk w = {.removing = true};
	int passes = 0, r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(e, "cannot remove %s", name);
	if (walk_enter(&w, dirfd, name) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", name);
	do {
		w.again = false;
		r = remove_pass(&w);
		rewinddir(w.dirs[0]);
	} while (r == 0 && w.again && ++passes < PASSES_MAX);
	if (r < 0)
		err_errno(e, "cannot remove %s", name);
	walk_close(&w);
	if (r < 0)
		return -e->code;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove %s", name);
	return 0;
}

static uint64_t entry_bytes(int at, const char *name, bool *ret_is_dir)
{
	struct stat st;

	*ret_is_dir = false;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	*ret_is_dir = S_ISDIR(st.st_mode);
	/* A file with several names counts in parts, so that all its names together count once. */
	return (uint64_t)st.st_blocks * 512 / (*ret_is_dir || st.st_nlink == 0 ? 1 : st.st_nlink);
}

/* Adds up what lies below the open top; what can't be entered (gone, another mount, too deep) counts alone. */
static uint64_t measure(struct walk *w)
{
	uint64_t bytes = 0;
	bool is_dir;

	while (w->depth) {
		const struct dirent *d = walk_next(w);

		if (!d) {
			closedir(w->dirs[--w->depth]);
			continue;
		}
		bytes += entry_bytes(walk_fd(w), d->d_name, &is_dir);
		if (is_dir && w->depth < DEPTH_MAX)
			(void)!walk_enter(w, walk_fd(w), d->d_name);
	}
	return bytes;
}

int io_disk_usage(int dirfd, const char *name, uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {};
	bool is_dir;
	uint64_t bytes = entry_bytes(dirfd, name, &is_dir);

	if (!is_dir) {
		struct stat st;

		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(e, "cannot measure %s", name);
		*ret_bytes = bytes;
		return 0;
	}
	if (walk_enter(&w, dirfd, name) < 0)
		return err_errno(e, "cannot measure %s", name);
	*ret_bytes = bytes + measure(&w);
	return 0;
}
