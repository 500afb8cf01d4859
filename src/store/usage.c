/* SPDX-License-Identifier: Apache-2.0 */
/* What the store takes on disk, for `rocket df`. Blocks as the file system counts them. */
#include "store/store.h"

#include "base/io.h"
#include "store/find.h"
#include "store/ref.h"

static int count_image(const char *digest, void *arg, struct err *e)
{
	(*(uint64_t *)arg)++;
	return 0;
}

int store_measure(const struct store *s, struct store_usage *ret, struct err *e)
{
	const struct {
		const char *dir;
		uint64_t *bytes;
	} parts[] = {
		{"blobs", &ret->blob_bytes}, {"images", &ret->blob_bytes}, {"from", &ret->blob_bytes},	{"refs", &ret->blob_bytes},
		{"views", &ret->view_bytes}, {"trees", &ret->tree_bytes},  {"dead", &ret->dead_bytes}, {"tmp", &ret->dead_bytes},
	};
	struct ref *refs = NULL;
	autoarena a = {};
	size_t names = 0;
	int r = ref_list(s, &a, REF_SKIP_DAMAGED, &refs, &names, e);

	*ret = (struct store_usage){.names = names};
	if (r == 0)
		r = find_each_image(s, count_image, &ret->images, e);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t bytes = 0;

		r = io_disk_usage(s->dirfd, parts[i].dir, &bytes, e);
		*parts[i].bytes += bytes;
	}
	return r;
}
