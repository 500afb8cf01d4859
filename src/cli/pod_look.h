/* SPDX-License-Identifier: Apache-2.0 */
/* POD and POD/APP as verbs take them: found, with plan and status, and asked through the control socket. */
#pragma once

#include "cli/cli.h"
#include "supervise/control.h"
#include "supervise/state.h"
#include "supervise/status.h"

struct pod_look {
	struct pod_dir dir;
	struct plan plan;
	struct pod_status status;   /* what a dead supervisor last wrote is put right: see pod_look_open() */
	const char *word;           /* as it was typed, without /APP */
	const char *app;            /* NULL: the pod */
};
#define POD_LOOK_NONE { .dir = POD_DIR_NONE }
void pod_look_close(struct pod_look *p);
#define autolook [[gnu::cleanup(pod_look_close)]] struct pod_look

/* The state directories of cli. */
[[nodiscard]] int pod_look_state(const struct cli *cli, struct state *ret, struct err *e);

/*
 * Finds the pod of POD or POD/APP (the app must be in its plan: ERR_NOT_FOUND) and reads plan and status.
 * Apps that "run" in a pod whose supervisor is gone were killed with it: they are shown as exited, 137.
 */
[[nodiscard]] int pod_look_open(const struct cli *cli, const struct state *s, const char *word, struct pod_look *ret,
			       struct err *e);
/* As above for a verb on pods alone: POD/APP is refused. */
[[nodiscard]] int pod_look_open_pod(const struct cli *cli, const struct state *s, const char *word, struct pod_look *ret,
				   struct err *e);
/* Reads the status again, and the phase. */
[[nodiscard]] int pod_look_refresh(const struct cli *cli, const struct state *s, struct pod_look *p, struct err *e);

/* The one app that is meant: p->app, or the only one of the pod. ERR_USAGE names them when there are several. */
[[nodiscard]] int pod_look_need_app(struct pod_look *p, const char *example, const struct plan_app **ret, struct err *e);
struct app_status *pod_look_app_status(const struct pod_look *p, const char *app);

/* One request to the pod's supervisor, about p->app when there is one. */
[[nodiscard]] int pod_look_call(const struct cli *cli, const struct state *s, const struct pod_look *p,
			       const struct control_request *request, struct err *e);
/* Stops the pod (or its app) and waits; done when it did not run. grace_ns: -1 is the plan's, 0 kills. */
[[nodiscard]] int pod_look_stop(const struct cli *cli, const struct state *s, struct pod_look *p, int64_t grace_ns,
			       struct err *e);

/*
 * Runs `act` for each word, errors printed as they come; gives the exit code: of the first error, else 0.
 * What words of a verb that takes several pods amount to.
 */
typedef int pod_act_fn(struct cli *cli, const struct state *s, const char *word, void *context, struct err *e);
int pod_look_each(struct cli *cli, char **words, pod_act_fn *act, void *context);
/*
 * The same for verbs that wait for each pod: several words are worked on at once, each in a process of its own, so that
 * graces pass side by side. `act` must leave nothing in this process that is wanted afterwards.
 */
int pod_look_each_at_once(struct cli *cli, char **words, pod_act_fn *act, void *context);
