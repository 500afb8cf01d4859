/* SPDX-License-Identifier: Apache-2.0 */
/* Large blobs as a stream: after a cut it goes on where it stopped, at the next place when one does not have it. */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "image/oci_doc.h"
#include "registry/client.h"

/* A server that cuts again and again is given up, also when it sends a little each time. */
enum { CUTS_MAX = 60, CUTS_IN_PLACE = 5 };

struct stream {
	const struct blob_stream *ask;
	uint64_t at;
	bool stopped, too_long;
};

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	struct stream *s = ctx;

	if (n > s->ask->size - s->at) {
		s->too_long = true;
		return -1;
	}
	if (s->ask->sink(s->ask->ctx, bytes, n)) {
		s->stopped = true;
		return -1;
	}
	s->at += n;
	return 0;
}

static int err_size(const struct endpoint *ep, const struct stream *s, struct err *e)
{
	err_new(e, ERR_FAILED, "layer %.80s is not what the image says", s->ask->digest);
	err_because(e, "%.100s sends more than its %llu bytes", ep->host, (unsigned long long)s->ask->size);
	return err_try(e, "rocket fetch once more; if it stays so, ask whoever runs the registry");
}

/* The answer ended as it said it would, too early. */
static int err_short(const struct endpoint *ep, const struct stream *s, struct err *e)
{
	err_new(e, ERR_NETWORK, "%.100s stopped in the middle", ep->host);
	err_because(e, "of the %llu bytes of layer %.80s it gave %llu", (unsigned long long)s->ask->size, s->ask->digest,
		    (unsigned long long)s->at);
	return err_try(e, "rocket fetch once more: it goes on from there");
}

/* What an answer was worth. */
static int judge(const struct endpoint *ep, struct stream *s, const struct http_response *r, struct err *e)
{
	int rc = 0;

	if (s->too_long)
		return err_size(ep, s, e);
	if (s->stopped)
		return err_new(e, ERR_BUSY, "nobody wants the layer any more");
	if (r->status / 100 != 2)
		rc = endpoint_err(ep, r, s->ask->digest, e);
	else if (s->at < s->ask->size)
		rc = err_short(ep, s, e);
	if (rc && (r->status >= 500 || r->status / 100 == 2))
		e->errnum = EAGAIN; /* as http_is_passing() has it */
	return rc;
}

/* One request; 0 when all is there, else what stopped it. */
static int read_once(struct endpoint *ep, struct stream *s, struct err *e)
{
	autoarena a = {};
	struct http_response r = {};
	struct endpoint_request q = {
		.path = arena_printf(&a, "blobs/%s", s->ask->digest),
		.http = {.from = s->at, .sink = on_bytes, .ctx = s, .bulk = true},
	};
	int rc = endpoint_send(ep, &a, &q, 1, &r, e);

	if (!rc)
		rc = judge(ep, s, &r, e);
	str_free(&r.body);
	return rc;
}

static void pause_after(unsigned cuts)
{
	struct timespec t = {cuts / 4, 200000000L * (long)(cuts % 4 + 1)};

	nanosleep(&t, NULL);
}

static int read_from(struct endpoint *ep, void *ctx, struct err *e)
{
	struct stream *s = ctx;
	unsigned in_place = 0;

	for (unsigned cuts = 0;; cuts++) {
		uint64_t before = s->at;
		int r = read_once(ep, s, e);

		if (!r || !http_is_passing(e) || cuts >= CUTS_MAX)
			return r;
		in_place = s->at > before ? 0 : in_place + 1;
		if (in_place >= CUTS_IN_PLACE || (s->ask->is_over && s->ask->is_over(s->ask->ctx)))
			return r;
		*e = (struct err){};
		pause_after(in_place);
	}
}

int blob_stream(struct registry_repo *repo, const struct blob_stream *ask, struct err *e)
{
	struct stream s = {.ask = ask, .at = ask->from};

	if (!oci_is_digest(ask->digest) || ask->from > ask->size)
		return err_new(e, ERR_FAILED, "'%.100s' is no blob", ask->digest);
	return ask->from == ask->size ? 0 : repo_each(repo, true, read_from, &s, e);
}
