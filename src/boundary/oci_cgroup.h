/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control groups of an OCI container: one group of its path in every hierarchy of the host (cgroups(7)), as engines
 * expect, where pods make only those that they need (cgroup.h). Runs on the host, in the runtime.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "boundary/space.h"
#include "pod/oci_config.h"

struct oci_hierarchy {
	char name[48];          /* below /sys/fs/cgroup: "memory", "cpu,cpuacct", "systemd", "unified"; "" for v2's */
	char own[256];          /* the runtime's own group there, below the root */
	bool unified;
	int root_fd, fd;        /* the hierarchy, and the container's group in it; O_PATH, -1 */
};

struct oci_cgroup {
	bool v2;
	bool denied;            /* an ordinary user without delegation: no group could be made, none was asked for */
	char path[512];         /* below each root */
	struct oci_hierarchy h[SPACE_GROUPS];
	size_t n;
};

/* The host's hierarchies; no group yet. */
[[nodiscard]] int oci_cgroup_open_host(struct oci_cgroup *ret, struct err *e);
/* The group's path from linux.cgroupsPath, or of the container's id. ERR_USAGE for what leads out. */
[[nodiscard]] int oci_cgroup_set_path(struct oci_cgroup *g, const char *cgroups_path, const char *id, struct err *e);
/* Makes the groups. *ret_made is set as soon as there is anything to remove. */
[[nodiscard]] int oci_cgroup_make(struct oci_cgroup *g, bool needed, bool *ret_made, struct err *e);
/* Opens those that exist. */
void oci_cgroup_open(struct oci_cgroup *g);
void oci_cgroup_close(struct oci_cgroup *g);
/* Writes limits; what this host can't enforce is an error that names it. */
[[nodiscard]] int oci_cgroup_apply(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e);
/* The config's device rules, then the default devices. */
[[nodiscard]] int oci_cgroup_limit_devices(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e);
/* cgroup2 has no files for devices: a program decides (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE). */
[[nodiscard]] int oci_cgroup_load_devices(int group_fd, const struct oci_device_rule *rules, size_t n, struct err *e);
/* For the process to enter. */
void oci_cgroup_fill(const struct oci_cgroup *g, struct space *s);
/* Moves the runtime itself. */
[[nodiscard]] int oci_cgroup_move(const struct oci_cgroup *g, pid_t pid, struct err *e);

/* Everything in the group and below. */
[[nodiscard]] int oci_cgroup_pids(const struct oci_cgroup *g, struct str *ret_lines, struct err *e);
[[nodiscard]] int oci_cgroup_signal(const struct oci_cgroup *g, int signal, struct err *e);
[[nodiscard]] int oci_cgroup_freeze(const struct oci_cgroup *g, bool frozen, struct err *e);
bool oci_cgroup_is_frozen(const struct oci_cgroup *g);
[[nodiscard]] int oci_cgroup_remove(const struct oci_cgroup *g, struct err *e);
/* The group in the hierarchy that has this controller; -1. */
int oci_cgroup_fd(const struct oci_cgroup *g, const char *controller);
