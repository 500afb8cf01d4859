/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that have a name of their own beside their value: of a device, of a size of huge pages, of a control file. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "pod/plan.h"

enum limits_io { LIMITS_READ_BPS, LIMITS_WRITE_BPS, LIMITS_READ_IOPS, LIMITS_WRITE_IOPS };

/* "/dev/sda" or "8:0", and bytes or operations a second (not 0). */
[[nodiscard]] int limits_set_io(struct arena *a, struct plan_limits *l, const char *device, enum limits_io what,
				uint64_t value, struct err *e);
/* "2Mi" (also the kernel's "2MB"), and bytes: a multiple of the size. */
[[nodiscard]] int limits_set_hugepages(struct arena *a, struct plan_limits *l, const char *size, uint64_t bytes,
				       struct err *e);
/*
 * A control file by the kernel's own name, "memory.high", and what is written to it. One that Rocket itself sets, or that
 * is no limit (cgroup.*, devices.*), is refused.
 */
[[nodiscard]] int limits_set_file(struct arena *a, struct plan_limits *l, const char *file, const char *value,
				  struct err *e);
