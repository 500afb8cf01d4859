/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a folder of an image, for links between apps. */
#pragma once

#include "pod/resolve.h"

/* For pod_sources.stat_folder; context is a struct pod_making whose store is open. Mounts the image's view. */
[[nodiscard]] int image_folder_stat(void *context, const struct image *img, const char *path, struct image_folder *ret,
				    struct err *e);
