/* SPDX-License-Identifier: Apache-2.0 */
/* The short form of a hole: never out of bounds, and what is taken has one normal text that gives
 * itself again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/hole.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct hole h = {}, again = {};
	struct err e = {};
	autoarena a = {};

	if (n > 1 << 14)
		return 0;
	if (hole_parse(&a, arena_strndup(&a, (const char *)bytes, n), "/base", &h, &e)) {
		if (!e.what[0] || e.code != ERR_USAGE)
			abort();
		return 0;
	}
	if (hole_parse(&a, h.text, NULL, &again, &e) || strcmp(h.text, again.text))
		abort();
	return 0;
}
