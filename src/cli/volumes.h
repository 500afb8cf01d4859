/* SPDX-License-Identifier: Apache-2.0 */
/* Named volumes on disk, DIR/volumes/NAME, and the pods that use them. Root, or the user whose they are. */
#pragma once

#include "cli/cli.h"
#include "supervise/state.h"

struct volume_entry {
	const char *name;
	char **pods;      /* names of the pods that mount it, running or not; NULL: none */
	bool running;     /* one of them runs */
};

struct volumes {
	LIST(struct volume_entry) list; /* sorted by name */
};

[[nodiscard]] int volumes_list(const struct cli *cli, const struct state *s, struct volumes *ret, struct err *e);
/* One of them. ERR_NOT_FOUND with the nearest name, ERR_USAGE for what is no name. */
[[nodiscard]] int volumes_find(const struct cli *cli, const struct state *s, const char *name, struct volume_entry *ret,
			       struct err *e);
/* The volume's folder. ERR_NOT_FOUND without one. */
[[nodiscard]] int volumes_open(const struct state *s, const char *name, int *ret_fd, struct err *e);
/* Bytes on disk. */
[[nodiscard]] int volumes_measure(const struct state *s, const char *name, uint64_t *ret_bytes, struct err *e);
/*
 * Removes it: out of sight by one rename first, so that a crash leaves no half of a volume under its name;
 * what such a crash left is removed by the next call.
 */
[[nodiscard]] int volumes_remove(const struct state *s, const char *name, struct err *e);
/* A new, empty folder under a hidden name beside the volumes, and its appearance under its own. */
[[nodiscard]] int volumes_begin(const struct state *s, const char *name, int *ret_fd, struct err *e);
[[nodiscard]] int volumes_commit(const struct state *s, const char *name, struct err *e);
void volumes_abandon(const struct state *s, const char *name);
/*
 * Removes what imports and removals that were cut short have left; who still works holds a lock. Volumes that a pod
 * was filling go when that pod does not run. On the path of gc.
 */
[[nodiscard]] int volumes_sweep(const struct state *s, struct err *e);
