/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units: never out of bounds, and what is printed of a time is read back as the same time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"

static void check_time(int64_t ns)
{
	autostr text = {};
	int64_t again;

	unit_add_time(&text, ns);
	if (unit_parse_time(text.text, &again) < 0 || again != ns)
		abort();
}

static void check_text(const char *text)
{
	uint64_t size;
	uint32_t cpus;
	int64_t ns;
	autostr out = {};

	if (unit_parse_time(text, &ns) == 0)
		check_time(ns);
	if (unit_parse_size(text, &size) == 0 || unit_parse_docker_size(text, &size) == 0)
		unit_add_size(&out, size);
	if (unit_parse_cpus(text, &cpus) == 0 && cpus > 1000000000)
		abort();
	if (unit_parse_u64(text, 3, 77, &size) == 0 && (size < 3 || size > 77))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	int64_t ns = 0;
	autostr out = {};

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	check_text(text);
	memcpy(&ns, text, size < sizeof(ns) ? size : sizeof(ns));
	unit_add_timestamp(&out, ns);
	unit_add_age(&out, ns);
	free(text);
	return 0;
}
