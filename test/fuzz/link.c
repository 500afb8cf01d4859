/* SPDX-License-Identifier: Apache-2.0 */
/* A link in either spelling: never out of bounds, and what is taken has one normal text that gives
 * itself again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct link l = {}, again = {};
	struct err e = {};
	autoarena a = {};

	if (n > 1 << 14)
		return 0;
	if (link_parse(&a, arena_strndup(&a, (const char *)bytes, n), &l, &e)) {
		if (!e.what[0] || e.code != ERR_USAGE)
			abort();
		return 0;
	}
	if (link_parse(&a, l.text, &again, &e) || strcmp(l.text, again.text))
		abort();
	return 0;
}
