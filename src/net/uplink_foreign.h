/* SPDX-License-Identifier: Apache-2.0 */
/* Whether rules that are not Rocket's may stop what a pod would have forwarded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Looks at the packet filters of the caller's network namespace (nf_tables, iptables-legacy). who: "the forward policy of
 * the table filter", for messages. Needs CAP_NET_ADMIN over the namespace.
 */
bool uplink_foreign_drops(char *who, size_t cap);
