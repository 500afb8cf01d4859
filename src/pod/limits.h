/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of everything that bounds an app, for all front ends. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "pod/plan.h"

/* Each set limit within what the kernel takes, a request not above its limit. ERR_USAGE names the
 * key. */
[[nodiscard]] int limits_check(const struct plan_limits *l, struct err *e);

/* The first limit that is asked for, as a manifest calls it; NULL: none is. */
const char *limits_first(const struct plan_limits *l);

/* "nofile" and "1024", "1024:4096", "unlimited", "1024:unlimited" (getrlimit(2)). */
[[nodiscard]] int limits_parse_rlimit(struct arena *a, const char *name, const char *text,
				      struct plan_rlimit *ret, struct err *e);

/*
 * A sysctl of the pod's own network or IPC namespace, with a value of harmless characters. Every
 * other one belongs to the whole host and is refused.
 */
[[nodiscard]] int limits_check_sysctl(const char *key, const char *value, struct err *e);

/* "0750" or "750" in octal, at most 7777. 0 or -1. */
[[nodiscard]] int limits_parse_mode(const char *text, uint32_t *ret);
