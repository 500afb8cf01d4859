/* SPDX-License-Identifier: Apache-2.0 */
/* Putting this program out of the reach of the pods that its process will enter (boundary/own_exe.h). */
#pragma once

#include "base/err.h"

/*
 * Begins this command once more, as a program that nobody in a pod can reach; in that one, gives 0. argv: all of the
 * command line's words. Needs root, or an ordinary user's half of the host.
 */
[[nodiscard]] int hide_program(char **argv, struct err *e);
