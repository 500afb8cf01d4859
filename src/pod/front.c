/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals, places and holes for kubernetes.c and appc.c. Pure. */
#include "pod/front.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "pod/place.h"

int front_refuse(const struct native_input *in, const struct doc *node, struct err *e,
		 const char *fmt, ...)
{
	struct err warning = {}, *to = in->warn ? &warning : e;
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc_err(node, to, "%s", text);
	err_because(to, "Rocket can't honour it");
	err_try(to, "take it out, or --ignore-unknown");
	if (!in->warn)
		return -ERR_USAGE;
	in->warn(&warning);
	return 0;
}

static const struct doc *child_named(const struct doc *node, const char *key, size_t n)
{
	const struct doc *c = node->kind == DOC_MAP ? node->child : NULL;

	while (c && (strlen(c->key) != n || strncmp(c->key, key, n)))
		c = c->next;
	return c;
}

const struct doc *front_at(const struct doc *node, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, ".");
		const struct doc *c = child_named(node, path, n);

		if (!c)
			return node;
		node = c;
		path += n + (path[n] == '.');
	}
	return node;
}

int front_add_hole(const struct native_input *in, struct pod *pod, const struct doc *node,
		   const char *text, const char *app, const char *origin, struct err *e)
{
	struct hole h = {};
	int rc = hole_parse(in->arena, text, in->base_dir, &h, e);

	if (rc)
		return place_err(node, e);
	h.app = arena_strdup(in->arena, app);
	h.origin = arena_strdup(in->arena, origin);
	h.place = place_of(in->arena, node);
	h.text = hole_format(in->arena, &h);
	*list_add(in->arena, &pod->holes) = h;
	return 0;
}

bool front_is_ip(const char *text)
{
	unsigned char bytes[16];

	return text &&
	       (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1);
}
