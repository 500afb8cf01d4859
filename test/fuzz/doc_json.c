/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: the tree keeps its promises, and decoding by every kind of field survives it. */
#include "fuzz_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena a = {};
	struct err e = {};
	struct doc *d;

	if (doc_parse_json(&a, "fuzz.json", (const char *)data, size, &d, &e) < 0)
		check_error(&e);
	else
		check_document(&a, d);
	return 0;
}
