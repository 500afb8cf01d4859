/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The space that an OCI container lives in, where a pod's app has the sandbox: any mix of namespaces, new or by path,
 * any mounts, hooks in between, and a start that comes later. It goes through spawn_process() like everything else:
 *
 *   runtime (host)                     usher (host)                    the container's process
 *   spawn_process() ─ clone3 ────────▶ space_enter_groups()
 *                                      space_join() ─ clone3 ─────────▶ space_enter()
 *   space_map_ids(), SPACE_MAPPED ───────────────────────────────────▶ becomes root there, host name, sysctls, mounts
 *   prestart, createRuntime hooks ◀──────────────────────────────────── SPACE_MOUNTED
 *   SPACE_GO ─────────────────────────────────────────────────────────▶ createContainer hooks, pivot_root, terminal
 *                                                                       confine.c: descriptors, session, directory
 *   `create` is done ◀───────────────────────────────────────────────── SPACE_CREATED; waits for `start`'s connection
 *   `start` ──────────────────────────────────────────────────────────▶ startContainer hooks, privileges go, exec
 *
 * Each word is one byte of the socket pair; what isn't needed is not waited for. Errors go through the status pipe, after
 * the start through start's connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "boundary/confine.h"
#include "boundary/spawn.h"
#include "pod/oci_plan.h"

enum space_word { SPACE_MAPPED = 'm', SPACE_MOUNTED = 'r', SPACE_GO = 'g', SPACE_CREATED = 'c' };
enum { SPACE_GROUPS = 16, SPACE_STATE_MAX = 64 << 10 };

/* A mount that was opened on the host's side, detached; -1: it is made inside. */
struct space_mount {
	int fd;
	bool is_dir;
};

/* A v1 hierarchy as the container sees it at a mount of type cgroup: "memory" and the group's folder. */
struct space_group {
	const char *name;       /* folder below the mount */
	int fd;                 /* the container's group; O_PATH */
};

struct space {
	const struct oci_plan *oci;
	uint64_t fresh;         /* CLONE_NEW* of the process's clone3 */

	/* A new container: */
	int join_fds[8];        /* of oci->joins, in their order */
	size_t n_joins;
	int root_fd;            /* the root file system, detached; -1: root_path is opened inside */
	const char *root_path;
	struct space_mount *mounts; /* one for each of oci->mounts */
	bool waits_for_ids;     /* SPACE_MAPPED comes */
	bool waits_for_hooks;   /* SPACE_MOUNTED is sent, SPACE_GO comes */
	bool no_pivot, cgroup_v2;
	int sync_fd;            /* the process's end; -1: a process in a container that runs already */
	int start_fd;           /* a listening socket; -1: starts at once */
	int console_sock;
	char *state;            /* SPACE_STATE_MAX bytes: what hooks inside read. The runtime sends it before SPACE_GO */

	/* exec, instead: */
	int enter_pidfd;
	int enter_flags;        /* CLONE_NEW* for setns(2) with it */
	int time_fd;            /* a time namespace to enter, which only a process alone in its memory can; else -1 */

	/* both: */
	struct space_group groups[SPACE_GROUPS]; /* of the v1 hierarchies */
	size_t n_groups;
	const char *group_path; /* below each hierarchy's root */
	int unified_fd;         /* the cgroup2 group to be born in; -1 */
	struct confine_more more;
	char *listener;         /* SPACE_STATE_MAX bytes: JSON that goes with the seccomp descriptor; comes with SPACE_GO */
	int listener_sock;      /* connected to its path; -1 */
};

/* ---- the runtime's side: host, with its privileges ---- */

/* Opens namespaces by path, the root file system and binds, before anything is made. */
[[nodiscard]] int space_open(struct space *s, struct err *e);
void space_close(struct space *s);
/* The id maps of a new user namespace: by the kernel, or by newuidmap(1) for who may not. */
[[nodiscard]] int space_map_ids(const struct space *s, pid_t pid, struct err *e);

/* ---- the usher's ---- */

int space_enter_groups(const struct space *s);
[[nodiscard]] int space_join(const struct spawn *sp, struct err *e);

/* ---- the process's, between clone and exec ---- */

/* Everything down to confine.c, whose record it completes; ends the process on failure. */
void space_enter(const struct spawn *sp, struct confine *c, int status_fd, int *ret_tty);
/* Its mounts and devices (space_mounts.c, space_devices.c), from the root's descriptor. */
[[nodiscard]] int space_attach_root(const struct space *s, int *ret_root, struct err *e);
[[nodiscard]] int space_attach_mounts(const struct space *s, int root, struct err *e);
[[nodiscard]] int space_make_devices(const struct space *s, int root, struct err *e);
[[nodiscard]] int space_close_views(const struct space *s, int root, struct err *e);
/* A tmpfs gets a copy of what it hides (space_copy.c). */
[[nodiscard]] int space_copy_up(int from_dir, int to_dir, struct err *e);
/* Loads the filter and hands its descriptor to the listener (space_listener.c). 0 or -1 with errno. */
int space_load_filter(const struct confine *c);
