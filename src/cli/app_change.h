/* SPDX-License-Identifier: Apache-2.0 */
/* Apps of a running pod, from the outside: what `app` and `apply` ask of its supervisor. */
#pragma once

#include "cli/pod_look.h"
#include "cli/pod_make.h"

/* ERR_STATE when the pod does not run. */
[[nodiscard]] int app_need_running(const struct pod_look *p, struct err *e);
/* The app `name` of m->plan, with what it brings along, into the pod; its in: and out: holes are opened and kept. */
[[nodiscard]] int app_add(struct pod_making *m, struct pod_look *p, const char *name, struct err *e);
/* The app is stopped, and its folder is gone. */
[[nodiscard]] int app_remove(struct cli *cli, const struct state *s, struct pod_look *p, const char *name,
			     struct err *e);
/* verb "hole-add" or "hole-rm", kept. */
[[nodiscard]] int app_change_hole(struct cli *cli, const struct state *s, struct pod_look *p, const char *verb,
				  const struct hole *h, struct err *e);
