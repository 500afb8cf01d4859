/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as words: made absolute and clean without asking any file system. */
#pragma once

#include "base/arena.h"

/*
 * path from base (an absolute folder; unused when path is absolute), with ".", "..", doubled and
 * trailing slashes worked out as words. NULL when it is longer than 4095 bytes.
 */
char *path_clean(struct arena *a, const char *base, const char *path);
/*
 * Why nothing can be mounted there in an app (a sentence for err_because), or NULL when it can: a
 * target is absolute and clean, not "/" and not below /proc, /sys or /dev, which are Rocket's.
 */
const char *path_target_refusal(const char *target);
/* Cuts one trailing slash off, in place ("/" stays). Gives path. */
char *path_cut_slash(char *path);
