/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an app, for cp and export: the root of the running app as the app sees it, or of an exited
 * or prepared one, put together again as for a start (nobody can start it meanwhile). Root on the host.
 */
#pragma once

#include "cli/pod_ref.h"
#include "store/store.h"

struct pod_root {
	struct pod_ref ref;
	int fd;             /* the root directory (O_PATH); paths in it go through path_open_in_root() */
	struct store store;
	int use_fd;
	bool mounted;       /* ours: an app that does not run */
};
#define POD_ROOT_NONE { .ref = POD_REF_NONE, .fd = -1, .store = STORE_NONE, .use_fd = -1 }

/* With what is mounted in it while the app runs (an app that does not run has nothing mounted), or without. */
enum pod_root_mounts { POD_ROOT_MOUNTED, POD_ROOT_BARE };

/* word: POD or POD/APP. ERR_NOT_FOUND, ERR_USAGE (several apps), ERR_BUSY (it is being started). */
[[nodiscard]] int pod_root_open(struct cli *cli, const char *word, enum pod_root_mounts mounts, struct pod_root *ret,
				struct err *e);
void pod_root_close(struct pod_root *r);
#define autoroot [[gnu::cleanup(pod_root_close)]] struct pod_root

/*
 * Makes this process create files as the pod's root (setfsuid(2)), keeping the capabilities that the
 * change takes: inside id-mapped mounts the host's own root has no id to create with.
 */
[[nodiscard]] int pod_root_become(const struct pod_root *r, struct err *e);

/*
 * A user namespace with these ids, kept by nothing but the descriptor: id-mapped mounts are named by one. -1
 * with errno. Root on the host.
 */
[[nodiscard]] int pod_root_userns(const struct plan_ids *ids);
