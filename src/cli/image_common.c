/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs below `rocket image` share (verb_image.h). */
#include <string.h>

#include "cli/trust_gate.h"
#include "cli/verb_image.h"
#include "trust/scope.h"

int image_open_store(const struct cli *cli, struct store *ret, struct err *e)
{
	return store_open(cli->dir, cli->run_dir, ret, e);
}

const char *image_short_id(struct arena *a, const char *digest)
{
	const char *hex = digest ? strpbrk(digest, ":-") : NULL;

	return hex ? arena_strndup(a, hex + 1, 12) : "";
}

/* Of what was fetched, how it was judged the last time; nothing is judged for a list. */
char *image_vouched(struct arena *a, const struct store *s, const struct store_image *image)
{
	const struct trust_verdict *v = NULL;
	struct trust_record record;
	struct err ignored = {};

	if (trust_is_own(&image->image))
		return image->image.vouch.how;
	if (verdict_read(s, a, image->image.manifest_digest, &record, &ignored) == 0)
		v = verdict_for(&record, scope_full_name(a, image->name), image->image.manifest_digest);
	return v && v->accepted ? v->how : NULL;
}
