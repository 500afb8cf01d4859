/* SPDX-License-Identifier: Apache-2.0 */
/* POD and POD/APP on a command line: the pod found, its plan read, its app chosen. For every verb on pods. */
#pragma once

#include "cli/cli.h"
#include "pod/plan.h"
#include "supervise/state.h"

struct pod_ref {
	struct state state;
	struct pod_dir pod;
	struct plan plan;
	struct plan_app *app;   /* NULL: the word named none */
};
#define POD_REF_NONE { .state = { -1, -1 }, .pod = POD_DIR_NONE }

/* "shop" or "shop/web". ERR_NOT_FOUND for either. */
[[nodiscard]] int pod_ref_open(struct cli *cli, const char *word, struct pod_ref *ret, struct err *e);
void pod_ref_close(struct pod_ref *r);
#define autopodref [[gnu::cleanup(pod_ref_close)]] struct pod_ref

/* For verbs that need one app: the only one when none was named; ERR_USAGE names the apps of a pod of several. */
[[nodiscard]] int pod_ref_need_app(struct pod_ref *r, const char *word, struct err *e);
/* The app's main process from the pod's supervisor: a pidfd and the pid. ERR_STATE when it does not run. */
[[nodiscard]] int pod_ref_app_pidfd(struct cli *cli, const struct pod_ref *r, int *ret_pidfd, int64_t *ret_pid,
				    struct err *e);
