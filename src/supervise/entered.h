/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that `rocket enter` starts beside a running app. The supervisor starts them, for it has all at hand that it
 * takes (plan, control groups, process), its own program is out of the pod's reach (own_exe.h), and it is small, so that
 * a copy of it costs little. Who asked keeps its connection: the exit code comes over it, signals go over it. A program
 * whose asker went away runs on, as a daemon would under any shell.
 */
#pragma once

#include "boundary/spawn.h"
#include "supervise/loop.h"

struct app;
struct client;
struct control_request;
struct supervisor;

enum { ENTERED_MAX = 64 };

struct entered {
	struct supervisor *s;
	const struct app *app;
	struct client *client;          /* NULL: who asked is gone */
	struct spawned proc;
	struct loop_source exec_source, exit_source;
	bool used;
};

/*
 * Starts r->argv in the app with these standard streams (-1: /dev/null). The client is answered when the program is over,
 * or was not executed. ERR_STATE in a paused pod, ERR_BUSY beyond ENTERED_MAX programs.
 */
[[nodiscard]] int entered_begin(struct client *c, struct app *a, const struct control_request *r, const int stdio[3],
				struct err *e);
/* A packet of a client whose program runs: 's' and a signal for it. */
void entered_on_packet(struct client *c, const char *packet, size_t n);
/* The client goes away. */
void entered_forget(struct client *c);
/*
 * The processes of the app (NULL: of the whole pod) were killed: reaps what was entered there, for their process table
 * ends only after them, and answers.
 */
void entered_end(struct supervisor *s, const struct app *a);
