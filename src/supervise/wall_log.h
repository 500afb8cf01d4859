/* SPDX-License-Identifier: Apache-2.0 */
/* What hit the wall of a running pod: read from the kernel's record and from the resolver, told once in the foreground. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct supervisor;

/* Starts recording. After the pod's group was made; where the host can't, the log says so. */
void wall_log_open(struct supervisor *s);
/*
 * Appends a line for each destination or name without a hole, fields between tabs:
 * APP PROGRAM PID DESTINATION PORT PROTOCOL COUNT FIRST_NS LAST_NS HOLE NAME. A name that was asked for alone has no port (0).
 * HOLE is the hole that would let it through. A first line "!TEXT" says what can't be seen.
 */
void wall_log_read(struct supervisor *s, struct str *out);
/* Before a hole is closed: what it let through so far never hit the wall. */
void wall_log_forget_open(struct supervisor *s);
/* In the foreground: a line to stderr for each that was not told yet. */
void wall_log_tell(struct supervisor *s);
/* The last of them; of a pod that learned, the holes that it would have needed: to stderr, or into the events. */
void wall_log_end(struct supervisor *s);
