/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what is asked to a pod on disk: images found (and vouched for), ids taken, the plan resolved and
 * written, the name claimed. What `run` and `prepare` share.
 */
#pragma once

#include "base/timing.h"
#include "cli/cli.h"
#include "pod/flags.h"
#include "store/store.h"
#include "supervise/state.h"

struct pod_making {
	struct cli *cli;
	struct state state;
	struct store store;
	int store_lock;         /* held until the pod's plan names its images durably */
	struct pod pod;
	struct run_flags flags;
	struct pod_dir dir;     /* an embryo, its lock held */
	struct plan plan;
	struct timing timing;
	bool dry;               /* `plan`: nothing is made */
	const struct plan *running; /* what is resolved joins this pod: its ids and its group */
};
#define POD_MAKING_NONE { .state = { -1, -1 }, .store = STORE_NONE, .store_lock = -1, .dir = POD_DIR_NONE }

/* The command line of run and prepare, manifest included. */
[[nodiscard]] int pod_make_parse(struct pod_making *m, struct cli *cli, int argc, char **argv, struct err *e);
/* Opens state and store and resolves the plan; a pod is made on disk unless m->dry. */
[[nodiscard]] int pod_make(struct pod_making *m, struct err *e);
/*
 * Opens state and store and resolves m->pod as part of the running pod `dir` with `running`; the store's lock is held until
 * pod_make_close(). Nothing is written.
 */
[[nodiscard]] int pod_make_beside(struct pod_making *m, const struct pod_dir *dir, const struct plan *running,
				  struct err *e);
/* The compiled seccomp profile of an app of m->plan, in the pod's folder. */
[[nodiscard]] int pod_make_profile(struct pod_making *m, const struct pod_dir *dir, const struct plan_app *app,
				   struct err *e);
/* The embryo becomes prepared or running, and the store's lock is let go. */
[[nodiscard]] int pod_make_commit(struct pod_making *m, enum pod_phase phase, struct err *e);
/* Undoes what pod_make() did, if it was not committed; closes everything. */
void pod_make_close(struct pod_making *m);
#define automaking [[gnu::cleanup(pod_make_close)]] struct pod_making

/*
 * Runs a committed pod: as its supervisor, to its end; or with detach in a process of its own, printing the id: when all
 * apps were executed, with wait_ready when all are ready.
 * An exit code.
 */
[[nodiscard]] int pod_make_launch(struct cli *cli, const struct state *s, struct pod_dir *dir, const struct plan *plan,
				  bool detach, bool wait_ready, struct timing *timing, struct err *e);
