/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long form of a hole: a mapping in a manifest. One key names the kind and holds what the short
 * form has behind it; the other keys hold the rest, so that paths with ':' and '@' can be written,
 * and `why`.
 *
 *   {in: 8080, to: 80, addr: any, proto: udp, app: web}    {out: example.com, port: 443}
 *   {path: /srv/site, to: /usr/share/site, rw: true}        {socket: /run/x.sock, to: /run/y.sock}
 *   {dev: /dev/fuse, to: /dev/fuse, access: rw}             {cap: NET_ADMIN}
 *   {newprivs: true}                                        {ns: net}
 *
 * Data in: a document node. Out: the same struct hole as the short form gives. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/hole.h"
#include "pod/hole_parts.h"
#include "pod/names.h"
#include "pod/place.h"

struct long_hole {
	char *in, *out, *path, *socket, *dev, *cap, *ns;
	bool newprivs;
	char *app, *why;
	char *to, *addr, *proto, *port, *access;
	bool rw;
};

static const struct field fields[] = {
	FIELD(struct long_hole, in, "in", FIELD_STR),
	FIELD(struct long_hole, out, "out", FIELD_STR),
	FIELD(struct long_hole, path, "path", FIELD_STR),
	FIELD(struct long_hole, socket, "socket", FIELD_STR),
	FIELD(struct long_hole, dev, "dev", FIELD_STR),
	FIELD(struct long_hole, cap, "cap", FIELD_STR),
	FIELD(struct long_hole, ns, "ns", FIELD_STR),
	FIELD(struct long_hole, newprivs, "newprivs", FIELD_BOOL),
	FIELD(struct long_hole, app, "app", FIELD_STR),
	FIELD(struct long_hole, why, "why", FIELD_STR),
	FIELD(struct long_hole, to, "to", FIELD_STR),
	FIELD(struct long_hole, addr, "addr", FIELD_STR),
	FIELD(struct long_hole, proto, "proto", FIELD_STR),
	FIELD(struct long_hole, port, "port", FIELD_STR),
	FIELD(struct long_hole, access, "access", FIELD_STR),
	FIELD(struct long_hole, rw, "rw", FIELD_BOOL),
};
static const char *const aliases[][2] = {
	{"source", "path:"},    {"src", "path:"},         {"host", "path:"},
	{"target", "to:"},      {"dst", "to:"},           {"destination", "to:"},
	{"protocol", "proto:"}, {"reason", "why:"},       {"address", "addr:"},
	{"hostPort", "in:"},    {"containerPort", "to:"}, {"device", "dev:"},
	{"capability", "cap:"}, {"writable", "rw:"},      {NULL, NULL},
};
static const struct field_set long_set =
	FIELD_SET("hole", struct long_hole, fields, .aliases = aliases);

/* Which keys go with which kind. */
struct long_kind {
	const char *word;
	const char *keys; /* space-separated, beside app and why */
	const char *example;
};

static const struct long_kind long_kinds[] = {
	{"in", " to addr proto ", "{in: 8080, to: 80, app: web}"},
	{"out", " port proto ", "{out: example.com, port: 443, app: web}"},
	{"path", " to rw ", "{path: /srv/site, to: /usr/share/site, app: web}"},
	{"socket", " to ", "{socket: /run/x.sock, to: /run/x.sock, app: web}"},
	{"dev", " to access ", "{dev: /dev/fuse, app: web}"},
	{"cap", " ", "{cap: NET_ADMIN, app: web}"},
	{"newprivs", " ", "{newprivs: true, app: web}"},
	{"ns", " ", "{ns: net}"},
};

static const struct long_kind *kind_of_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(long_kinds); i++)
		if (!strcmp(long_kinds[i].word, key))
			return &long_kinds[i];
	return NULL;
}

/* The one key of the mapping that names a kind. */
static int find_kind(const struct doc *node, const struct long_kind **ret,
		     const struct doc **ret_value, struct err *e)
{
	*ret = NULL;
	for (const struct doc *c = node->child; c; c = c->next) {
		const struct long_kind *k = kind_of_key(c->key);

		if (!k)
			continue;
		if (*ret) {
			place_bad(c, e, "one hole can't be both %s: and %s:", (*ret)->word,
				  k->word);
			return err_try(e, "write two entries");
		}
		*ret = k;
		*ret_value = c;
	}
	if (*ret)
		return 0;
	place_bad(node, e,
		  "expected one of the keys in, out, path, socket, dev, cap, newprivs, ns");
	return err_try(e, "%s", long_kinds[0].example);
}

static int check_keys(const struct doc *node, const struct long_kind *k, struct err *e)
{
	for (const struct doc *c = node->child; c; c = c->next) {
		char word[32];

		if (!strcmp(c->key, k->word) || !strcmp(c->key, "app") || !strcmp(c->key, "why"))
			continue;
		snprintf(word, sizeof(word), " %.20s ", c->key);
		if (strstr(k->keys, word))
			continue;
		place_bad(c, e, "'%s' does not go with '%s'", c->key, k->word);
		return err_try(e, "%s", k->example);
	}
	return 0;
}

