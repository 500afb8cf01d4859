/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's fresh network namespace: loopback up, the wall's answer, the sysctls that every pod has. */
#pragma once

#include "base/err.h"
#include "pod/plan.h"

/*
 * Sets up the network namespace that the calling thread is in. Call once, before the first app starts, in
 * a process with CAP_NET_ADMIN in the user namespace that owns it and with a /proc mounted. Nothing is
 * done with plan.host_net: that network is not ours.
 *
 *   lo           up, 127.0.0.1/8 and ::1/128
 *   wall         prohibit default routes in both families with the worst metric: connect() and sendto() to
 *                anything outside give EACCES at once, with no device and no time-out
 *   sysctls      ip_unprivileged_port_start=0, ping_group_range over every mapped group, accept_ra=0 for
 *                links to come, and the plan's own net.* (later ones win)
 *
 * A host without IPv6 is fine. ERR_FAILED when the kernel refuses; ERR_POLICY for a sysctl of the plan
 * that this kernel keeps for the whole host.
 */
[[nodiscard]] int net_setup_pod(const struct plan *p, struct err *e);
