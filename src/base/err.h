/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error record. Flat (no pointers, no allocation): it works after clone(), crosses a pipe
 * with one write() and survives out-of-memory. The caller owns it and starts with `struct err e = {}`.
 *
 * Every function that can fail is `[[nodiscard]] int module_verb(…, T *ret_x, struct err *e)` and gives
 * 0 or -code; its outputs are untouched on failure. Only mains and the supervisor's log print.
 *
 *   error: what failed            err_new(), err_errno()
 *   because: of what              err_because(), set from errno by err_errno()
 *   try: one command              err_try()
 */
#pragma once

#include <stdio.h>

/* The code is the exit status of a verb (design, section 7). */
enum err_code {
	ERR_FAILED = 1,
	ERR_USAGE = 2,
	ERR_STATE = 3,     /* not in the needed state */
	ERR_NOT_FOUND = 4, /* no such thing */
	ERR_POLICY = 5,    /* refused by policy */
	ERR_NETWORK = 6,
	ERR_BUSY = 7,
	ERR_WANTING = 8,   /* checked and found wanting */
	ERR_UNSETTLED = 9,
	ERR_ROCKET = 125,  /* run, enter: Rocket itself failed */
	ERR_NOT_INVOKABLE = 126,
	ERR_NO_PROGRAM = 127,
};

struct err {
	int code;   /* enum err_code, 0 when nothing failed */
	int errnum; /* errno when a system call failed, else 0 */
	char what[256];
	char because[384];
	char hint[256];
};

/* Starts an error: code and what failed. Gives -code, so that `return err_new(…)` reads well. */
[[gnu::format(printf, 3, 4)]] int err_new(struct err *e, int code, const char *fmt, ...);

/* A failed system call: code ERR_FAILED (ERR_NOT_FOUND for ENOENT is the caller's choice), because = strerror(errno). */
[[gnu::format(printf, 2, 3)]] int err_errno(struct err *e, const char *fmt, ...);

/* Add the second and third line to the error that e holds. Give -code. */
[[gnu::format(printf, 2, 3)]] int err_because(struct err *e, const char *fmt, ...);
[[gnu::format(printf, 2, 3)]] int err_try(struct err *e, const char *fmt, ...);

/* Changes the code alone (a verb that wants 125 for what a library called ERR_FAILED). Gives -code. */
int err_recode(struct err *e, int code);

/* Prints the three lines (the empty ones left out), control characters made visible. For mains. */
void err_print(FILE *to, const struct err *e);
/* The same as one JSON object: {"error":…,"because":…,"try":…,"code":N}. */
void err_print_json(FILE *to, const struct err *e);
