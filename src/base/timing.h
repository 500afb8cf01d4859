/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a start's time goes: moments in order, each the end of a step, kept in one place, handed over an exec as text and
 * printed as a table (`rocket run --timing`). Switched off it costs a comparison a step.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TIMING_MAX = 128, TIMING_NAME = 48 };

struct timing {
	bool on;
	size_t n;
	struct {
		char name[TIMING_NAME];
		int64_t at_ns;  /* io_monotonic_ns() */
	} marks[TIMING_MAX];
};

/* The step has just ended; who: the app whose step it was, or NULL. Beyond TIMING_MAX nothing is kept. */
void timing_mark(struct timing *t, const char *step, const char *who);
/* "NS NAME\n" a mark, and back from it; what is no such text gives no marks. */
void timing_pack(const struct timing *t, struct str *out);
void timing_unpack(struct timing *t, const char *text);
/* A line a step: what it took, and the time since the first mark, in µs. */
void timing_add_table(const struct timing *t, struct str *out);
