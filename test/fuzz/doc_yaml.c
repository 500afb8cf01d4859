/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as YAML: the tree keeps its promises, and decoding by every kind of field survives it. */
#include "fuzz_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena a = {};
	struct err e = {};
	struct doc *all;

	if (doc_parse_yaml_all(&a, "fuzz.yaml", (const char *)data, size, &all, &e) < 0) {
		check_error(&e);
		return 0;
	}
	for (const struct doc *d = all->child; d; d = d->next)
		check_document(&a, d);
	return 0;
}
