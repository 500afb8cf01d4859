/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short form of a hole: one string into struct hole, and struct hole back into its one normal
 * string.
 *
 *   in:[ADDR:]PORT[-END][:APPPORT][/udp]      in:fd:NAME      in:pod[/NAME]:PORT[/udp]
 *   out:DEST:PORT[-END]|:*[/udp|/icmp]        out:internet    out:lan
 *   out:host:PORT                             out:pod/NAME:PORT
 *   path:SRC:DST[:rw]                         socket:PATH[:DST]
 *   dev:PATH[:DST][:rwm]                      dev:VENDOR/CLASS=NAME
 *   cap:NAME                                  newprivs        ns:net|ipc|pid|user
 *
 * Each may end in @APP.
 *
 * The text comes from people and from images' asks: it is bounded, every part is checked, and what
 * is stored is normal (lower case, no default spelled out), so that two ways to write a hole are
 * one hole in the ledger. Pure.
 */
#include "pod/hole.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "pod/hole_parts.h"
#include "pod/names.h"
#include "pod/paths.h"

enum { HOLE_TEXT_MAX = 8448 }; /* two paths and an app */

static const char *const ns_names[] = {"net", "ipc", "pid", "user", NULL};

int hole_bad(const struct hole_text *t, struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "'%.180s' is no hole", t->whole);
	return err_because(e, "%s", because);
}

/* Cuts "/tcp", "/udp" or "/icmp" off the end of rest. */
static void take_proto(char *rest, struct hole *h)
{
	char *slash = strrchr(rest, '/');

	if (!slash)
		return;
	for (int i = 0; hole_proto_names[i]; i++) {
		if (strcmp(slash + 1, hole_proto_names[i]))
			continue;
		h->proto = (enum hole_proto)i;
		*slash = 0;
		return;
	}
}

/* "fd:NAME": sd_listen_fds_with_names(3) */
static int parse_in_fd(struct arena *a, const struct hole_text *t, const char *name,
		       struct hole *ret, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n > 255 || strspn(name, NAME_CHARS) != n)
		return hole_bad(t, e,
				"behind in:fd: stands the name of a passed socket: letters, "
				"digits, '.', '_', '-'");
	ret->kind = HOLE_IN_FD;
	ret->name = arena_strdup(a, name);
	return 0;
}

/* "pod:PORT", "pod/NAME:PORT" */
static int parse_in_pod(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
			struct err *e)
{
	char *colon = strrchr(rest, ':');
	char *name = rest[3] == '/' ? rest + 4 : NULL;
	int rc;

	if (!colon || (!name && colon != rest + 3) || (name && colon < name))
		return hole_bad(t, e, "it is written in:pod:PORT or in:pod/NAME:PORT");
	*colon = 0;
	if (name && (rc = name_check(NAME_POD, name, e)))
		return rc;
	if ((rc = hole_parse_ports(t, colon + 1, ret, e)))
		return rc;
	ret->kind = HOLE_IN_POD;
	ret->name = arena_strdup(a, name);
	ret->app_port = ret->port;
	return 0;
}

static int parse_in(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		    struct err *e)
{
	char *ports = rest;
	int rc;

	if (str_has_prefix(rest, "fd:"))
		return parse_in_fd(a, t, rest + 3, ret, e);
	take_proto(rest, ret);
	if (ret->proto == HOLE_ICMP)
		return hole_bad(t, e, "icmp has no ports to listen on");
	if (str_has_prefix(rest, "pod:") || str_has_prefix(rest, "pod/"))
		return parse_in_pod(a, t, rest, ret, e);
	if ((rc = hole_take_addr(a, t, &ports, ret, e)))
		return rc;
	return hole_parse_port_map(t, ports, ret, e);
}

/* "internet", "lan": everything of a kind, with every port */
static bool is_whole_world(const char *rest)
{
	return str_equal(rest, "internet") || str_equal(rest, "lan");
}

static int check_icmp(const struct hole_text *t, const struct hole *h, struct err *e)
{
	if (h->proto == HOLE_ICMP && !h->any_port)
		return hole_bad(t, e, "icmp has no ports: write :*/icmp");
	return 0;
}

static int parse_out(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		     struct err *e)
{
	char *colon;
	int rc;

	take_proto(rest, ret);
	if (is_whole_world(rest)) {
		ret->name = arena_strdup(a, rest);
		ret->any_port = true;
		return 0;
	}
	colon = strrchr(rest, ':');
	if (!colon || strchr(colon, ']'))
		return hole_bad(t, e,
				"a destination needs a port, as in out:example.com:443, or :* for "
				"every port");
	*colon = 0;
	if (str_equal(colon + 1, "*"))
		ret->any_port = true;
	else if ((rc = hole_parse_ports(t, colon + 1, ret, e)))
		return rc;
	if ((rc = check_icmp(t, ret, e)))
		return rc;
	return hole_parse_destination(a, t, rest, ret, e);
}

