/* SPDX-License-Identifier: Apache-2.0 */
/* Which images pods use, for everything that removes content: image rm, image gc, gc. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/*
 * struct store_sweep's list_pods; context is the struct cli. Manifest digests of all prepared, running
 * and exited pods' apps. ERR_FAILED when a pod's plan can't be read: then nothing may be removed.
 */
[[nodiscard]] int image_pods_list(void *cli, struct arena *a, char ***ret_digests, struct err *e);
