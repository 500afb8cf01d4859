/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities by name: capabilities(7), include/uapi/linux/capability.h. Sets are uint64_t, bit n
 * is capability n.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* The 14 of appc and Docker, which every app has inside the pod's user namespace unless it drops
 * them. */
extern const uint64_t caps_default;
/* All that this Rocket knows. */
extern const uint64_t caps_all;

/* "NET_ADMIN", "cap_net_admin" or "ALL" as a set. ERR_USAGE with the nearest name. */
[[nodiscard]] int caps_parse(const char *name, uint64_t *ret_set, struct err *e);
/* "NET_ADMIN" for bit n; NULL when unknown. */
const char *caps_name(unsigned n);
/*
 * Those of the set that the kernel asks of the host's user namespace alone, so that they are worth
 * nothing in a pod's own. ret_instead, when not NULL: what to write instead of the first of them,
 * or NULL.
 */
uint64_t caps_host_only(uint64_t set, const char **ret_instead);
