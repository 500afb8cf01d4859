/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appc discovery (spec/discovery.md): from an app's name to the address of its ACI, its signature and the keys. Each page is
 * somebody's HTML: only meta tags of its head are looked at, and nothing but https comes out.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "registry/registry.h"

enum { DISCOVERY_PAGE_MAX = 1 << 20, DISCOVERY_TAGS_MAX = 64 };

struct discovery_tag {
	char *prefix, *value; /* a template, or a key's address */
};
struct discovery_tags {
	LIST(struct discovery_tag) images; /* ac-discovery */
	LIST(struct discovery_tag) keys;   /* ac-discovery-pubkeys */
};

/* The tags of a page. What can't be read is passed over; a page without any is no error. Pure. */
void discovery_parse(struct arena *a, const char *html, size_t len, struct discovery_tags *ret);
/*
 * A template with {name} {version} {os} {arch} {ext} and any label filled in; NULL when one of them is not known. Values are
 * percent-escaped where they are no path. Pure.
 */
char *discovery_render(struct arena *a, const char *template, const char *name, const char *ext, char *const *labels);

struct discovered {
	char *image, *signature; /* https addresses */
	char **keys;             /* addresses of keys for this prefix: to be shown, never to be trusted by themselves */
	char *prefix;            /* that they are for */
};
/*
 * Asks https://NAME?ac-discovery=1 and then its parents. labels: "K=V", complete (version, os, arch). The first template
 * whose prefix covers the name and whose variables are all known. ERR_NOT_FOUND, ERR_NETWORK.
 */
[[nodiscard]] int discovery_find(struct registry *r, struct arena *a, const char *name, char *const *labels,
				 struct discovered *ret, struct err *e);
