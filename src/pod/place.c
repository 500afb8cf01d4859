/* SPDX-License-Identifier: Apache-2.0 */
/* Places of document nodes as text, and errors that carry them. Pure. */
#include "pod/place.h"

#include <stdio.h>

char *place_of(struct arena *a, const struct doc *node)
{
	if (!node || !node->line)
		return NULL;
	return arena_printf(a, "%s:%u:%u", node->file ? node->file : "manifest", node->line,
			    node->column);
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
