/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and executing Rocket's other programs. They lie, in this order, beside the running binary (a
 * static bundle), in ../libexec from it (the build tree), or where they were installed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cli/cli.h"

/* The path of "rocket-image" and the like, in the arena. ERR_FAILED naming where it was looked for. */
[[nodiscard]] int libexec_find(struct arena *a, const char *program, char **ret_path, struct err *e);

/*
 * Becomes the program: `program --dir DIR --run RUN [--json] [--quiet] ARG…`, args NULL-terminated. Comes
 * back only when that failed.
 */
[[nodiscard]] int libexec_become(const struct cli *cli, const char *program, char *const *args, struct err *e);

/*
 * Runs the program to its end, its stdout on out_fd. Its exit code, or -code when it could not be started or was killed.
 */
[[nodiscard]] int libexec_run(const char *path, char *const *argv, int out_fd, struct err *e);
