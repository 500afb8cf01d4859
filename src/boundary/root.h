/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app's root, put together detached, by the supervisor, with the host's privileges: overlay over the
 * image's view, a fresh /dev, and every bind, volume and tmpfs of the plan as a mount descriptor. Nothing
 * is attached here and no path of the host's is mounted on; inside.c attaches it all in the app's own
 * mount namespace. Needs root on the host (CAP_SYS_ADMIN where the files lie).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pod/plan.h"

/* What the apps of a circle share: made once. */
struct pod_files {
	int etc_fd;     /* detached tmpfs: hosts, hostname, resolv.conf; and an empty folder */
	int shm_fd;     /* detached tmpfs: /dev/shm of joined and close apps */
	int userns_fd;  /* for id-mapping; -1: none */
	int mqueue_fd;  /* /dev/mqueue where its IPC namespace is another circle's; -1: the app mounts it itself */
};
#define POD_FILES_NONE { .etc_fd = -1, .shm_fd = -1, .userns_fd = -1, .mqueue_fd = -1 }

struct pod_text {
	const char *name; /* "hosts", "web/secrets/token" */
	const char *text;
	size_t len;
	uint32_t mode; /* 0: 0644 */
	uint32_t uid, gid;
};

/*
 * Makes the shared file systems; the texts become files in etc_fd. attach_fd: a directory of the caller's own mount
 * namespace where they are attached, on kernels that clone nothing detached; else -1 (mountfd.h).
 */
[[nodiscard]] int root_make_pod_files(const struct plan *p, int userns_fd, int attach_fd, const struct pod_text *texts,
				      size_t n, struct pod_files *ret, struct err *e);
/* One more file, while the pod runs: what is there of that name is replaced. */
[[nodiscard]] int root_add_pod_file(const struct plan *p, int etc_fd, const struct pod_text *t, struct err *e);
/*
 * Attaches a detached mount in etc_fd, out of everybody's sight: what lies in one tree is taken apart in one go, when
 * etc_fd is closed, while each mount that is closed for itself waits for the whole kernel (synchronize_rcu_expedited()
 * in namespace_unlock()). Kernels before 6.15 can't: the mount stays as it is.
 */
void root_keep_mount(const struct pod_files *f, int mount_fd, const char *name, bool is_dir);
/* With all that root_keep_mount() has attached. */
void root_close_pod_files(struct pod_files *f);
/* A detached tmpfs for the links' named pipes and sockets, of the pod's root alone. */
[[nodiscard]] int root_make_links(const struct plan *p, int attach_fd, int *ret_fd, struct err *e);
/* /dev/mqueue of the IPC namespace of that process, which the caller must have the right to enter and is in again after. */
[[nodiscard]] int root_open_mqueue(int pidfd, int *ret_fd, struct err *e);

struct root_mount {
	int fd;
	const char *target;
	bool is_dir;
	bool optional_target; /* leave it out where the image has no such path and it can't be made */
};

struct app_root {
	int tree_fd;                /* the root file system */
	int dev_fd;                 /* /dev */
	struct root_mount *nodes;   /* the host's device nodes, for an ordinary user's /dev: he can make none */
	size_t n_nodes;
	int shm_fd;                 /* /dev/shm */
	int empty_fd;               /* an empty, read-only directory: what masks directories */
	int mqueue_fd;              /* of a shared IPC namespace, or -1 */
	struct root_mount *mounts;  /* sorted by target, parents first */
	size_t n;
};
#define APP_ROOT_NONE { .tree_fd = -1, .dev_fd = -1, .shm_fd = -1, .empty_fd = -1, .mqueue_fd = -1 }

struct root_request {
	const struct plan *plan;
	const struct plan_app *app;
	const struct pod_files *files;
	int view_fd;            /* detached clone of the image's view, or an open directory that holds its files */
	bool view_is_mapped;    /* … whose ids are the pod's already */
	int links_fd;           /* where the links' named pipes and sockets lie; -1: there are none */
	int pod_fd;             /* the pod's folder: APP.upper and APP.work, or APP.root (own_root.h) */
	/* Gives a directory descriptor for a volume of the plan, filled and owned as it must be. */
	int (*open_volume)(void *context, const struct plan_volume *v, int *ret_fd, struct err *e);
	/* Writes the image's files into an empty directory, owned by the pod's ids. NULL: where overlay fails, the app does. */
	int (*unpack)(void *context, const struct plan_app *app, int dirfd, struct err *e);
	void *context;
};

/* The root file system alone, of an app that does not run: for cp and export. Its upper layer is written as it is in a start. */
[[nodiscard]] int root_prepare_tree(const struct root_request *r, int *ret_tree_fd, struct err *e);
[[nodiscard]] int root_prepare(const struct root_request *r, struct app_root *ret, struct err *e);
void root_close(struct app_root *root);
