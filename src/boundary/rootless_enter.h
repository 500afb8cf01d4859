/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordinary user's half of the host: a user namespace in which he is root over his own ids, and a mount namespace that
 * belongs to it. A command that makes pods, or touches files that they own, goes there first, and from then on does what
 * root's command does: there is no second code path.
 *
 *   host              the user's half          a pod
 *   1000 (the user)   0                        0
 *   100000…165535     1…65536                  1…65535        the user's lines of /etc/subuid and /etc/subgid
 *
 * Several ids need newuidmap(1) and newgidmap(1), which are executed here and nowhere else. Without them, or without a
 * range, he has one id: 0 inside is himself, and there is no other. The pod's own user namespace is made inside this one
 * as root's is made on the host (sandbox.h), so that nothing of Rocket's processes is a pod's to touch.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/rootless.h"

/* The ids that this user has. Reads /etc; runs anywhere outside. */
void rootless_ids(struct rootless *ret);
/* newuidmap, newgidmap: the path, or NULL where it is not installed. */
const char *rootless_mapper(const char *name);

/*
 * The calling process, which has one thread and is not inside, goes into a new half. ERR_FAILED says what the host
 * lacks. Its environment says so afterwards (rootless.h); descriptors of directories stay in the old mount namespace.
 */
[[nodiscard]] int rootless_enter(struct err *e);
/* Goes into the half that a running pod was made in: pid is a process of the pod, in the pod's user namespace. */
[[nodiscard]] int rootless_join(pid_t pid, struct err *e);
