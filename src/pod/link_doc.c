/* SPDX-License-Identifier: Apache-2.0 */
/* A link in a document. Data in: a node of `links:`. Out: struct link. Pure. */
#include "pod/link_doc.h"

#include "pod/place.h"

static int no_link(const struct doc *node, struct err *e)
{
	place_bad(node, e, "links: expected a link such as 'web -> php: unix /run/php.sock'");
	return -ERR_USAGE;
}

int link_decode(struct arena *a, const struct doc *node, struct link *ret, struct err *e)
{
	const struct doc *c = node->kind == DOC_MAP && node->n == 1 ? node->child : NULL;
	const char *text = node->kind == DOC_STR ? node->text : NULL;

	if (c && c->kind != DOC_NULL && c->kind != DOC_LIST && c->kind != DOC_MAP)
		text = arena_printf(a, "%s: %s", c->key, c->text);
	if (!text)
		return no_link(node, e);
	if (link_parse(a, text, ret, e) < 0)
		return place_err(node, e);
	ret->place = place_of(a, node);
	return 0;
}
