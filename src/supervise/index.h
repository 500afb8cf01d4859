/* SPDX-License-Identifier: Apache-2.0 */
/* The index of pod names and id ranges in RUN (state.h): made from the plans when it is not there. */
#pragma once

#include "base/err.h"
#include "supervise/state.h"

/* Makes RUN/index unless it exists. Complete at once: it is built aside and renamed. */
[[nodiscard]] int state_ensure_index(const struct state *s, struct err *e);
