/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods on disk. No database: a pod's state is the folder it lies in and whether a living process holds
 * its lock. Each transition is one rename(2); after a crash there is nothing to repair.
 *
 *   DIR/pods/embryo/ID     being made (locked), or a dead embryo for gc
 *   DIR/pods/prepared/ID   prepared, waits for run-prepared
 *   DIR/pods/run/ID        running (locked by its supervisor) or exited (unlocked)
 *   DIR/pods/garbage/ID    being deleted
 *   DIR/volumes/NAME/      named volumes that outlive pods
 *   RUN/index/names/NAME   symlink to ID
 *   RUN/index/ids/SLOT     symlink to ID: host id range base = SLOT * 65536
 *   RUN/ID.ctl             control socket of a running pod's supervisor
 *   RUN/ID.status          struct pod_status of a running pod, a record rewritten in place
 *   RUN/events             one JSON line an event, rotated at 1 MiB to events.1
 *
 * Inside ID/:
 *   plan                   struct plan, a record; flock(2) on this file is the pod's lock
 *   status                 struct pod_status, of a pod that ended
 *   APP.log, APP.log.1 …   Kubernetes' CRI line format: TIME stdout|stderr F|P TEXT
 *   APP.upper/ APP.work/   the app's writable layer (overlay); APP.root/ where overlay can't serve
 *   volumes/NAME/          volumes that live with the pod
 *
 * The index says nothing that the plans do not say. It lies in RUN, which is memory on most hosts, because two
 * files less on a disk halve the cost of a start; after a reboot the first command makes it again.
 *
 * All functions here run on the host, as root or as the user whose pods they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "pod/plan.h"

enum pod_phase { POD_EMBRYO, POD_PREPARED, POD_RUNNING, POD_EXITED, POD_GARBAGE };
extern const char *const pod_phase_names[]; /* "embryo", "prepared", "running", "exited", "garbage" */

enum { POD_ID_LEN = 32 };

struct state {
	int dirfd; /* DIR */
	int runfd; /* RUN */
};

/* Opens DIR and RUN, making what is missing (0700). */
[[nodiscard]] int state_open(const char *dir, const char *run_dir, struct state *ret, struct err *e);
void state_close(struct state *s);
#define autostate [[gnu::cleanup(state_close)]] struct state

struct pod_dir {
	char id[POD_ID_LEN + 1];
	enum pod_phase phase;
	int fd;      /* the pod's folder */
	int lock_fd; /* its plan, flocked by us; -1 when we don't hold the lock */
	bool released; /* what it had in the kernel is gone: its supervisor took it down */
};
void pod_dir_close(struct pod_dir *p);
#define autopod [[gnu::cleanup(pod_dir_close)]] struct pod_dir
#define POD_DIR_NONE { .fd = -1, .lock_fd = -1 }

/* A new embryo with a random id, or with this id, its lock held. */
[[nodiscard]] int state_create_pod(const struct state *s, const char *id, struct pod_dir *ret, struct err *e);
/* Moves a pod, whose lock the caller holds, to the folder of `to` (POD_EXITED is POD_RUNNING's). */
[[nodiscard]] int state_move_pod(const struct state *s, struct pod_dir *p, enum pod_phase to, struct err *e);

/*
 * Finds a pod by id, unique prefix of one (4 digits at least), or name (the living pod of that name, else
 * the one that exited last). ERR_NOT_FOUND, or ERR_USAGE for an ambiguous prefix, naming the pods.
 */
[[nodiscard]] int state_find_pod(const struct state *s, const char *word, struct pod_dir *ret, struct err *e);
/* Is the pod's supervisor (or creator) alive? Asked by flock(2); the phase is brought up to date. */
[[nodiscard]] int state_refresh_phase(const struct state *s, struct pod_dir *p, struct err *e);
/* Takes the lock of a pod that nobody holds. ERR_BUSY when somebody does. */
[[nodiscard]] int state_lock_pod(struct pod_dir *p, struct err *e);
/* Waits until the pod's supervisor is gone. */
[[nodiscard]] int state_wait_pod(struct pod_dir *p, struct err *e);

/* Has the pod a folder, in whatever phase, dead embryos and garbage included? */
bool state_pod_exists(const struct state *s, const char *id);

/* Every pod: prepared, running and exited (embryos and garbage are gc's). Ids in the arena, newest last. */
struct pod_entry {
	char *id;
	enum pod_phase phase;
};
[[nodiscard]] int state_list_pods(const struct state *s, struct arena *a, struct pod_entry **ret, size_t *ret_n,
				  struct err *e);

[[nodiscard]] int state_write_plan(const struct pod_dir *p, const struct plan *plan, struct err *e);
[[nodiscard]] int state_read_plan(const struct pod_dir *p, struct arena *a, struct plan *ret, struct err *e);

/* Has no pod the name, living or exited? */
bool state_name_is_free(const struct state *s, const char *name);
/* Gives NAME to the pod. ERR_BUSY when a living or prepared pod has it; an exited one gives it up. */
[[nodiscard]] int state_claim_name(const struct state *s, const char *name, const char *id, struct err *e);

/*
 * Removes a pod whose lock the caller holds or that is exited: renamed to garbage first, deleted then, its
 * name, id range and control socket given back. cgroups of a supervisor that was killed are removed too.
 */
[[nodiscard]] int state_remove_pod(const struct state *s, struct pod_dir *p, struct err *e);
/* Deletes dead embryos and garbage, at most `most` of them; gives how many. On the path of run and rm with most 1. */
[[nodiscard]] int state_sweep_dead(const struct state *s, unsigned most, unsigned *ret_n, struct err *e);

/* One line into RUN/events: {"time":…,"event":"started","pod":ID,"name":…,"app":…,"detail":…}. Never fails the caller. */
void state_log_event(const struct state *s, const char *event, const char *id, const char *name, const char *app,
		     const char *detail);
