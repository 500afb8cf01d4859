/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of configs, compiled once: rocket-seccomp does that, in milliseconds; from then on the program lies in
 * ROOT/.seccomp/ under a hash of the profile, with the profile itself beside it, so that a collision is a miss.
 */
#pragma once

#include "boundary/seccomp.h"
#include "oci/oci.h"

/* How a filter is to be loaded, from the profile. */
struct seccomp_how {
	uint32_t flags;         /* SECCOMP_FILTER_FLAG_* */
	char *listener_path, *listener_metadata;
};

/* profile: the JSON of linux.seccomp. ERR_USAGE names what is wrong with it. */
[[nodiscard]] int seccomp_cache_get(const struct oci *o, const char *profile, struct seccomp_program *ret,
				    struct seccomp_how *ret_how, struct err *e);
