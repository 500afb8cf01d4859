/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts as descriptors: fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2). A mount is
 * made detached, given its attributes, and attached once; no path is ever mounted on. glibc 2.36 has
 * wrappers for some of these calls only, so all go through syscall(2) here.
 *
 * Every function gives a descriptor (close-on-exec) or 0, or -1 with errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mountfd_value { MOUNTFD_FLAG, MOUNTFD_STRING, MOUNTFD_FD };

/* One option of a new file system. */
struct mountfd_option {
	const char *key;
	enum mountfd_value kind;
	const char *string;
	int fd;
};

/* A new file system of this type, mounted detached with MOUNT_ATTR_* attributes. */
[[nodiscard]] int mountfd_new(const char *type, const struct mountfd_option *options, size_t n, unsigned int attrs);
/* A detached clone of what lies at dirfd/path ("" for dirfd itself), with everything below when recursive. */
[[nodiscard]] int mountfd_clone(int dirfd, const char *path, unsigned int open_tree_flags);
/* Sets and clears MOUNT_ATTR_* on a mount; recursive with AT_RECURSIVE in flags. */
[[nodiscard]] int mountfd_setattr(int mount_fd, uint64_t set, uint64_t clear, unsigned int flags);
/* Sets the propagation of a mount, one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. */
[[nodiscard]] int mountfd_propagate(int mount_fd, uint64_t propagation, bool recursive);
/* Maps the ids of a detached mount by a user namespace (mount_setattr(2), MOUNT_ATTR_IDMAP). */
[[nodiscard]] int mountfd_idmap(int mount_fd, int userns_fd, unsigned int flags);
/* Attaches a detached mount on top of target_fd, which must lie in the caller's mount namespace. */
[[nodiscard]] int mountfd_attach(int mount_fd, int target_fd);

/*
 * May a detached mount be cloned again (Linux 6.15)? Before, only what is attached in the caller's mount namespace can
 * be: whoever needs clones then gives himself a mount namespace of his own (mountfd_enter_private()) and attaches there
 * what he makes.
 */
bool mountfd_clones_detached(void);
/* From here on nothing propagates out of the caller's mount namespace, or into it. */
[[nodiscard]] int mountfd_make_private(void);
/* A mount namespace of the caller's own, from which nothing propagates. Descriptors opened before belong to the old one. */
[[nodiscard]] int mountfd_enter_private(void);
