/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a committed pod to its supervisor, which is rocket-supervise: small, as it stays for the pod's life, and executed
 * so that no app can reach its program (boundary/own_exe.h). In the foreground this very process becomes it: the
 * command that runs the pod is its supervisor. Detached it has a session of its own; this process waits for its word.
 */
#pragma once

#include "base/err.h"
#include "supervise/supervisor.h"

/* In the foreground: comes back with an error alone. program: the path of rocket-supervise, here and below. */
[[nodiscard]] int launch_here(const struct supervisor_options *o, const char *program, struct err *e);
/* 0 once every app was executed, else why not. */
[[nodiscard]] int launch_detached(const struct supervisor_options *o, const char *program, struct err *e);

/* The other side: main() of rocket-supervise. */
[[nodiscard]] int launch_parse(int argc, char **argv, struct supervisor_options *ret, struct err *e);
