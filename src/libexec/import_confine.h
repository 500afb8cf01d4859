/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-import: giving up what reading an image and writing the store does not need. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/* A sanitizer reserves terabytes of addresses, reads /proc and makes system calls of its own: it can't be confined. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
	__has_feature(thread_sanitizer)
#define IMPORT_SANITIZED 1
#else
#define IMPORT_SANITIZED 0
#endif

/*
 * For the rest of the process: no new privileges, no capabilities (but the one to write into somebody
 * else's store, where it is that), no core dump, bounded memory, files only below the store and the
 * source (Landlock, where the kernel has it), and only the system calls that the import makes. To be called
 * once, before any thread and before the first byte of the image is looked at.
 */
[[nodiscard]] int import_confine(const struct store *s, int source_fd, struct err *e);

/* The first of it alone: no new privileges, no capabilities, no core dump, bounded memory. */
[[nodiscard]] int import_confine_privileges(const struct store *s, struct err *e);

/* import_landlock.c, import_syscalls.c: its two larger parts. */
[[nodiscard]] int import_confine_files(const struct store *s, int source_fd, struct err *e);
[[nodiscard]] int import_confine_calls(struct err *e);
