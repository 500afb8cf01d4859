/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to boundary/: an app's root as a directory of its own, APP.root in the pod's folder. For hosts where the
 * pods' file system can neither be an overlay's upper layer nor map ids (it is an overlay itself: a pod in a
 * container). The image's files are copied there, owned by the pod's ids, which costs a start what unpacking does.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "boundary/root.h"

/* Was it made in an earlier start? */
bool own_root_exists(const struct root_request *r);
/* Does the error say that this file system carries no overlay? */
bool own_root_fits(const struct root_request *r, const struct err *e);
/* Makes it, by r->unpack. What a killed start left half-made is removed first. Root. */
[[nodiscard]] int own_root_make(const struct root_request *r, struct err *e);
/* A detached, nodev clone of it. */
[[nodiscard]] int own_root_open(const struct root_request *r, int *ret_fd, struct err *e);
