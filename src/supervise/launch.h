/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a committed pod to its supervisor. In the foreground this very process becomes it: the command that runs
 * the pod is its supervisor. Detached it is rocket-supervise, which is smaller and stays for the pod's life, in a
 * session of its own; this process waits for its word.
 */
#pragma once

#include "base/err.h"
#include "supervise/supervisor.h"

/* 0 once every app was executed, else why not. program: the path of rocket-supervise. */
[[nodiscard]] int launch_detached(const struct supervisor_options *o, const char *program, struct err *e);

/* The other side: main() of rocket-supervise. */
[[nodiscard]] int launch_parse(int argc, char **argv, struct supervisor_options *ret, struct err *e);
