/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-import: giving up what reading an image and writing the store does not need. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/*
 * For the rest of the process: no new privileges, no capabilities (but the one to write into somebody
 * else's store, where it is that), no core dump, bounded memory, files only below the store and the
 * source (Landlock, where the kernel has it), and only the system calls that the import makes. To be called
 * once, before any thread and before the first byte of the image is looked at.
 */
[[nodiscard]] int import_confine(const struct store *s, int source_fd, struct err *e);

/* import_landlock.c, import_syscalls.c: its two larger parts. */
[[nodiscard]] int import_confine_files(const struct store *s, int source_fd, struct err *e);
[[nodiscard]] int import_confine_calls(struct err *e);
