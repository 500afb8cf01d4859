/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this process an ordinary user's, inside his half of the host (boundary/rootless_enter.h)? There it is root over the
 * user's own ids, and most of Rocket need not know. What must know (whose directories, which form of an image, which
 * device nodes) asks here. The answer is a variable of the environment, set on the way in, so that Rocket's programs
 * hand it on to each other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rootless {
	uint32_t uid, gid;         /* the user's on the host: 0 inside */
	uint32_t sub_uid, sub_gid; /* the first ids of his ranges: 1 inside */
	uint32_t sub_count;        /* how many of each; 0: he has one id alone */
};

/* False, *ret untouched, where this process is not inside. */
bool rootless_here(struct rootless *ret);
void rootless_remember(const struct rootless *r);
/* Root of the host, or an ordinary user: which one is it whose files and directories these are? */
bool rootless_is_host_root(void);
/* The host's id of the person that this process works for. */
uint32_t rootless_user(void);
/* A name for the id map, for what depends on it on disk: "100000", or "one". For ret[16]. */
void rootless_map_name(const struct rootless *r, char ret[16]);
