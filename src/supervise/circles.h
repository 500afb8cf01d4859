/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circles: apps that share namespaces (pod/plan.h, plan_circle()). The first is the pod's own sandbox and files, which
 * struct supervisor has; here are the others, one for each app that stands apart, and a relay for each that needs one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/root.h"
#include "boundary/sandbox.h"
#include "net/relay.h"
#include "pod/plan.h"
#include "supervise/loop.h"

struct supervisor;

struct circle {
	struct supervisor *s;
	size_t number;
	const struct plan_app *app;     /* an app that stands in it */
	struct sandbox sandbox;         /* of number 0: unused, supervisor.sandbox is it */
	struct pod_files files;         /* likewise */
	struct loop_source reaper_source;
	/* Carries links to its apps, and the in: holes of an app that stands apart. */
	struct relay relay;
	bool has_relay, relay_ready;
	int64_t relay_started_ns;       /* monotonic */
	struct loop_source relay_source;
};

/* Makes the namespaces of all further circles begin; circles_wait() ends that. After the pod's own sandbox has begun. */
[[nodiscard]] int circles_begin(struct supervisor *s, struct err *e);
[[nodiscard]] int circles_wait(struct supervisor *s, struct err *e);
/* Kills what is in them and gives them up. Before the pod's own sandbox is ended. */
void circles_end(struct supervisor *s);

struct sandbox *circle_sandbox(struct supervisor *s, size_t n);
struct pod_files *circle_files(struct supervisor *s, size_t n);
/* One /dev/shm and one set of message queues for circles whose IPC namespace is one. When its files are made. */
[[nodiscard]] int circle_share_ipc(struct supervisor *s, size_t n, struct err *e);
size_t circle_of(const struct supervisor *s, const char *app);
/* Writes a circle's /etc/hosts again, in place: its links have changed. */
[[nodiscard]] int circle_rewrite_hosts(struct supervisor *s, size_t n, struct err *e);

/* Starts the circle's relay when it has none; circle_relay_wait() before it is spoken to. */
[[nodiscard]] int circle_relay_start(struct supervisor *s, size_t n, struct err *e);
[[nodiscard]] int circle_relay_wait(struct supervisor *s, size_t n, struct relay **ret, struct err *e);
