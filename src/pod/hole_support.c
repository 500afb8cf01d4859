/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which holes this version of Rocket can open. The whole grammar is parsed, so that a manifest
 * written for a later version is understood; what can't be opened yet is refused by its name. Pure.
 */
#include "pod/hole.h"

#include <string.h>

#include "base/str.h"

struct support {
	const char *what; /* NULL: supported */
	const char *instead;
};

static const struct support supports[HOLE_NS + 1] = {
	[HOLE_IN_FD] = {"a socket passed by its starter (in:fd:)",
			"rocket run --hole in:PORT:APPPORT …"},
	[HOLE_IN_POD] = {"a port for other pods (in:pod)", "rocket run --hole in:PORT:APPPORT …"},
	[HOLE_NS] = {"a namespace of the host other than net and ipc (ns:pid, ns:user)",
		     "--hole cap:NAME for one privilege, or ns:net, ns:ipc"},
};
static const struct support support_cdi = {"a CDI device (dev:VENDOR/CLASS=NAME)",
					   "rocket run --hole dev:/dev/NAME …"};

static const struct support *support_of(const struct hole *h)
{
	return h->kind == HOLE_DEV && h->name ? &support_cdi : &supports[h->kind];
}

int hole_check_supported(const struct hole *h, struct err *e)
{
	const struct support *s = support_of(h);

	if (!s->what || (h->kind == HOLE_NS && (str_equal(h->name, "net") || str_equal(h->name, "ipc"))))
		return 0;
	if (h->place)
		err_new(e, ERR_USAGE, "%s: this version of Rocket can't open %s yet", h->place,
			s->what);
	else
		err_new(e, ERR_USAGE, "this version of Rocket can't open %s yet", s->what);
	if (h->origin)
		err_because(e, "%s asks for the hole %s", h->origin, h->text);
	else
		err_because(e, "the hole %s is understood, but nothing in Rocket opens it",
			    h->text);
	return err_try(e, "%s", s->instead);
}