/* What the short form would have behind "KIND:" for the kinds whose parts are no paths. */
static char *rest_of(struct arena *a, const struct long_kind *k, const struct long_hole *l)
{
	if (!strcmp(k->word, "in"))
		return l->in;
	if (!strcmp(k->word, "out") && (l->port || l->proto))
		return arena_printf(a, "%s%s%s%s%s", l->out, l->port ? ":" : "",
				    l->port ? l->port : "", l->proto ? "/" : "",
				    l->proto ? l->proto : "");
	if (!strcmp(k->word, "out"))
		return l->out;
	return !strcmp(k->word, "cap") ? l->cap : l->ns;
}

/* path, socket and dev: their parts are taken as they are, whatever characters they hold. */
static void fill_paths(const struct long_hole *l, struct hole *h)
{
	h->kind = l->path ? HOLE_PATH : l->socket ? HOLE_SOCKET : HOLE_DEV;
	h->source = l->path ? l->path : l->socket ? l->socket : l->dev;
	h->target = l->to;
	h->writable = l->rw || l->socket;
	h->access = l->access;
}

static bool is_path_kind(const struct long_kind *k)
{
	return strstr(" path socket dev ", k->word) != NULL;
}

/* addr, to and proto beside an `in:` that may itself hold them */
static int merge_in(struct arena *a, const struct hole_text *t, const struct long_hole *l,
		    struct hole *h, struct err *e)
{
	int rc;

	if (h->kind != HOLE_IN && (l->addr || l->to))
		return hole_bad(t, e, "addr and to belong to a port of the host");
	if (l->addr && h->addr)
		return hole_bad(t, e, "the address is given twice, in in: and in addr:");
	if (l->addr && (rc = hole_parse_addr(a, t, l->addr, &h->addr, e)))
		return rc;
	if (l->proto && str_equal(l->proto, "udp"))
		h->proto = HOLE_UDP;
	else if (l->proto && !str_equal(l->proto, "tcp"))
		return hole_bad(t, e, "proto is tcp or udp");
	return l->to ? hole_parse_app_port(t, l->to, h, e) : 0;
}

static bool is_cdi(const struct long_hole *l)
{
	return l->dev && l->dev[0] != '/' && strchr(l->dev, '=');
}

static int build(struct arena *a, const struct hole_text *t, const struct long_kind *k,
		 const struct long_hole *l, struct hole *h, struct err *e)
{
	int rc;

	if (is_path_kind(k) && !is_cdi(l)) {
		fill_paths(l, h);
		return 0;
	}
	if (!strcmp(k->word, "newprivs"))
		return hole_parse_kind(a, t, k->word, NULL, h, e);
	if ((rc = hole_parse_kind(a, t, k->word, l->dev ? l->dev : rest_of(a, k, l), h, e)))
		return rc;
	return l->in ? merge_in(a, t, l, h, e) : 0;
}

static int check_required(const struct doc *value, const struct long_kind *k,
			  const struct long_hole *l, struct err *e)
{
	if (!strcmp(k->word, "path") && !l->to) {
		place_bad(value, e, "a path hole needs 'to', where the app finds it");
		return err_try(e, "%s", k->example);
	}
	if (!strcmp(k->word, "newprivs") && !l->newprivs)
		return place_bad(value, e, "newprivs: false opens nothing: leave the entry out");
	return 0;
}

static int decode_long(struct arena *a, const struct doc *node, const char *base_dir,
		       struct hole *h, struct err *e)
{
	struct decode d = {.arena = a};
	struct long_hole l = {};
	const struct long_kind *k;
	const struct doc *value = NULL;
	struct hole_text t = {.base_dir = base_dir};
	int rc;

	if ((rc = decode_doc(&d, &long_set, node, &l, e)))
		return rc;
	if ((rc = find_kind(node, &k, &value, e)) || (rc = check_keys(node, k, e)))
		return rc;
	if ((rc = check_required(value, k, &l, e)))
		return rc;
	if (l.app && (rc = name_check(NAME_APP, l.app, e)))
		return place_err(value, e);
	t.whole = arena_printf(a, "%s: %s", k->word, value->text ? value->text : "");
	if ((rc = build(a, &t, k, &l, h, e)))
		return place_err(value, e);
	h->app = l.app;
	h->why = l.why;
	rc = hole_finish(a, &t, h, e);
	return rc ? place_err(value, e) : 0;
}

int hole_decode(struct arena *a, const struct doc *node, const char *base_dir, struct hole *ret,
		struct err *e)
{
	struct hole h = {};
	int rc;

	if (node->kind == DOC_MAP) {
		rc = decode_long(a, node, base_dir, &h, e);
	} else if (node->kind == DOC_STR) {
		rc = hole_parse(a, node->text, base_dir, &h, e);
		if (rc)
			rc = place_err(node, e);
	} else {
		place_bad(
			node, e,
			"expected a hole, such as in:8080:80@web, or its long form {in: 8080, …}");
		rc = -ERR_USAGE;
	}
	if (rc)
		return rc;
	h.place = place_of(a, node);
	*ret = h;
	return 0;
}
