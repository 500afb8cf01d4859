/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI container with nothing left to decide: config.json checked and turned into what src/boundary works from. What
 * pods have as well (command, user, limits, host name) stands in the one app of `pod`, so that the boundary reads
 * it from the same place; what only OCI lets people say stands beside it. Pure: no host is asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pod/oci_config.h"
#include "pod/plan.h"

enum oci_attach_kind {
	OCI_ATTACH_NEW,     /* a new file system */
	OCI_ATTACH_BIND,    /* a host path */
	OCI_ATTACH_CGROUP,  /* the container's view of the control groups */
	OCI_ATTACH_REMOUNT, /* attributes of what is mounted at target already */
};
enum oci_idmap { OCI_IDMAP_NONE, OCI_IDMAP, OCI_IDMAP_RECURSIVE };

/* One mount. Attributes are MOUNT_ATTR_*, propagation is MS_*. */
struct oci_attach {
	enum oci_attach_kind kind;
	const char *source, *target, *type;
	bool recursive;                 /* rbind */
	bool copy_up;                   /* tmpcopyup */
	bool no_follow;                 /* src-nofollow */
	char **data;                    /* "size=65536k", "newinstance": for the file system */
	uint64_t set, clear;            /* of the mount */
	uint64_t set_all, clear_all;    /* of it and of all below */
	uint64_t propagation;           /* 0: private */
	bool propagation_recursive;
	enum oci_idmap idmap;
	const struct oci_mount *asked;
};

struct oci_join {
	uint64_t type;                  /* CLONE_NEW* */
	const char *path;
};

struct oci_caps_sets {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* How a process runs, where it is more than pods can say. */
struct oci_how {
	struct oci_caps_sets caps;
	bool has_umask, has_oom_score, has_scheduler, has_io_priority, has_personality;
	mode_t umask;
	int oom_score;
	struct oci_sched {              /* sched_setattr(2) */
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} scheduler;
	int io_priority;                /* ioprio_set(2) */
	uint64_t personality;           /* personality(2) */
	const char *apparmor, *selinux;
	char *home;                     /* "HOME=/" of the environment, OCI_HOME_MAX bytes: to be filled from /etc/passwd; NULL */
};
enum { OCI_HOME_MAX = 512 };

struct oci_plan {
	const struct oci_config *config;
	struct plan pod;                /* one app */
	struct plan_app *app;
	struct oci_how how;
	uint64_t namespaces;            /* CLONE_NEW* that are not the runtime's own */
	uint64_t fresh;                 /* those among them that are made */
	LIST(struct oci_join) joins;
	LIST(struct oci_attach) mounts;
	uint64_t root_propagation;      /* MS_*; 0: none asked */
	bool root_propagation_recursive;
};

/* Checks and turns the whole; id names the container in messages. ERR_USAGE names the field. */
[[nodiscard]] int oci_plan_make(struct arena *a, const struct oci_config *c, const char *id, struct oci_plan *ret,
				struct err *e);
/* A process alone into app and how: exec. */
[[nodiscard]] int oci_plan_process(struct arena *a, const struct oci_process *p, struct plan_app *app,
				   struct oci_how *how, struct err *e);
/* The parts, each in a file. */
[[nodiscard]] int oci_check_config(const struct oci_config *c, struct err *e);
[[nodiscard]] int oci_plan_mount(struct arena *a, const struct oci_mount *m, size_t index, struct oci_attach *ret,
				 struct err *e);
/* "rslave" to MS_SLAVE and recursive; 0 for no word of propagation. */
uint64_t oci_propagation(const char *word, bool *ret_recursive);
/* "network" to CLONE_NEWNET; 0 for no namespace. */
uint64_t oci_namespace_flag(const char *type);
extern const char *const oci_namespace_types[];
/* The words that `features` lists; NULL-terminated. */
extern const char *const oci_mount_words[];
