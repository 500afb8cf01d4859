/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to boundary/: the steps into a root that a pod's app and an OCI container have in common. All run inside the
 * new mount namespace, before the host's root is left; every path is resolved with openat2 inside the root's descriptor.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* The place that a mount goes to, made when it is missing: a directory, or an empty file. -1 with errno. */
int inside_open_target(int root, const char *target, bool is_dir);
/* Attaches a detached mount there. */
[[nodiscard]] int inside_attach(int root, const char *target, bool is_dir, int mount_fd, struct err *e);
/* A terminal of the root's own devpts, owned by uid; its master goes to console_sock. */
[[nodiscard]] int inside_make_tty(int root, const char *who, uid_t uid, int console_sock, int *ret_tty, struct err *e);
/* The same, bound at /dev/console. */
[[nodiscard]] int inside_open_tty(int root, const char *who, uid_t uid, int console_sock, int *ret_tty, struct err *e);
/* "." becomes the root, and what was the root goes. */
[[nodiscard]] int inside_leave_host_root(const char *who, struct err *e);
