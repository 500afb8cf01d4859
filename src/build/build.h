/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image from one recipe into the store:
 *
 *   folder/recipe.yaml --recipe.c--> what is asked --gather.c, libs.c--> rootfs --layer.c--> tar -> blob
 *                                                    --oci.c--> config, manifest -> blobs -> view, record, name
 *
 * Nothing of the tree is executed. Equal inputs give equal digests on any machine.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

#define BUILD_RECIPE "recipe.yaml"

struct build_request {
	const char *folder;  /* of the recipe and its local files */
	const char *file;    /* the recipe; NULL: recipe.yaml in the folder */
	const char *name;    /* instead of the recipe's own; or NULL */
	const char *from;    /* the tree, instead of the recipe's; or NULL */
	int64_t time_s;      /* of every file and of the image */
	void (*note)(const char *text); /* what people should know; NULL keeps silent */
};

struct built {
	char *name;            /* full */
	char *id;              /* config digest */
	char *manifest_digest;
	uint64_t size;         /* of all layers' tars */
	uint64_t layer_size;   /* of the one that was made; 0 when the recipe adds no file */
	size_t n_files;        /* entries of that layer */
	size_t n_layers;
};

/*
 * Builds and names the image; strings lie in the arena. Runs on the host as the store's owner. ERR_USAGE for a
 * recipe that is no good, ERR_NOT_FOUND for files that are missing, ERR_POLICY for a Dockerfile.
 */
[[nodiscard]] int build_image(struct arena *a, const struct store *s, const struct build_request *request,
			      struct built *ret, struct err *e);

/*
 * SOURCE_DATE_EPOCH, or 0 when it is not set. ERR_USAGE when it is no time in seconds up to the year 9999.
 */
[[nodiscard]] int build_time(const char *source_date_epoch, int64_t *ret_s, struct err *e);
