/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TOML, and as registries.conf: what is accepted keeps its promises, and names are looked up in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"
#include "registry/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static size_t check_node(const struct doc *node, unsigned depth)
{
	size_t n = 0, all = 1;

	check(depth <= 80);
	if (node->kind != DOC_MAP && node->kind != DOC_LIST)
		check(node->text != NULL && !node->child);
	for (const struct doc *c = node->child; c; c = c->next, n++) {
		check((c->key != NULL) == (node->kind == DOC_MAP));
		all += check_node(c, depth + 1);
	}
	check(n == node->n);
	return all;
}

static void try_conf(struct arena *a, const char *text, size_t n)
{
	static const char *const names[] = {"docker.io/library/nginx", "a.b.example.com:5000/x/y", "localhost/x"};
	struct conf conf = {};
	struct err e = {};

	if (conf_add(a, &conf, "fuzz", text, n, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct conf_registry *entry = conf_find(&conf, names[i]);

		for (size_t k = 0; entry && k < entry->mirrors.n; k++) {
			char *place = conf_rewrite(a, entry, entry->mirrors.v[k].location, names[i]);

			check(!place || (strchr(place, '/') && !strchr(place, '@')));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	struct doc *root;
	struct err e = {};

	if (doc_parse_toml(&a, "fuzz", (const char *)bytes, n, &root, &e))
		check(e.code == ERR_USAGE && e.what[0]);
	else
		check(check_node(root, 0) <= 200000);
	try_conf(&a, (const char *)bytes, n);
	return 0;
}
