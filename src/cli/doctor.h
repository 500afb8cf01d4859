/* SPDX-License-Identifier: Apache-2.0 */
/* What `rocket doctor` asks of the host. Probes change nothing: what they make dies with a child process. */
#pragma once

#include "cli/cli.h"

enum doctor_state { DOCTOR_OK, DOCTOR_LIMITED, DOCTOR_MISSING };

struct doctor_finding {
	enum doctor_state state;
	char found[200]; /* what is there: a version, a path, why not */
	char remedy[200]; /* instead of the check's own, where the probe knows better */
};

struct doctor_check {
	const char *name;
	bool required;       /* nothing runs without it */
	bool users_only;     /* matters to ordinary users alone */
	bool root_only;      /* an ordinary user can't have it, and his pods don't want it */
	const char *without; /* what Rocket does when it is missing */
	const char *remedy;  /* the one command or step that brings it */
	void (*probe)(const struct cli *cli, struct doctor_finding *f);
};

[[gnu::format(printf, 3, 4)]] void doctor_found(struct doctor_finding *f, enum doctor_state state, const char *fmt, ...);
/* Runs fn in a child of its own and gives what it returned: 0, or an errno. */
int doctor_in_child(int (*fn)(const void *), const void *context);
/* An empty error in memory that such a child shares, or NULL. */
struct err *doctor_shared_err(void);
/* The path, or the nearest directory above it that exists. In the arena. */
const char *doctor_nearest_dir(struct arena *a, const char *path);

/* doctor_kernel.c: what the kernel can. */
void doctor_kernel(const struct cli *cli, struct doctor_finding *f);
void doctor_userns(const struct cli *cli, struct doctor_finding *f);
void doctor_overlay(const struct cli *cli, struct doctor_finding *f);
void doctor_erofs(const struct cli *cli, struct doctor_finding *f);
void doctor_seccomp(const struct cli *cli, struct doctor_finding *f);
void doctor_pidfd(const struct cli *cli, struct doctor_finding *f);
void doctor_landlock(const struct cli *cli, struct doctor_finding *f);
void doctor_bpf(const struct cli *cli, struct doctor_finding *f);

/* doctor_cgroup.c */
void doctor_cgroup(const struct cli *cli, struct doctor_finding *f);
void doctor_controllers(const struct cli *cli, struct doctor_finding *f);
void doctor_clone_into(const struct cli *cli, struct doctor_finding *f);

/* doctor_host.c: what is installed and set up. */
void doctor_store(const struct cli *cli, struct doctor_finding *f);
void doctor_idmap(const struct cli *cli, struct doctor_finding *f);
void doctor_pasta(const struct cli *cli, struct doctor_finding *f);

/* doctor_user.c: what an ordinary user has. */
void doctor_newuidmap(const struct cli *cli, struct doctor_finding *f);
void doctor_subids(const struct cli *cli, struct doctor_finding *f);
void doctor_half(const struct cli *cli, struct doctor_finding *f);
void doctor_delegation(const struct cli *cli, struct doctor_finding *f);
