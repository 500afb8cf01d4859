/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted in an app that is no hole, in its short form: "data", "data ro", "tmpfs 64Mi
 * noexec". Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "pod/pod.h"

/* ret->target is set by the caller. ERR_USAGE. */
[[nodiscard]] int mount_parse(struct arena *a, const char *text, struct pod_mount *ret,
			      struct err *e);
/* Checks target (a trailing slash is cut off). ERR_USAGE. */
[[nodiscard]] int mount_check_target(char *target, struct err *e);
