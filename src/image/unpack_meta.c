/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner first, because changing it clears set-id bits and file capabilities; then attributes, mode, and the
 * times last. Nothing follows a link: an opened file is changed by its descriptor, others by directory and name.
 */
#include "image/unpack_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PROC_PATH = 32 + TREE_NAME_MAX };

/* The file as a path that the kernel does not resolve any further than to its directory's descriptor. */
static void proc_path(const struct unpack_at *at, char path[PROC_PATH])
{
	snprintf(path, PROC_PATH, "/proc/self/fd/%d/%.255s", at->dirfd, at->name);
}

static int set_owner(struct unpacker *p, const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	uint32_t uid = n->uid + p->u->shift, gid = n->gid + p->u->shift;

	if (uid == p->uid && gid == p->gid)
		return 0;
	if (p->u->as_user) {
		p->u->left_out++;
		return 0;
	}
	int r = at->fd >= 0 ? fchown(at->fd, uid, gid) :
			      fchownat(at->dirfd, at->name, uid, gid, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? unpack_err(e, "can't give a file of the image to user %u, group %u", uid, gid) : 0;
}

/* Attributes that a place can't hold are no reason to fail for an ordinary user. */
static bool may_leave_out(const struct unpacker *p, const char *name, int errnum)
{
	bool user = !strncmp(name, "user.", 5);

	if (p->u->as_user && (!user || errnum == ENOTSUP || errnum == EPERM))
		return true;
	if (p->u->no_devices && !strncmp(name, "trusted.", 8))
		return true;
	return user && errnum == EPERM; /* user.* is for files and directories alone (xattr(7)) */
}

static int set_xattr(struct unpacker *p, const struct tar_xattr *x, const struct unpack_at *at, struct err *e)
{
	const void *value = x->value;
	size_t len = x->len;
	char path[PROC_PATH];
	int r;

	if (p->u->shift && len + sizeof(uint32_t) <= sizeof(p->buffer)) {
		memcpy(p->buffer, value, len);
		len = unpack_shift_xattr(p->u->shift, x->name, p->buffer, len);
		value = p->buffer;
	}
	if (at->fd >= 0) {
		r = fsetxattr(at->fd, x->name, value, len, 0);
	} else {
		proc_path(at, path);
		r = lsetxattr(path, x->name, value, len, 0);
	}
	if (!r)
		return 0;
	if (!may_leave_out(p, x->name, errno))
		return unpack_err(e, "can't set the attribute %.100s on a file of the image", x->name);
	p->u->left_out++;
	return 0;
}

static int set_mode(const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	char path[PROC_PATH];
	int r = 0;

	if (S_ISLNK(n->mode))
		return 0;
	if (at->fd >= 0) {
		if (S_ISDIR(n->mode) || n->mode & 07000)
			r = fchmod(at->fd, n->mode & 07777);
	} else if (n->mode & 07000) {
		autoclose int fd = openat(at->dirfd, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		r = fd < 0 ? -1 : chmod(path, n->mode & 07777);
	}
	return r < 0 ? unpack_err(e, "can't set the mode of a file of the image") : 0;
}

static int set_times(const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	struct timespec ts[2] = {
		{.tv_sec = n->mtime, .tv_nsec = n->mtime_ns},
		{.tv_sec = n->mtime, .tv_nsec = n->mtime_ns},
	};
	int r = at->fd >= 0 ? futimens(at->fd, ts) : utimensat(at->dirfd, at->name, ts, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? unpack_err(e, "can't set the time of a file of the image") : 0;
}

int unpack_meta(struct unpacker *p, const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	int r = set_owner(p, n, at, e);

	for (const struct tar_xattr *x = n->xattrs; x && !r; x = x->next)
		r = set_xattr(p, x, at, e);
	if (!r)
		r = set_mode(n, at, e);
	return r ? r : set_times(n, at, e);
}
