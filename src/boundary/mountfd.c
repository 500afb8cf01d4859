/* SPDX-License-Identifier: Apache-2.0 */
/* The new mount API by descriptor. See mountfd.h. */
#include "boundary/mountfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kernel.h"

/* <sys/mount.h> clashes with <linux/mount.h> in Debian 12's glibc. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
enum { MS_REC_ = 1 << 14, MS_PRIVATE_ = 1 << 18 };

static int set_option(int fs, const struct mountfd_option *o)
{
	switch (o->kind) {
	case MOUNTFD_FLAG:
		return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, o->key, NULL, 0);
	case MOUNTFD_STRING:
		return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, o->key, o->string, 0);
	case MOUNTFD_FD:
		return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, o->key, NULL, o->fd);
	}
	errno = EINVAL;
	return -1;
}

int mountfd_new(const char *type, const struct mountfd_option *options, size_t n, unsigned int attrs)
{
	autoclose int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (set_option(fs, &options[i]) < 0)
			return -1;
	/* What mount(8) shows as the source; without it the kernel says "none". */
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", type, 0) < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
}

int mountfd_clone(int dirfd, const char *path, unsigned int open_tree_flags)
{
	unsigned int empty = *path ? 0 : AT_EMPTY_PATH;

	return (int)syscall(SYS_open_tree, dirfd, path,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | empty | open_tree_flags);
}

int mountfd_setattr(int mount_fd, uint64_t set, uint64_t clear, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	return (int)syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr));
}

int mountfd_propagate(int mount_fd, uint64_t propagation, bool recursive)
{
	struct mount_attr attr = { .propagation = propagation };
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return (int)syscall(SYS_mount_setattr, mount_fd, "", flags, &attr, sizeof(attr));
}

int mountfd_idmap(int mount_fd, int userns_fd, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd };

	return (int)syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr));
}

int mountfd_attach(int mount_fd, int target_fd)
{
	return (int)syscall(SYS_move_mount, mount_fd, "", target_fd, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

bool mountfd_clones_detached(void)
{
	return kernel_is_at_least(6, 15);
}

int mountfd_make_private(void)
{
	return mount(NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL);
}

int mountfd_enter_private(void)
{
	return unshare(CLONE_NEWNS) < 0 ? -1 : mountfd_make_private();
}
