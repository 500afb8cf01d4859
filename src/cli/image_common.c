/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs below `rocket image` share (verb_image.h). */
#include <string.h>

#include "cli/verb_image.h"

int image_open_store(const struct cli *cli, struct store *ret, struct err *e)
{
	return store_open(cli->dir, cli->run_dir, ret, e);
}

const char *image_short_id(struct arena *a, const char *digest)
{
	const char *hex = digest ? strpbrk(digest, ":-") : NULL;

	return hex ? arena_strndup(a, hex + 1, 12) : "";
}

const char *image_vouched(const struct image *img)
{
	return img->vouch.how ? img->vouch.how : "no";
}
