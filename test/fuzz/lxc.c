/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LXC configs: what is taken becomes a manifest that Rocket reads (lxc_convert() checks that itself and calls a mismatch
 * ERR_FAILED, which must never come), or is refused as a mistake in the config.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/lxc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Any file that is included is the same again, so that depth and count are tried, too. */
struct self {
	const char *text;
	size_t n;
};

static int read_self(void *context, const char *path, const char **ret_text, size_t *ret_len, struct err *e)
{
	const struct self *s = context;

	if (strcmp(path, "self") != 0)
		return err_new(e, ERR_USAGE, "there is no such file");
	*ret_text = s->text;
	*ret_len = s->n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	autostr manifest = {};
	struct lxc_losses losses = {};
	struct err e = {};

	if (n > 1 << 13)
		return 0;
	char *text = memcpy(arena_alloc(&a, n + 1), bytes, n);

	text[n] = 0;
	struct self self = {text, n};
	const struct lxc_input in = {.arena = &a, .file = "config", .read_file = read_self, .context = &self};

	if (lxc_convert(&in, text, n, &manifest, &losses, &e) == 0)
		return 0;
	if (!e.what[0] || e.code != ERR_USAGE)
		abort();
	return 0;
}