/* Up to `most` parts between colons; more is -1. */
static int split_colons(char *rest, char **parts, int most)
{
	int n = 0;

	for (char *p = rest; p; n++) {
		char *colon = strchr(p, ':');

		if (n == most)
			return -1;
		parts[n] = p;
		if (colon)
			*colon = 0;
		p = colon ? colon + 1 : NULL;
	}
	return n;
}

static int parse_path(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		      struct err *e)
{
	char *part[3];
	int n = split_colons(rest, part, 3);

	if (n < 2)
		return hole_bad(t, e,
				"it is written path:SRC:DST or path:SRC:DST:rw; for a path with "
				"':' use the long form");
	if (n == 3 && !str_equal(part[2], "rw") && !str_equal(part[2], "ro"))
		return hole_bad(t, e,
				"behind the second path only rw or ro may stand; for a path with "
				"':' use the long form");
	ret->writable = n == 3 && str_equal(part[2], "rw");
	ret->source = arena_strdup(a, part[0]);
	ret->target = arena_strdup(a, part[1]);
	return 0;
}

static int parse_socket(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
			struct err *e)
{
	char *part[2];
	int n = split_colons(rest, part, 2);

	if (n < 1)
		return hole_bad(t, e, "it is written socket:PATH or socket:PATH:DST");
	ret->source = arena_strdup(a, part[0]);
	ret->target = n == 2 ? arena_strdup(a, part[1]) : NULL;
	ret->writable = true;
	return 0;
}

/* "vendor.com/class=name": the Container Device Interface */
static int parse_cdi(struct arena *a, const struct hole_text *t, const char *rest, struct hole *ret,
		     struct err *e)
{
	size_t vendor = strcspn(rest, "/"), kind = strcspn(rest, "=");
	size_t n = strlen(rest);

	if (vendor == 0 || vendor >= kind || kind == vendor + 1 || kind + 1 >= n ||
	    strspn(rest, NAME_CHARS "/=") != n)
		return hole_bad(t, e, "a CDI device is written dev:VENDOR/CLASS=NAME");
	ret->name = arena_strdup(a, rest);
	return 0;
}

static int parse_dev(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		     struct err *e)
{
	char *part[3];
	int n;

	if (rest[0] != '/' && strchr(rest, '='))
		return parse_cdi(a, t, rest, ret, e);
	n = split_colons(rest, part, 3);
	if (n < 1 || (n == 3 && part[1][0] != '/'))
		return hole_bad(t, e,
				"it is written dev:PATH, dev:PATH:DST, dev:PATH:DST:rw or "
				"dev:VENDOR/CLASS=NAME");
	ret->source = arena_strdup(a, part[0]);
	if (n == 3 || (n == 2 && part[1][0] == '/'))
		ret->target = arena_strdup(a, part[1]);
	if (n == 3 || (n == 2 && part[1][0] != '/'))
		ret->access = arena_strdup(a, part[n - 1]);
	return 0;
}

static int parse_cap(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		     struct err *e)
{
	ret->name = arena_strdup(a, rest);
	return 0;
}

static int parse_ns(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		    struct err *e)
{
	ret->name = arena_strdup(a, rest);
	return 0;
}

struct kind_rule {
	const char *word;
	enum hole_kind kind;
	int (*parse)(struct arena *a, const struct hole_text *t, char *rest, struct hole *ret,
		     struct err *e);
};

static const struct kind_rule kinds[] = {
	{"in", HOLE_IN, parse_in},         {"out", HOLE_OUT, parse_out},
	{"path", HOLE_PATH, parse_path},   {"socket", HOLE_SOCKET, parse_socket},
	{"dev", HOLE_DEV, parse_dev},      {"cap", HOLE_CAP, parse_cap},
	{"newprivs", HOLE_NEWPRIVS, NULL}, {"ns", HOLE_NS, parse_ns},
};
static const char *const kind_words[] = {"in",  "out",      "path", "socket", "dev",
					 "cap", "newprivs", "ns",   NULL};

static const struct kind_rule *find_kind(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].word, word))
			return &kinds[i];
	return NULL;
}

static int unknown_kind(const struct hole_text *t, const char *word, struct err *e)
{
	const char *near = str_nearest(word, kind_words);

	hole_bad(t, e, "a hole starts with in: out: path: socket: dev: cap: ns: or is newprivs");
	if (near)
		return err_try(e, str_equal(near, "newprivs") ? "%s" : "%s:…", near);
	return err_try(e, "in:8080:80 opens a port, path:/srv/site:/site a folder");
}

int hole_parse_kind(struct arena *a, const struct hole_text *t, const char *word, const char *rest,
		    struct hole *ret, struct err *e)
{
	const struct kind_rule *rule = find_kind(word);

	if (!rule)
		return unknown_kind(t, word, e);
	ret->kind = rule->kind;
	if (!rule->parse)
		return rest ? hole_bad(t, e, "newprivs takes nothing behind it") : 0;
	if (!rest || !*rest)
		return hole_bad(t, e, "something is missing behind the ':'");
	return rule->parse(a, t, arena_strdup(a, rest), ret, e);
}

