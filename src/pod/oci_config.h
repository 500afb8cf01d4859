/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of an OCI bundle as it stands there (runtime-spec 1.x, config.md and config-linux.md): the fourth front
 * end, before anything is checked or decided. Names are the specification's. Unknown keys are skipped, as it demands.
 * Numbers that may be absent, or any sign, are kept as text: NULL is absent. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { OCI_CONFIG_MAX_BYTES = 8 << 20 };

struct oci_id_map {
	uint32_t container_id, host_id, size;
};

struct oci_mount {
	char *destination, *type, *source;
	char **options;
	LIST(struct oci_id_map) uid_mappings;
	LIST(struct oci_id_map) gid_mappings;
};

struct oci_rlimit {
	char *type;
	uint64_t hard, soft;
};

struct oci_caps {
	char **bounding, **effective, **inheritable, **permitted, **ambient;
};

struct oci_scheduler {
	char *policy;
	char *nice, *priority; /* numbers */
	char **flags;
	uint64_t runtime, deadline, period;
};

struct oci_process {
	bool terminal;
	struct oci_console {
		uint32_t height, width;
	} console_size;
	struct {
		char *uid, *gid, *umask;      /* numbers */
		char **additional_gids;       /* numbers */
	} user;
	char **args, **env;
	char *cwd;
	struct oci_caps capabilities;
	LIST(struct oci_rlimit) rlimits;
	bool no_new_privileges;
	char *apparmor_profile, *selinux_label;
	char *oom_score_adj; /* number */
	struct oci_scheduler scheduler;
	struct {
		char *class_name;
		char *priority;      /* number */
	} io_priority;
	struct {
		char *initial, *final;
	} exec_cpu_affinity;
};

struct oci_hook {
	char *path;
	char **args, **env;
	char *timeout; /* seconds, a number */
};

/* The six kinds in the order in which they run. */
enum oci_hook_kind {
	OCI_PRESTART, OCI_CREATE_RUNTIME, OCI_CREATE_CONTAINER, OCI_START_CONTAINER, OCI_POSTSTART, OCI_POSTSTOP,
	OCI_HOOKS,
};

struct oci_hook_list {
	struct oci_hook *v;
	size_t n;
};

struct oci_namespace {
	char *type, *path;
};

struct oci_device {
	char *type, *path;
	char *major, *minor, *file_mode, *uid, *gid; /* numbers */
};

struct oci_device_rule {
	bool allow;
	char *type, *major, *minor, *access;
};

struct oci_weight_device {
	char *major, *minor, *weight, *leaf_weight;
};

struct oci_throttle {
	char *major, *minor, *rate;
};

struct oci_hugepage {
	char *page_size, *limit;
};

struct oci_net_priority {
	char *name, *priority;
};

struct oci_rdma {
	char *name, *hca_handles, *hca_objects;
};

enum { OCI_THROTTLES = 4 };

struct oci_resources {
	LIST(struct oci_device_rule) devices;
	struct {
		char *limit, *reservation, *swap, *kernel, *kernel_tcp, *swappiness;
		bool disable_oom_killer, check_before_update;
	} memory;
	struct {
		char *shares, *quota, *burst, *period, *realtime_runtime, *realtime_period, *idle;
		char *cpus, *mems;
	} cpu;
	struct {
		char *limit;
	} pids;
	struct {
		char *weight, *leaf_weight;
		LIST(struct oci_weight_device) weight_device;
		/* read bytes, write bytes, read operations, write operations; a second */
		struct {
			struct oci_throttle *v;
			size_t n;
		} throttle[OCI_THROTTLES];
	} block_io;
	LIST(struct oci_hugepage) hugepage_limits;
	struct {
		char *class_id;
		LIST(struct oci_net_priority) priorities;
	} network;
	LIST(struct oci_rdma) rdma;
	char **unified; /* "memory.high=5" */
};

struct oci_net_device {
	char *host_name; /* the key */
	char *name;
};

struct oci_time_offset {
	int64_t secs;
	uint32_t nanosecs;
};

struct oci_linux {
	LIST(struct oci_id_map) uid_mappings;
	LIST(struct oci_id_map) gid_mappings;
	char **sysctl;
	struct oci_resources resources;
	char *cgroups_path;
	LIST(struct oci_namespace) namespaces;
	LIST(struct oci_device) devices;
	LIST(struct oci_net_device) net_devices;
	char *seccomp; /* JSON: rocket-seccomp's */
	char *rootfs_propagation;
	char **masked_paths, **readonly_paths;
	char *mount_label;
	char *intel_rdt, *memory_policy; /* JSON */
	struct {
		char *domain;
		char **flags;
	} personality;
	struct {
		struct oci_time_offset monotonic, boottime;
	} time_offsets;
};

struct oci_config {
	char *oci_version;
	struct {
		char *path;
		bool readonly;
	} root;
	LIST(struct oci_mount) mounts;
	struct oci_process process;
	char *hostname, *domainname;
	struct oci_hook_list hooks[OCI_HOOKS];
	char *annotations; /* JSON */
	struct oci_linux linux_;
	char *vm; /* JSON */
};

/* ERR_USAGE names the field. */
[[nodiscard]] int oci_config_read(struct arena *a, const char *text, size_t len, struct oci_config *ret, struct err *e);
/* A process alone: `exec --process FILE`. */
[[nodiscard]] int oci_process_read(struct arena *a, const char *text, size_t len, struct oci_process *ret, struct err *e);
/* Resources alone: `update --resources FILE`. */
[[nodiscard]] int oci_resources_read(struct arena *a, const char *text, size_t len, struct oci_resources *ret,
				     struct err *e);
/* One number that may be absent. ERR_USAGE names the field when it lies outside. */
[[nodiscard]] int oci_number(const char *text, const char *field, int64_t min, int64_t max, int64_t otherwise,
			     int64_t *ret, struct err *e);
