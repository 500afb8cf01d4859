/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three files of names that an app finds in its /etc, as text, from the plan alone. Pure: the caller
 * writes them into the pod's directory and the boundary binds them read-only.
 */
#pragma once

#include "base/str.h"
#include "pod/plan.h"

/* What "host" means in a pod with an out:host hole: a loopback address where a relay listens. Host order. */
#define FILES_HOST_ADDRESS 0x7f4dfe01u /* 127.77.254.1 */

/* hosts(5): localhost in both families, the pod, every app that `app` may reach, and the plan's own entries. */
void files_add_hosts(struct str *out, const struct plan *p, const struct plan_app *app);
/* hostname(5): of the pod, or of an app that stands apart. */
void files_add_hostname(struct str *out, const struct plan *p, const struct plan_app *app);
/* resolv.conf(5): the plan's servers; without any the pod's own resolver. With ns:net the host's. */
void files_add_resolv(struct str *out, const struct plan *p);
