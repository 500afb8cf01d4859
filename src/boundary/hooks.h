/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of an OCI container: programs that run one after the other, with the container's state on stdin. No allocation:
 * three of the six kinds run between clone and exec. runtime-spec, config.md, "POSIX-platform Hooks".
 */
#pragma once

#include "base/err.h"
#include "pod/oci_config.h"

extern const char *const hook_kind_names[OCI_HOOKS];

/*
 * Runs them in order, in the caller's namespaces. The first that fails, or takes longer than its timeout (a hook without
 * one: 120 seconds), is the error; the rest does not run. It is killed with its process group.
 */
[[nodiscard]] int hooks_run(const struct oci_config *c, enum oci_hook_kind kind, const char *state, struct err *e);
