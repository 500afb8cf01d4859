/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app's log on disk: Kubernetes' CRI line format, rotated by size. The file is made at the first line.
 *
 *   2026-11-25T03:53:28.123456789Z stdout F text of a whole line
 *   2026-11-25T03:53:28.123456789Z stderr P beginning of a line that is longer than 16 KiB, or cut by rotation
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_stream { LOG_STDOUT, LOG_STDERR };
enum { LOG_LINE_MAX = 16384 };

struct log {
	int dirfd;          /* the pod's folder; not owned */
	const char *app;
	int fd;             /* -1: not open */
	uint64_t size, max_bytes;
	uint32_t files;
	uint64_t dropped;   /* lines that a full disk swallowed */
	/* Lines that have no end yet, one a stream. */
	struct log_partial { char *text; size_t len; } partial[2];
};

void log_init(struct log *l, int pod_fd, const char *app, uint64_t max_bytes, uint32_t files);
/* Takes what the app wrote. Never fails: what can't be stored is counted. */
void log_write(struct log *l, enum log_stream stream, const char *bytes, size_t n);
/* Writes out unfinished lines and closes the file. */
void log_close(struct log *l);
