/* SPDX-License-Identifier: Apache-2.0 */
/* What lies at an address outside any registry: discovery's pages, ACIs and their signatures. Never with credentials. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/digest.h"
#include "registry/client.h"

static struct http_request request_for(const struct registry *r, const char *url)
{
	return (struct http_request){
		.url = url,
		.insecure_tls = r->options.insecure_tls,
		.plain_http = r->options.insecure_http,
	};
}

static int err_status(const char *url, long status, struct err *e)
{
	err_new(e, status == 404 || status == 410 ? ERR_NOT_FOUND : ERR_NETWORK, "%.200s can't be had", url);
	err_because(e, "the server answers %ld", status);
	return err_try(e, "curl -I '%.200s'", url);
}

int registry_get_url(struct registry *r, struct arena *a, const char *url, size_t limit, struct registry_document *ret,
		     struct err *e)
{
	struct http_request q = request_for(r, url);
	struct http_response answer = {};
	char digest[DIGEST_TEXT_MAX];

	q.limit = limit;
	int rc = http_send(r->http, a, &q, &answer, e);

	if (rc)
		return rc;
	/* As discovery has it: what the server refuses is looked for elsewhere. */
	if (answer.status / 100 != 2) {
		rc = err_status(url, answer.status / 100 == 4 ? 404 : answer.status, e);
	} else {
		digest_text(str_text(&answer.body), answer.body.len, digest);
		ret->text = arena_strndup(a, str_text(&answer.body), answer.body.len);
		ret->len = answer.body.len;
		ret->digest = arena_strdup(a, digest);
		ret->media_type = arena_strdup(a, answer.content_type);
	}
	str_free(&answer.body);
	return rc;
}

int registry_stream_url(struct registry *r, const char *url, int (*sink)(void *ctx, const void *bytes, size_t n), void *ctx,
			struct err *e)
{
	autoarena a = {};
	struct http_request q = request_for(r, url);
	struct http_response answer = {};

	q.sink = sink;
	q.ctx = ctx;
	q.bulk = true;
	int rc = http_send(r->http, &a, &q, &answer, e);

	if (!rc && answer.sink_stopped && answer.status / 100 == 2)
		rc = err_new(e, ERR_BUSY, "nobody wants the file any more");
	else if (!rc && answer.status / 100 != 2)
		rc = err_status(url, answer.status, e);
	str_free(&answer.body);
	return rc;
}
