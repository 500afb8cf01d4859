/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: what is accepted stays what it is, and fits into one file name. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "store/name.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_aliases(struct arena *a, const char *name)
{
	char *others[NAME_ALIASES_MAX + 1];

	name_aliases(a, name, others);
	for (char **other = others; *other; other++)
		assert(strcmp(*other, name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = NULL, *again = NULL, *base = NULL, *digest = NULL;
	char file[NAME_FILE_MAX];
	struct err e = {};
	autoarena a = {};
	char *text = arena_strndup(&a, (const char *)data, size);

	name_split_digest(&a, text, &base, &digest);
	if (store_normalise_name(&a, text, &name, &e) < 0) {
		assert(e.code == ERR_USAGE && e.what[0] && e.hint[0]);
		return 0;
	}
	assert(store_normalise_name(&a, name, &again, &e) == 0 && !strcmp(name, again));
	name_to_file(name, file);
	assert(strlen(file) > 0 && strlen(file) <= 255 && !strchr(file, '/') && file[0] != '.');
	check_aliases(&a, name);
	return 0;
}
