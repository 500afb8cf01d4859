/* SPDX-License-Identifier: Apache-2.0 */
/* This program out of the containers' reach (boundary/own_exe.h), and where its sisters lie. */
#pragma once

#include "base/err.h"
#include "oci/oci.h"

/*
 * First thing of a verb. With `spawns` the program begins once more from a mount of its own, or, for who may not mount, from
 * a sealed copy of itself: the second time this comes back.
 */
[[nodiscard]] int own_begin(struct oci *o, char **argv, bool spawns, struct err *e);
/* The path of another of Rocket's programs, in the arena. */
[[nodiscard]] int own_find_program(const struct oci *o, const char *name, const char **ret_path, struct err *e);
