/* SPDX-License-Identifier: Apache-2.0 */
/* Private to boundary/: the last steps of an OCI container's process where it asks for more than pods can. confine.c calls. */
#pragma once

#include "boundary/confine.h"
#include "pod/oci_plan.h"

/* Moves the held descriptors behind the status pipe's number; the last number in use, or -1. */
int confine_settle_held(const struct confine_more *m, int status_fd, int held[CONFINE_HELD]);
/* Five sets, as far as the caller may: what can't be granted is left out (config.md, "capabilities"). 0 or -1 with errno. */
int confine_set_caps(const struct oci_caps_sets *sets);
/* Ids, keeping what capabilities are to survive the change. 0 or -1 with errno. */
int confine_become(const struct confine *c);
/* The gate, then labels, limits, scheduler, personality and umask; ends the process on failure. */
void confine_go_through(const struct confine *c, const int held[CONFINE_HELD], int *status_fd);
