/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lxc*.c: the config while it is read, and what each group of keys does with a line. */
#pragma once

#include "pod/lxc.h"
#include "pod/plan.h"

/* One assignment as it stands in a file. */
struct lxc_line {
	const char *file;
	unsigned number;
	const char *key, *value; /* trimmed, quotes off */
};

struct lxc_mount {
	char *target;
	char *tmpfs_size; /* of a tmpfs; "": the usual one */
	char *mode;
	bool noexec;
};

/* A hole in its long form. */
struct lxc_hole {
	const char *kind; /* "path", "dev", "cap", "newprivs" */
	char *source, *target, *why;
	bool writable;
};

struct lxc {
	const struct lxc_input *in;
	struct arena *arena;
	struct lxc_losses *losses;
	unsigned depth; /* of includes */
	unsigned files;

	char *hostname, *rootfs, *workdir;
	char **exec, **env, **groups, **sysctls, **start_hook;
	char *uid, *gid, *halt_signal;
	bool read_only, no_new_privs, keeps_caps, has_oom;
	uint64_t caps_dropped, caps_kept;
	int64_t oom_score;
	uint64_t ids;
	bool mapped; /* lxc.idmap */
	struct plan_limits limits;
	uint64_t memory_and_swap;
	char *cpu_quota, *cpu_period;
	LIST(struct plan_rlimit) rlimits;
	LIST(struct lxc_mount) mounts;
	LIST(struct lxc_hole) holes;
};

/* Not carried over, because. */
void lxc_lose(struct lxc *x, const struct lxc_line *l, const char *why);
/* A word, or quoted words, as a list; NULL where quotes don't close. */
char **lxc_words(struct arena *a, const char *text);

typedef void lxc_take_fn(struct lxc *x, const struct lxc_line *l);

/* lxc_limits.c: lxc.cgroup*, lxc.prlimit.*, lxc.sysctl.*, capabilities, id maps. */
lxc_take_fn lxc_take_cgroup, lxc_take_prlimit, lxc_take_sysctl, lxc_take_cap_drop, lxc_take_cap_keep, lxc_take_idmap;
/* After all lines: what several of them said together. */
void lxc_settle_limits(struct lxc *x);
void lxc_settle_caps(struct lxc *x);
/* lxc_mount.c: lxc.mount.entry, a line of a fstab, lxc.mount.auto, lxc.rootfs.* */
lxc_take_fn lxc_take_mount, lxc_take_mount_auto, lxc_take_rootfs, lxc_take_rootfs_options;
/* lxc_write.c */
void lxc_write(const struct lxc *x, struct str *out);
