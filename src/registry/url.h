/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that others write: origins compared, relative ones resolved. By libcurl's own parser, so that what was judged is
 * what is fetched. Pure. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum { URL_MAX = 16 << 10 };

struct url {
	char *text;   /* the whole, absolute */
	char *scheme; /* "https" or "http", nothing else */
	char *host;   /* lower case; IPv6 in brackets */
	char *port;   /* always given */
};

/* `text` against `base` (NULL: it must be absolute). Refuses other schemes, user names in it, and what is longer than URL_MAX. */
[[nodiscard]] int url_parse(struct arena *a, const char *base, const char *text, struct url *ret, struct err *e);
/* The same scheme, host and port: where credentials may go. */
bool url_same_origin(const struct url *x, const struct url *y);
/* "HOST:PORT" without the scheme's usual port. */
char *url_authority(struct arena *a, const struct url *u);
/* The text with KEY=VALUE added to its query, VALUE escaped. */
char *url_add_query(struct arena *a, const char *text, const char *key, const char *value);
