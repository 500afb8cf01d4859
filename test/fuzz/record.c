/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record: refused, or read; and what was read is written and read back alike. */
#include "fuzz_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena a = {};
	struct err e = {};
	struct every object;

	if (record_read(&a, &every_set, (const char *)data, size, &object, &e) < 0)
		must(e.code == ERR_FAILED && e.because[0]);
	else
		check_record(&a, &object);
	return 0;
}
