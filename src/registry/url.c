/* SPDX-License-Identifier: Apache-2.0 */
/* See url.h. */
#include "registry/url.h"

#include <string.h>

#include <curl/curl.h>

#include "base/str.h"

static void cleanup_curlu(CURLU **u)
{
	curl_url_cleanup(*u);
}
#define autocurlu [[gnu::cleanup(cleanup_curlu)]] CURLU

static int refuse(const char *text, const char *because, struct err *e)
{
	autostr shown = {};

	str_add_visible(&shown, text);
	err_new(e, ERR_NETWORK, "the server sends us to an address that is not taken");
	err_because(e, "%s: %.200s", because, str_text(&shown));
	return err_try(e, "ask whoever runs the registry");
}

static char *part(struct arena *a, CURLU *u, CURLUPart which, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, which, &text, flags) != CURLUE_OK)
		return NULL;
	copy = arena_strdup(a, text);
	curl_free(text);
	return copy;
}

static int take_parts(struct arena *a, CURLU *u, const char *text, struct url *ret, struct err *e)
{
	struct url url = {
		.text = part(a, u, CURLUPART_URL, 0),
		.scheme = part(a, u, CURLUPART_SCHEME, 0),
		.host = part(a, u, CURLUPART_HOST, 0),
		.port = part(a, u, CURLUPART_PORT, CURLU_DEFAULT_PORT),
	};

	if (!url.scheme || (strcmp(url.scheme, "https") && strcmp(url.scheme, "http")))
		return refuse(text, "its scheme is neither https nor http", e);
	if (!url.text || !url.host || !url.port || !*url.host)
		return refuse(text, "it has no host", e);
	if (part(a, u, CURLUPART_USER, 0) || part(a, u, CURLUPART_PASSWORD, 0))
		return refuse(text, "it has a user name in it", e);
	for (char *c = url.host; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	*ret = url;
	return 0;
}

int url_parse(struct arena *a, const char *base, const char *text, struct url *ret, struct err *e)
{
	autocurlu *u = curl_url();

	if (!u)
		return err_new(e, ERR_FAILED, "no memory for an address");
	if (strlen(text) > URL_MAX)
		return err_new(e, ERR_NETWORK, "the server sends an address of more than %d bytes", URL_MAX);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 32 || *c == 127)
			return refuse(text, "it has blanks or control characters in it", e);
	if (base && curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK)
		return refuse(base, "it is no URL", e);
	if (curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK)
		return refuse(text, "it is no URL", e);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	return take_parts(a, u, text, ret, e);
}

bool url_same_origin(const struct url *x, const struct url *y)
{
	return !strcmp(x->scheme, y->scheme) && !strcmp(x->host, y->host) && !strcmp(x->port, y->port);
}

char *url_authority(struct arena *a, const struct url *u)
{
	if (!strcmp(u->port, strcmp(u->scheme, "https") ? "80" : "443"))
		return arena_strdup(a, u->host);
	return arena_printf(a, "%s:%s", u->host, u->port);
}

char *url_add_query(struct arena *a, const char *text, const char *key, const char *value)
{
	autostr s = {};

	str_addf(&s, "%s%c%s=", text, strchr(text, '?') ? '&' : '?', key);
	for (; *value; value++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", *value))
			str_add_char(&s, *value);
		else
			str_addf(&s, "%%%02X", (unsigned char)*value);
	}
	return arena_strdup(a, s.text);
}
