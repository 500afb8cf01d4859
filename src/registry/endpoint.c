/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to one place (client.h): scheme, credentials, a second try, and what a refusal means. */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "registry/client.h"
#include "registry/url.h"

enum { FIRST_WAIT_MS = 200 };

char *endpoint_url(struct endpoint *ep, struct arena *a, const char *path)
{
	const char *scheme = ep->speaks_http ? "http" : "https";

	if (!strcmp(path, "/v2/"))
		return arena_printf(a, "%s://%s/v2/", scheme, ep->host);
	return arena_printf(a, "%s://%s/v2/%s/%s", scheme, ep->host, ep->repository, path);
}

static char *scope_of(struct endpoint *ep, struct arena *a, const struct endpoint_request *q)
{
	const char *rights = q->push ? "pull,push" : "pull";

	if (!*ep->repository)
		return arena_strdup(a, "");
	if (q->from)
		return arena_printf(a, "repository:%s:%s repository:%s:pull", ep->repository, rights, q->from);
	return arena_printf(a, "repository:%s:%s", ep->repository, rights);
}

static char *find_grant(struct endpoint *ep, struct arena *a, const char *scope)
{
	char *found = NULL;

	pthread_mutex_lock(&ep->registry->mutex);
	for (size_t i = 0; i < ep->grants.n; i++)
		if (!strcmp(ep->grants.v[i].scope, scope))
			found = arena_strdup(a, ep->grants.v[i].authorization);
	pthread_mutex_unlock(&ep->registry->mutex);
	return found;
}

static void keep_grant(struct endpoint *ep, const char *scope, const char *authorization)
{
	struct arena *a = &ep->registry->arena;
	struct grant *grant = NULL;

	pthread_mutex_lock(&ep->registry->mutex);
	for (size_t i = 0; i < ep->grants.n; i++)
		if (!strcmp(ep->grants.v[i].scope, scope))
			grant = &ep->grants.v[i];
	if (!grant) {
		grant = list_add(a, &ep->grants);
		grant->scope = arena_strdup(a, scope);
	}
	grant->authorization = arena_strdup(a, authorization);
	pthread_mutex_unlock(&ep->registry->mutex);
}

static void learn(struct endpoint *ep, const struct http_response *r)
{
	pthread_mutex_lock(&ep->registry->mutex);
	ep->has_answered = true;
	if (!r->was_redirected)
		ep->is_private = r->is_private;
	pthread_mutex_unlock(&ep->registry->mutex);
}

/* The place has no TLS, and the user has said that this may be: from now on http. */
static bool fall_back(struct endpoint *ep)
{
	bool falls;

	pthread_mutex_lock(&ep->registry->mutex);
	falls = ep->plain_http && !ep->speaks_http && !ep->has_answered;
	ep->speaks_http = ep->speaks_http || falls;
	pthread_mutex_unlock(&ep->registry->mutex);
	return falls;
}

/* Once, with what we have to show. */
static int send_once(struct endpoint *ep, struct arena *a, const struct endpoint_request *q, const char *authorization,
		     struct http_response *ret, struct err *e)
{
	struct http_request http = q->http;
	struct url own, there;
	bool absolute = strstr(q->path, "://") != NULL;
	char *base = endpoint_url(ep, a, "/v2/");
	int r = url_parse(a, NULL, base, &own, e);

	http.url = absolute ? q->path : endpoint_url(ep, a, q->path);
	if (!r)
		r = url_parse(a, base, http.url, &there, e);
	if (r)
		return r;
	http.insecure_tls = ep->insecure_tls;
	http.plain_http = ep->plain_http && ep->speaks_http;
	http.foreign = !url_same_origin(&own, &there);
	http.private_ok = ep->is_private;
	http.authorization = http.foreign ? NULL : authorization;
	r = http_send(ep->registry->http, a, &http, ret, e);
	if (!r)
		learn(ep, ret);
	return r;
}

static int send_authorized(struct endpoint *ep, struct arena *a, const struct endpoint_request *q,
			   struct http_response *ret, struct err *e)
{
	char *scope = scope_of(ep, a, q), *authorization = find_grant(ep, a, scope);
	int r = send_once(ep, a, q, authorization, ret, e);

	if (r == -ERR_NETWORK && fall_back(ep))
		r = send_once(ep, a, q, authorization, ret, e);
	if (r || ret->status != 401 || ret->was_redirected)
		return r;
	struct challenge ch = challenge_parse(a, ret->challenges);

	str_free(&ret->body);
	r = token_get(ep, a, &ch, scope, &authorization, e);
	if (r)
		return r;
	keep_grant(ep, scope, authorization);
	return send_once(ep, a, q, authorization, ret, e);
}

static void wait_before(unsigned attempt)
{
	unsigned ms = FIRST_WAIT_MS << (2 * attempt);
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

int endpoint_send(struct endpoint *ep, struct arena *a, const struct endpoint_request *q, unsigned tries,
		  struct http_response *ret, struct err *e)
{
	for (unsigned i = 0;; i++) {
		int r = send_authorized(ep, a, q, ret, e);
		bool again = r ? http_is_passing(e) : ret->status >= 500 && ret->status != 501;

		if (!again || i + 1 >= tries)
			return r;
		if (!r)
			str_free(&ret->body);
		*e = (struct err){};
		wait_before(i);
	}
}

/* The first message of the registry's own errors (distribution spec, "Error Codes"). */
static void add_reason(struct arena *a, const struct http_response *r, struct str *out)
{
	struct err ignored = {};
	struct doc *root = NULL;

	if (r->body.len && !doc_parse_json(a, "answer", r->body.text, r->body.len, &root, &ignored)) {
		const struct doc *list = doc_get(root, "errors"), *first = list ? list->child : NULL;
		const char *code = doc_get_str(first, "code"), *message = doc_get_str(first, "message");

		if (message || code)
			str_addf(out, ": %.40s%s%.200s", code ? code : "", code && message ? ", " : "", message ? message : "");
	}
}

int endpoint_err(const struct endpoint *ep, const struct http_response *r, const char *what, struct err *e)
{
	autoarena a = {};
	autostr reason = {};

	add_reason(&a, r, &reason);
	if (r->status == 404) {
		err_new(e, ERR_NOT_FOUND, "%.120s has no %.100s", ep->name, what);
		err_because(e, "%.80s answers 404%.250s", ep->host, str_text(&reason));
		if (str_has_prefix(what, "sha256:"))
			return err_try(e, "ask whoever runs the registry: the image is incomplete there");
		return err_try(e, "rocket fetch %.150s:TAG   (another tag)", ep->name);
	}
	err_new(e, ERR_NETWORK, "%.120s refuses %.100s", ep->name, what);
	err_because(e, "%.80s answers %ld%.250s", ep->host, r->status, str_text(&reason));
	if (r->status == 401 || r->status == 403)
		return err_try(e, "rocket login %.150s", ep->host);
	if (r->status == 429)
		return err_try(e, "rocket login %.100s   (who is known may ask more often), or wait", ep->host);
	return err_try(e, "once more, later");
}
