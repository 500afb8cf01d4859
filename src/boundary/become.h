/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of the calling thread alone, by system call. libc's setgroups(3), setresgid(3) and setresuid(3) block signals and
 * look for other threads to change too, through memory that a process made with CLONE_VM shares with its maker
 * (credentials(7), "C library/kernel differences").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * All of real, effective and saved ids; needs CAP_SETUID and CAP_SETGID. 0 or -1 with errno. keep_groups: for a user
 * namespace of one id, where the kernel lets nobody change his groups (user_namespaces(7)); they are the user's own then.
 */
static inline int become_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, bool keep_groups)
{
	if (!keep_groups && syscall(SYS_setgroups, n_groups, groups) < 0)
		return -1;
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return -1;
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}
