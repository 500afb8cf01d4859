/* SPDX-License-Identifier: Apache-2.0 */
/* Private to boundary/: the resource limits of the calling process, by the plan's names. */
#pragma once

#include "base/err.h"
#include "pod/plan.h"

[[nodiscard]] int rlimit_set(const struct plan_rlimit *l, struct err *e);
/* A hard limit that is too low is raised, which needs the host's CAP_SYS_RESOURCE; the soft one stays for now. */
[[nodiscard]] int rlimit_raise(const struct plan_rlimit *l, struct err *e);
