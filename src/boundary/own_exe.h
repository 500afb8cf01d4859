/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between clone and exec a process of a pod still has Rocket's program as /proc/self/exe, and there an image's
 * "#!/proc/self/exe", or a link to it, would find a program of the host: to execute, and where a pod's root is the host's
 * to overwrite (CVE-2019-5736 and kin). So a process that is to spawn (spawn.h) executes itself by way of a mount of
 * its own that is attached nowhere:
 *
 *   own_exe_open()      clones the mount of the program's file, read-only     before the exec
 *   own_exe_become()    executes it
 *   own_exe_shut()      forbids to execute it any more                        first thing after the exec
 *
 * From then on /proc/PID/exe of this process, and of each that it clones, can neither be written nor executed. Needs
 * CAP_SYS_ADMIN on the host; one exec, which a start of rocket-supervise needs anyway.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* A clone of the program at path. The descriptor stays open over an exec: its number is the new program's to know. */
[[nodiscard]] int own_exe_open(const char *path, int *ret_fd, struct err *e);
/* Executes it; comes back with the error alone, as -1 with errno. Only system calls: for use after vfork, too. */
int own_exe_become(int fd, char *const *argv, char *const *envp);
/*
 * own: own_exe_open()'s, in the new program; name is what the process is called from now on. ERR_FAILED also when it is not
 * what this process runs. The descriptor may be closed at any time, which takes a moment where it is the mount's last.
 */
[[nodiscard]] int own_exe_shut(int own, const char *name, struct err *e);
/* Is this process's program out of reach? */
bool own_exe_is_shut(void);
