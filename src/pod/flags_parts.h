/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of flags_parse(): the walk (flags.c), one function a flag (flags_pod.c, flags_app.c).
 */
#pragma once

#include "pod/flags.h"

/* One flag as it stood on the command line. */
struct flag {
	const struct opt *opt;
	const char *value; /* NULL when it takes none */
	int app;           /* index of the image that it stood behind; -1: before the first */
};

struct flags {
	const struct flags_input *in;
	struct arena *arena;
	struct pod pod;
	struct run_flags run;
	LIST(struct flag) list;
	bool ignore_unknown;
	bool dns_given;
};

/* "-p 8080:80" or "--privileged": how the flag was written. In the arena. */
char *flag_text(const struct flags *f, const struct flag *flag);
/* Refuses the flag by name: it is understood and not built yet. */
int flag_later(const struct flag *flag, struct err *e);
/* ERR_USAGE with "FLAG: because". */
int flag_bad(const struct flags *f, const struct flag *flag, struct err *e, const char *because);

/* Adds the hole in its short form; app NULL: the pod's. origin NULL: the flag is --hole itself. */
[[nodiscard]] int flag_add_hole(struct flags *f, const char *text, const char *app,
				const char *origin, struct err *e);

/* "K=V" into the list, in the place of an entry with the same key. */
void flag_set_pair(struct arena *a, char ***list, const char *pair);

/* One flag of each table. */
[[nodiscard]] int flags_apply_pod(struct flags *f, const struct flag *flag, struct err *e);
[[nodiscard]] int flags_apply_app(struct flags *f, const struct flag *flag, struct pod_app *app,
				  struct err *e);

/* flags_sugar.c: docker's flags as holes, volumes and mounts of the app. */
[[nodiscard]] int flags_publish(struct flags *f, const struct flag *flag, struct pod_app *app,
				struct err *e);
[[nodiscard]] int flags_volume(struct flags *f, const struct flag *flag, struct pod_app *app,
			       struct err *e);
[[nodiscard]] int flags_tmpfs(struct flags *f, const struct flag *flag, struct pod_app *app,
			      struct err *e);
[[nodiscard]] int flags_device(struct flags *f, const struct flag *flag, struct pod_app *app,
			       struct err *e);
[[nodiscard]] int flags_cap_add(struct flags *f, const struct flag *flag, struct pod_app *app,
				struct err *e);
[[nodiscard]] int flags_network(struct flags *f, const struct flag *flag, struct err *e);
[[nodiscard]] int flags_privileged(struct flags *f, const struct flag *flag, struct err *e);

/* flags_limits.c: limits and their kin, in docker's units. */
[[nodiscard]] int flags_memory_reservation(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_memory_swap(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_cpu_shares(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_cpuset_cpus(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_cpuset_mems(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_blkio_weight(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_device_rate(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_cgroup_conf(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_ulimit(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_sysctl(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_oom_score(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_group_add(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
[[nodiscard]] int flags_security_opt(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e);
/* After all flags of the app: --memory-swap less --memory is the swap. */
[[nodiscard]] int flags_settle_swap(struct pod_app *app, struct err *e);
