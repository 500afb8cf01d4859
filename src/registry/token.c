/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens (distribution's token specification): the registry names a realm, which gives a token for who shows it
 * credentials. The realm is whatever a registry says, so: TLS as for the registry itself, no address inside our own network
 * unless the registry stands there, no redirect with credentials (http.h), and a password only for a realm of the
 * registry's own host or domain. Elsewhere its own login is needed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "registry/base64.h"
#include "registry/client.h"
#include "registry/url.h"

enum { TOKEN_ANSWER_MAX = 1 << 20, TOKEN_MAX = 128 << 10 };

char *token_basic(struct arena *a, const struct credentials *c)
{
	if (!c->user || !c->password)
		return NULL;
	char *pair = arena_printf(a, "%s:%s", c->user, c->password);

	return arena_printf(a, "Basic %s", base64_encode(a, pair, strlen(pair)));
}

static int err_realm(const struct endpoint *ep, const char *realm, const char *because, struct err *e)
{
	autostr shown = {};

	str_add_visible(&shown, realm);
	err_new(e, ERR_NETWORK, "%.120s wants a token from a place that is not trusted with it", ep->host);
	err_because(e, "%s: %.200s", because, str_text(&shown));
	return err_try(e, "ask whoever runs the registry");
}

static bool is_address(const char *host)
{
	return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

/* The last two parts of a host's name; itself when it has fewer or is an address. */
static const char *domain_of(const char *host)
{
	const char *at = host + strlen(host);
	unsigned dots = 0;

	if (is_address(host))
		return host;
	while (at > host && (at[-1] != '.' || ++dots < 2))
		at--;
	return at;
}

static bool is_related(const struct endpoint *ep, struct arena *a, const struct url *realm)
{
	char *own = arena_strndup(a, ep->host, strcspn(ep->host, ":"));

	return !strcmp(own, realm->host) || (strchr(domain_of(own), '.') && !is_address(own) && !is_address(realm->host) &&
					      !strcmp(domain_of(own), domain_of(realm->host)));
}

/* What proves who we are to that realm; empty when there is nothing, or it is none of the realm's business. */
static struct credentials for_realm(struct endpoint *ep, struct arena *a, const struct url *realm)
{
	return is_related(ep, a, realm) ? ep->credentials : (struct credentials){};
}

static int check_realm(const struct endpoint *ep, const struct url *realm, struct err *e)
{
	if (!strcmp(realm->scheme, "https") || (ep->plain_http && ep->speaks_http))
		return 0;
	return err_realm(ep, realm->text, "it is a place without TLS", e);
}

/* A token goes into a header: printable characters without blanks. */
static bool is_token(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= 32 || (unsigned char)text[i] >= 127)
			return false;
	return n > 0 && n < TOKEN_MAX;
}

static int read_token(struct endpoint *ep, struct arena *a, const struct http_response *r, const char *realm, char **ret,
		      struct err *e)
{
	struct err why = {};
	struct doc *root;
	const char *token;

	if (doc_parse_json(a, "token", str_text(&r->body), r->body.len, &root, &why))
		return err_realm(ep, realm, "what it answers is no JSON", e);
	token = doc_get_str(root, "token");
	if (!token || !*token)
		token = doc_get_str(root, "access_token");
	if (!is_token(token))
		return err_realm(ep, realm, "it answers without a token", e);
	*ret = arena_printf(a, "Bearer %s", token);
	return 0;
}

static int ask_realm(struct endpoint *ep, struct arena *a, const struct challenge *ch, const struct url *realm,
		     const char *scope, struct http_response *r, struct err *e)
{
	struct credentials c = for_realm(ep, a, realm);
	struct http_request q = {
		.limit = TOKEN_ANSWER_MAX,
		.insecure_tls = ep->insecure_tls,
		.plain_http = ep->plain_http && ep->speaks_http,
		.foreign = true,
		.private_ok = ep->is_private,
	};
	autostr form = {};

	if (c.identity_token) {
		char *body = arena_strdup(a, "");

		str_add(&form, "grant_type=refresh_token");
		body = url_add_query(a, body, "service", ch->service ? ch->service : ep->host);
		body = url_add_query(a, body, "client_id", "rocket");
		body = url_add_query(a, body, "scope", scope);
		body = url_add_query(a, body, "refresh_token", c.identity_token);
		str_addf(&form, "&%s", body + 1);
		q.method = "POST";
		q.url = realm->text;
		q.content_type = "application/x-www-form-urlencoded";
		q.body = form.text;
		q.body_size = form.len;
		return http_send(ep->registry->http, a, &q, r, e);
	}
	q.url = realm->text;
	if (ch->service)
		q.url = url_add_query(a, q.url, "service", ch->service);
	for (char *s = arena_strdup(a, scope), *end; s && *s; s = end) {
		end = strchr(s, ' ');
		if (end)
			*end++ = 0;
		q.url = url_add_query(a, q.url, "scope", s);
	}
	q.authorization = token_basic(a, &c);
	return http_send(ep->registry->http, a, &q, r, e);
}

static int err_refused(struct endpoint *ep, bool had_login, long status, const struct url *realm, struct err *e)
{
	err_new(e, ERR_NETWORK, "%.120s lets us not in", ep->name);
	err_because(e, "%.120s answers %ld to %s", realm->host, status,
		    had_login ? "the login that is kept" : "a request without a login");
	return err_try(e, "rocket login %.150s", ep->host);
}

static int get_bearer(struct endpoint *ep, struct arena *a, const struct challenge *ch, const char *scope, char **ret,
		      struct err *e)
{
	struct http_response r = {};
	struct url realm;
	int rc = url_parse(a, NULL, ch->realm, &realm, e);

	if (!rc)
		rc = check_realm(ep, &realm, e);
	if (!rc)
		rc = ask_realm(ep, a, ch, &realm, scope, &r, e);
	if (rc)
		return rc;
	if (r.status / 100 != 2) {
		struct credentials c = for_realm(ep, a, &realm);

		rc = err_refused(ep, c.user || c.identity_token, r.status, &realm, e);
	} else {
		rc = read_token(ep, a, &r, ch->realm, ret, e);
	}
	str_free(&r.body);
	return rc;
}

int token_get(struct endpoint *ep, struct arena *a, const struct challenge *ch, const char *scope, char **ret, struct err *e)
{
	char *basic = token_basic(a, &ep->credentials);

	if (ch->scheme == CHALLENGE_BEARER)
		return get_bearer(ep, a, ch, scope, ret, e);
	if (ch->scheme == CHALLENGE_BASIC && basic) {
		*ret = basic;
		return 0;
	}
	err_new(e, ERR_NETWORK, "%.120s lets us not in", ep->name);
	err_because(e, ch->scheme == CHALLENGE_BASIC ? "it wants a user name and a password, and none are kept for it"
						     : "it wants to see something that is not known here");
	return err_try(e, "rocket login %.150s", ep->host);
}
