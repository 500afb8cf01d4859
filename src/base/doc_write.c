/* SPDX-License-Identifier: Apache-2.0 */
/* The document tree as JSON again, for files of others of which one part is changed. Keys stay in their order. */
#include "base/doc.h"
#include "base/str.h"

static void write_node(struct str *out, const struct doc *node, bool pretty, unsigned depth);

static void indent(struct str *out, bool pretty, unsigned depth)
{
	if (!pretty)
		return;
	str_add_char(out, '\n');
	for (unsigned i = 0; i < depth; i++)
		str_add_char(out, '\t');
}

static void write_children(struct str *out, const struct doc *node, bool pretty, unsigned depth)
{
	bool map = node->kind == DOC_MAP;

	str_add_char(out, map ? '{' : '[');
	for (const struct doc *c = node->child; c; c = c->next) {
		indent(out, pretty, depth + 1);
		if (map) {
			str_add_json(out, c->key);
			str_add(out, pretty ? ": " : ":");
		}
		write_node(out, c, pretty, depth + 1);
		if (c->next)
			str_add_char(out, ',');
	}
	if (node->child)
		indent(out, pretty, depth);
	str_add_char(out, map ? '}' : ']');
}

static void write_node(struct str *out, const struct doc *node, bool pretty, unsigned depth)
{
	switch (node->kind) {
	case DOC_MAP:
	case DOC_LIST:
		write_children(out, node, pretty, depth);
		break;
	case DOC_STR:
		str_add_json(out, node->text);
		break;
	case DOC_NULL:
		str_add(out, "null");
		break;
	default:
		str_add(out, node->text);
	}
}

void doc_write_json(struct str *out, const struct doc *node, bool pretty)
{
	write_node(out, node, pretty, 0);
}
