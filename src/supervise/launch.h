/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a prepared pod to its supervisor: rocket-supervise is executed with the pod's lock. In the
 * foreground it takes this process's place, so that the command that runs the pod is its supervisor;
 * detached it becomes a session of its own and this process waits for its word.
 */
#pragma once

#include "base/err.h"
#include "supervise/supervisor.h"

/* Foreground: does not return on success. Detached: 0 once every app was executed, else why not. */
[[nodiscard]] int launch_supervisor(const struct supervisor_options *o, const char *program, bool detach, struct err *e);

/* The other side: main() of rocket-supervise. */
[[nodiscard]] int launch_parse(int argc, char **argv, struct supervisor_options *ret, struct err *e);
