/* SPDX-License-Identifier: Apache-2.0 */
/* Private to store/: mounting a view, and its directory form. store_open_view() of store.h is in view.c. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/*
 * Mounts views/ID.erofs detached: read-only, nodev, nosuid, private. -ERR_STATE when this host or this
 * place can't mount it and the directory form must serve (e->errnum says why); -ERR_FAILED when it is damaged.
 * Needs CAP_SYS_ADMIN in the first user namespace.
 */
[[nodiscard]] int view_mount_erofs(const struct store *s, const char *view, int *ret_fd, struct err *e);

/*
 * trees/ID as a detached, read-only, nodev clone; without the privilege to clone, the directory itself.
 * Built by s->builder when it is not there. Needs nothing but the store's files.
 */
[[nodiscard]] int view_open_tree(const struct store *s, const char *view, int *ret_fd, struct err *e);

/* "trees/ID", or an ordinary user's "trees/ID.MAP": below DIR. */
void view_tree_path(const char *view, char path[160]);

/* Opens RUN/views, made when it is missing. */
[[nodiscard]] int view_open_run(const struct store *s, int *ret_fd, struct err *e);

/*
 * Unmounts RUN/views/ID when nobody holds its lock; true when nothing of it is left. For the sweep,
 * and for what a killed supervisor left.
 */
bool view_drop_unused(int viewsfd, const char *view);
