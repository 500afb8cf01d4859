/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod as it is asked for, by whichever front end: native manifest, command line, Kubernetes
 * Pod, appc PodManifest. Nothing is decided here: what nobody said is NULL, zero or false, and
 * resolve.h fills it when it makes the plan. Everything lies in one arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "pod/hole.h"
#include "pod/plan.h"

/* What an app has mounted that is no hole. */
struct pod_mount {
	char *place;          /* "pod.yaml:12:5", or NULL; so everywhere below */
	enum mount_kind kind; /* MOUNT_VOLUME, MOUNT_TMPFS, or MOUNT_FILE of a foreign manifest */
	char *target;         /* absolute, clean */
	char *volume; /* of MOUNT_FILE: a file or folder by its name in the plan */
	char *sub_path; /* of MOUNT_VOLUME: a folder or file inside it, or NULL */
	bool read_only, noexec;
	uint64_t size_bytes; /* tmpfs */
	uint32_t mode;       /* tmpfs */
};

/* A secret or config file that the pod declares. */
struct pod_file {
	char *place;
	char *name;
	enum file_from from;
	char *source;
	bool base64, secret;
	bool is_placed; /* name is the plan's already, mode and gid hold (Kubernetes) */
	uint32_t mode, gid;
};

/* Where an app has it. */
struct pod_file_use {
	char *place;
	char *name;
	char *target;  /* NULL: /run/secrets/NAME */
	uint32_t mode; /* 0: 0400 for a secret, 0444 */
	bool secret;
};

struct pod_stop {
	uint32_t signal; /* 0: the image's */
	int64_t grace_ns;
	bool has_grace;
};

struct pod_logs {
	uint64_t size_bytes;
	uint32_t files;
};

struct pod_app {
	char *place;
	char *name;
	char *image;          /* as written; a "./FILE" of a manifest is made absolute */
	bool replaces_config; /* nothing of the image's config holds (appc) */
	int distance;         /* enum distance + 1; 0: the pod's */
	enum app_kind kind;
	char **exec; /* replaces entrypoint and command; NULL: not given */
	char **args; /* replaces the command; NULL: not given */
	char **env;  /* "K=V" */
	char *workdir;
	char *user;    /* "name", "101", "101:101", "name:group" */
	char **groups; /* names or numbers, beside those of /etc/group */
	bool has_group;
	uint32_t group; /* instead of the user's own */
	enum { POD_PULL_UNSAID, POD_PULL_MISSING, POD_PULL_ALWAYS, POD_PULL_NEVER } pull;
	bool non_root; /* uid 0 is refused */
	bool read_only, tty, stdin_open, init;
	char *tz;
	struct plan_limits limits;
	uint64_t memory_and_swap_bytes; /* --memory-swap, until it is settled with --memory */
	LIST(struct pod_mount) mounts;
	LIST(struct plan_rlimit) rlimits;
	char **sysctls; /* "key=value" */
	int64_t oom_score;
	char *seccomp;
	uint64_t cap_drop;
	enum restart restart;
	struct pod_stop stop;
	char **pre_start, **post_stop;
	struct plan_probe ready, alive, started, post_start, pre_stop;
	char **after;
	char **params; /* "K=V" */
	LIST(struct pod_file_use) files;
	char **labels;
	struct pod_logs logs;
};

struct pod_volume {
	char *place;
	char *name;
	bool keep;
	bool tmpfs;
	char *image;         /* its files, read-only */
	uint64_t size_bytes; /* of a tmpfs */
	uint32_t mode;       /* 0: 0755, or the image folder's that fills it */
	uint32_t uid, gid;
	bool has_owner; /* else the first app's user that mounts it */
};

struct pod_dns {
	char **servers, **search, **options;
};

struct pod {
	char *file;     /* the manifest, for messages; NULL on a command line */
	char *name;     /* NULL: Rocket makes one up */
	char *hostname; /* NULL: from the name */
	int distance;   /* enum distance + 1; 0: close */
	char *exit;     /* NULL: all */
	bool remove;
	bool learn;
	uint32_t ids;       /* size of the id range that is wanted; 0: 65536 */
	uint64_t shm_bytes; /* 0: 64Mi */
	struct plan_limits limits;
	struct pod_logs logs; /* for apps without their own */
	struct pod_dns dns;
	char **hosts; /* "IP NAME…" */
	char **sysctls;
	char **labels;
	LIST(struct pod_app) apps;
	LIST(struct pod_volume) volumes;
	LIST(struct pod_file) files;
	int64_t deadline_ns; /* 0: none */
	LIST(struct hole) holes;
	LIST(struct link) links;
};

struct pod_app *pod_find_app(const struct pod *p, const char *name);
struct pod_volume *pod_find_volume(const struct pod *p, const char *name);

/*
 * A name for an app of this image that no other app of the pod has: "nginx", "nginx-2".
 * Never NULL.
 */
char *pod_free_app_name(struct arena *a, const struct pod *p, const char *image);