static int check_text(const struct hole_text *t, struct err *e)
{
	if (strlen(t->whole) > HOLE_TEXT_MAX)
		return hole_bad(t, e, "it is longer than 8448 characters");
	for (const char *p = t->whole; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return hole_bad(t, e, "it holds a control character");
	return 0;
}

/* Cuts "@APP" off the end. An '@' inside a path needs the long form. */
static int take_app(struct arena *a, char *body, struct hole *ret, struct err *e)
{
	char *at = strrchr(body, '@');
	int rc;

	if (!at)
		return 0;
	if ((rc = name_check(NAME_APP, at + 1, e))) {
		err_try(e, "behind '@' stands an app's name; for a path that holds '@' use the "
			   "long form");
		return rc;
	}
	ret->app = arena_strdup(a, at + 1);
	*at = 0;
	return 0;
}

int hole_parse(struct arena *a, const char *text, const char *base_dir, struct hole *ret,
	       struct err *e)
{
	struct hole_text t = {.whole = text, .base_dir = base_dir};
	struct hole h = {};
	char *body, *colon;
	int rc = check_text(&t, e);

	if (rc)
		return rc;
	body = arena_strdup(a, text);
	if ((rc = take_app(a, body, &h, e)))
		return rc;
	colon = strchr(body, ':');
	if (colon)
		*colon = 0;
	if ((rc = hole_parse_kind(a, &t, body, colon ? colon + 1 : NULL, &h, e)))
		return rc;
	if ((rc = hole_finish(a, &t, &h, e)))
		return rc;
	*ret = h;
	return 0;
}

/* ---- checks and defaults that both forms share ---- */

static int finish_in(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	return h->app_port
		       ? 0
		       : hole_bad(
				 t, e,
				 "with port 0 of the host the app's port is needed, as in in:0:80");
}

static int finish_path(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	int rc = hole_absolute_source(a, t, &h->source, e);

	if (rc)
		return rc;
	return hole_check_target(t, h->target, e);
}

static int finish_socket(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	int rc = hole_absolute_source(a, t, &h->source, e);

	if (rc)
		return rc;
	if (!h->target)
		h->target = h->source;
	return hole_check_target(t, h->target, e);
}

static bool access_is_good(const char *access)
{
	size_t n = strlen(access);

	if (n == 0 || n > 3 || strspn(access, "rwm") != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr(access + i + 1, access[i]))
			return false;
	return true;
}

/* Names in /dev that an app always has. */
static const char *const dev_taken[] = {
	"/dev/null",   "/dev/zero", "/dev/full",    "/dev/random", "/dev/urandom",
	"/dev/tty",    "/dev/ptmx", "/dev/console", "/dev/stdin",  "/dev/stdout",
	"/dev/stderr", "/dev/fd",   "/dev/pts",     "/dev/shm",    NULL};

static int finish_dev(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	int rc;

	if (!h->access)
		h->access = arena_strdup(a, "rw");
	if (!access_is_good(h->access))
		return hole_bad(
			t, e,
			"access to a device is written with the letters r, w and m, each once");
	if (h->name)
		return 0;
	if ((rc = hole_absolute_source(a, t, &h->source, e)))
		return rc;
	if (!h->target)
		h->target = h->source;
	path_cut_slash(h->target);
	if (!str_has_prefix(h->target, "/dev/") || !path_is_clean_absolute(h->target) ||
	    str_has_suffix(h->target, "/"))
		return hole_bad(t, e, "in the app a device stands below /dev");
	for (const char *const *p = dev_taken; *p; p++) {
		size_t n = strlen(*p);

		if (!strncmp(h->target, *p, n) && (h->target[n] == 0 || h->target[n] == '/'))
			return hole_bad(t, e, "every app has a device of that name already");
	}
	return 0;
}

static int finish_cap(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	uint64_t set;
	int rc = caps_parse(h->name, &set, e);

	if (rc)
		return rc;
	h->name = arena_strdup(a,
			       set == caps_all ? "ALL" : caps_name((unsigned)__builtin_ctzll(set)));
	return 0;
}

static int finish_ns(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	for (const char *const *p = ns_names; *p; p++)
		if (!strcmp(*p, h->name))
			return h->app ? hole_bad(t, e,
						 "a namespace is opened for the whole pod: leave "
						 "the @APP out")
				      : 0;
	return hole_bad(t, e, "behind ns: stands net, ipc, pid or user");
}

static int (*const finish[HOLE_NS + 1])(struct arena *a, const struct hole_text *t, struct hole *h,
					struct err *e) = {
	[HOLE_IN] = finish_in,   [HOLE_PATH] = finish_path, [HOLE_SOCKET] = finish_socket,
	[HOLE_DEV] = finish_dev, [HOLE_CAP] = finish_cap,   [HOLE_NS] = finish_ns,
};

int hole_finish(struct arena *a, const struct hole_text *t, struct hole *h, struct err *e)
{
	int rc = finish[h->kind] ? finish[h->kind](a, t, h, e) : 0;

	if (rc)
		return rc;
	h->text = hole_format(a, h);
	return 0;
}

bool hole_is_for(const struct hole *h, const char *app)
{
	return !h->app || !strcmp(h->app, app);
}
