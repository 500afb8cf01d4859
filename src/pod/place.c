/* SPDX-License-Identifier: Apache-2.0 */
/* Places of document nodes as text, and errors that carry them. Pure. */
#include "pod/place.h"

#include <stdarg.h>
#include <stdio.h>

char *place_of(struct arena *a, const struct doc *node)
{
	if (!node || !node->line)
		return NULL;
	return arena_printf(a, "%s:%u:%u", node->file ? node->file : "manifest", node->line,
			    node->column);
}

static int describe(const struct doc *node, struct err *e)
{
	switch (node->kind) {
	case DOC_NULL:
		return err_because(e, "nothing stands there");
	case DOC_LIST:
		return err_because(e, node->n ? "it is a list" : "it is an empty list");
	case DOC_MAP:
		return err_because(e, node->n ? "it is a map" : "it is an empty map");
	default:
		return *node->text ? err_because(e, "it is %.200s", node->text)
				   : err_because(e, "it is empty text");
	}
}

int place_bad(const struct doc *node, struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc_err(node, e, "%s", text);
	return describe(node, e);
}

int place_err_text(const char *place, struct err *e)
{
	char what[sizeof(e->what)];

	if (!place)
		return -e->code;
	snprintf(what, sizeof(what), "%s", e->what);
	snprintf(e->what, sizeof(e->what), "%.100s: %.150s", place, what);
	return -e->code;
}

int place_err(const struct doc *node, struct err *e)
{
	char place[128];

	if (!node || !node->line)
		return -e->code;
	snprintf(place, sizeof(place), "%s:%u:%u", node->file ? node->file : "manifest", node->line,
		 node->column);
	return place_err_text(place, e);
}
