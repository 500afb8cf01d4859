/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of a pod and its apps, on cgroup v2, hybrid and v1 hosts (cgroups(7)).
 *
 *   v2       one group a pod, one an app below it; entered at clone3(CLONE_INTO_CGROUP).
 *   hybrid,  a group in each v1 hierarchy that is needed: pids always, others where a limit is set; and a
 *   v1       controller-less group in the cgroup2 hierarchy (hybrid), for attribution, freezing and killing.
 *            Entered by the process itself, before it gives up the host's user namespace.
 *
 * Runs on the host, in the supervisor. Rocket makes and removes groups named "rocket-ID" (or below the
 * unit's own group under systemd) and touches no other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pod/plan.h"

enum cgroup_controller {
	CGROUP_PIDS,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_IO,
	CGROUP_HUGETLB,
	CGROUP_UNIFIED, /* the cgroup2 hierarchy, on every kind of host that has one */
	CGROUP_N,
};

enum cgroup_layout { CGROUP_LAYOUT_V2, CGROUP_LAYOUT_V1 };

/* The hierarchies of this host; descriptors of their roots (several controllers may share one). */
struct cgroup_host {
	enum cgroup_layout layout;
	int root_fd[CGROUP_N]; /* -1: not mounted */
};

/* which: the hierarchies that are asked for, a bit each (1 << CGROUP_PIDS …); the others are left out, as if not mounted. */
[[nodiscard]] int cgroup_host_open(uint32_t which, struct cgroup_host *ret, struct err *e);
enum { CGROUP_EVERY = (1 << CGROUP_N) - 1 };
/* Those that the pod and its apps have groups in. */
uint32_t cgroup_hierarchies_of(const struct plan *p);
void cgroup_host_close(struct cgroup_host *h);

/* One group: its folder in every hierarchy where it was made. */
struct cgroup {
	char path[256]; /* below each root: "rocket-ID" or "rocket-ID/web"; "" where there is none */
	int fd[CGROUP_N];
};
#define CGROUP_NONE { .fd = { -1, -1, -1, -1, -1, -1, -1, -1, -1 } }

/* Where a pod's group goes: "rocket-ID", or below the caller's own group where systemd delegated one. */
void cgroup_pod_path(const struct cgroup_host *h, const char *id, char *ret, size_t cap);

/* A plan without a control group (an ordinary user's, where none was given to him) gets CGROUP_NONE from both. */
/* Makes the pod's group with the pod's limits. ERR_FAILED names a limit that this host can't enforce. */
[[nodiscard]] int cgroup_make_pod(const struct cgroup_host *h, const struct plan *p, struct cgroup *ret, struct err *e);
/* Makes the app's group below the pod's with the app's limits and its devices. */
[[nodiscard]] int cgroup_make_app(const struct cgroup_host *h, const struct plan *p, const struct cgroup *pod,
				  const struct plan_app *app, struct cgroup *ret, struct err *e);
/* Opens groups that exist (for enter, stats, top). */
[[nodiscard]] int cgroup_open(const struct cgroup_host *h, const char *path, struct cgroup *ret, struct err *e);
void cgroup_close(struct cgroup *c);

/*
 * The calling process, which has one thread, enters the group in every v1 hierarchy. The cgroup2 one is
 * entered at birth, by clone3(CLONE_INTO_CGROUP) with fd[CGROUP_UNIFIED]. No allocation.
 */
[[nodiscard]] int cgroup_enter_self(const struct cgroup_host *h, const struct cgroup *c);

/* Kills every process in the group and below it, whatever it does (cgroup.kill, else freeze and signal). */
[[nodiscard]] int cgroup_kill(const struct cgroup_host *h, const struct cgroup *c, struct err *e);
[[nodiscard]] int cgroup_freeze(const struct cgroup_host *h, const struct cgroup *c, bool frozen, struct err *e);
/* Removes the group and everything below it from every hierarchy; processes in it must be gone. */
[[nodiscard]] int cgroup_remove(const struct cgroup_host *h, const char *path, struct err *e);
/* The same for a group that was made here and has none below it: in the hierarchies that it is in, and closed. */
[[nodiscard]] int cgroup_remove_own(const struct cgroup_host *h, struct cgroup *c, struct err *e);
/* How often the kernel's OOM killer struck in this group. */
uint64_t cgroup_oom_kills(const struct cgroup_host *h, const struct cgroup *c);

struct cgroup_usage {
	uint64_t memory_bytes, memory_peak_bytes, memory_limit_bytes;
	uint64_t cpu_ns;
	uint64_t pids;
	uint64_t io_read_bytes, io_write_bytes;
	bool has_memory, has_cpu, has_pids, has_io;
};
void cgroup_read_usage(const struct cgroup_host *h, const struct cgroup *c, struct cgroup_usage *ret);
/* The pids (host's) in the group and below it; malloc'ed. */
[[nodiscard]] int cgroup_read_pids(const struct cgroup_host *h, const struct cgroup *c, int64_t **ret, size_t *ret_n,
				   struct err *e);
