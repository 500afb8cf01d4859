/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of an app that has no control group (an ordinary user's, where none was given to him): each app has a
 * mount namespace of its own, and no process leaves it. Slower than a group's list, and not at one moment. Runs on
 * the host or in the user's half of it, as who may look at the processes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* The mount namespace of a process that lives; 0: it is gone, or not ours to look at. */
ino_t ns_pids_mounts_of(pid_t pid);
/* The processes in it; malloc'ed. */
[[nodiscard]] int ns_pids_list(ino_t mounts, int64_t **ret, size_t *ret_n, struct err *e);
/* Kills them until there are none. */
void ns_pids_kill(ino_t mounts);
