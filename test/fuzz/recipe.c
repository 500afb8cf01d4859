/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes of rocket build, and what follows from one without looking at a file: accounts and the config. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "build/accounts.h"
#include "build/oci.h"
#include "build/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void go_on(struct arena *a, const struct recipe *r)
{
	struct image_config config;
	struct oci_image img = {.config = &config};
	struct accounts acc = {};
	struct err e = {};
	autostr out = {};

	if (accounts_make(a, r, "root:x:0:0::/:/bin/sh\nbin:x:1:", "root:x:0:\nbin:x:1:a,b", &acc, &e) == 0 && !acc.passwd)
		abort();
	oci_make_config(a, r, NULL, 0, &config);
	oci_write_config(&out, &img);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct recipe r = {};
	struct err e = {};
	autoarena a = {};

	if (n > 1 << 16)
		return 0;
	char *text = arena_strndup(&a, (const char *)bytes, n);

	(void)recipe_is_dockerfile(text);
	if (recipe_read(&a, "recipe", (const char *)bytes, n, &r, &e) == 0)
		go_on(&a, &r);
	else if (!e.what[0] || e.code != ERR_USAGE)
		abort();
	return 0;
}
