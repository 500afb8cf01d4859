/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system call filter of apps (seccomp(2)). The default profile is a table of what is denied; every
 * other number that this build knows is allowed, every number it does not know gives ENOSYS. It is turned
 * into ranges of call numbers when it is loaded: about a hundred instructions, no library.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pod/plan.h"

enum { SECCOMP_MAX_INSNS = 4096 };

struct seccomp_program {
	unsigned short len;
	struct sock_filter insns[SECCOMP_MAX_INSNS];
};

/* The default profile for an app with these capabilities (bit n: capability n). */
void seccomp_build_default(uint64_t caps, struct seccomp_program *ret);
/*
 * The filter of an app: the default one, none (*ret is NULL), or the one that rocket-seccomp compiled from its profile when
 * the pod was made, APP.seccomp in the pod's folder. *ret points to buffer.
 */
[[nodiscard]] int seccomp_for_app(const struct plan_app *app, int pod_fd, struct seccomp_program *buffer,
				  const struct seccomp_program **ret, struct err *e);
/* Does the app have a profile of its own, which must be compiled? */
bool seccomp_has_profile(const struct plan_app *app);
/* Loads it for the calling thread, which has no_new_privs or CAP_SYS_ADMIN. 0 or -1 with errno. */
[[nodiscard]] int seccomp_load(const struct seccomp_program *program);
