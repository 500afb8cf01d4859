/* SPDX-License-Identifier: Apache-2.0 */
/* Releasing a created container. */
#pragma once

#include "oci/container.h"

/* Runs startContainer hooks and the program: ERR_STATE when it is not created; else what the exec said. */
[[nodiscard]] int start_created(const struct oci *o, struct container *c, struct err *e);
/* poststart hooks: one that fails is told of, and stops nothing (runtime.md). */
void start_run_hooks(const struct container *c, const struct oci_config *config);
