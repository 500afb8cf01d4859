/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three files of names that an app finds in its /etc, as text, from the plan alone. Pure: the caller
 * writes them into the pod's directory and the boundary binds them read-only.
 */
#pragma once

#include "base/str.h"
#include "pod/plan.h"

/* hosts(5): localhost in both families, the pod, every app that `app` may reach, and the plan's own entries. */
void files_add_hosts(struct str *out, const struct plan *p, const struct plan_app *app);
/* hostname(5): of the pod, or of an app that stands apart. */
void files_add_hostname(struct str *out, const struct plan *p, const struct plan_app *app);
/* resolv.conf(5): the plan's servers; without any a comment that says why names do not resolve. */
void files_add_resolv(struct str *out, const struct plan *p);
