/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the supervisor knows whether an app is well: its probes started, ready and alive, and the two hooks that run beside
 * it (post_start, pre_stop), which are asked the same way.
 *
 *   exec            into the app through spawn_process(), as `rocket enter` does
 *   http tcp grpc   by rocket-probe, in the app's network without a privilege (net/probe_spawn.h)
 *   sleep           a time that passes (hooks alone)
 *
 *   app executed ──▶ post_start ──▶ started ok ──▶ ready and alive run, each every `every`
 *
 * Until a probe succeeds for the first time it is tried more often than its `every`, from 50 ms on, so that who waits for
 * it waits no longer than needed; failures are counted at most once an `every`.
 */
#pragma once

#include <stdint.h>

#include "boundary/spawn.h"
#include "pod/plan.h"
#include "supervise/loop.h"

struct app;

enum probe_what { PROBE_STARTED, PROBE_READY, PROBE_ALIVE, PROBE_POST_START, PROBE_PRE_STOP, PROBE_WHATS };

struct probe {
	struct app *app;
	const struct plan_probe *plan;
	enum probe_what what;
	struct spawned proc;
	struct loop_source exit_source;
	int out_fd;
	int64_t next_ns;    /* monotonic: when to ask again; INT64_MAX: not */
	int64_t kill_ns;    /* while it runs: its timeout */
	int64_t counted_ns; /* when a failure was last counted */
	int64_t pause_ns;   /* until the next try, before the first success */
	uint32_t good, bad; /* in a row */
	bool succeeded;     /* once, in this life of the app */
	bool timed_out;
};

struct probes {
	struct probe v[PROBE_WHATS];
};

/* Before the app starts: allocates what it needs, if it has probes at all. */
void probes_init(struct app *a);
/* The plan has moved. */
void probes_point_again(struct app *a);
/* The app was executed: it is ready at once, or its probes begin. */
void probes_begin(struct app *a);
/* Its process is over: what runs is killed, and it is not ready any more. */
void probes_end(struct app *a);
/* The app shall stop: no more questions. Gives true when pre_stop was begun, and app_signal_stop() will be called after it. */
bool probes_begin_stop(struct app *a);
int64_t probes_deadline(const struct app *a);
void probes_on_deadline(struct app *a, int64_t now_ns);
