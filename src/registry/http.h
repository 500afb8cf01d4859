/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer over libcurl, with the rules that no server may bend: TLS unless the user named the risk, every
 * size and time bounded, redirects followed by hand (at most 5, never from https to http), and an Authorization header only
 * for the origin that it was made for. Thread-safe: connections come from a pool.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "registry/tls.h"

enum { HTTP_ERROR_MAX = 64 << 10, HTTP_HEADERS_MAX = 128 << 10, HTTP_REDIRECTS_MAX = 5 };

struct http;

[[nodiscard]] int http_open(struct tls *tls, struct http **ret, struct err *e);
void http_close(struct http *h);

struct http_request {
	const char *method;          /* NULL: GET */
	const char *url;             /* absolute */
	const char *authorization;   /* "Bearer …", "Basic …": for url's origin alone; NULL */
	const char *accept;          /* NULL: anything */
	const char *content_type;    /* of the body */
	const void *body;            /* … in memory */
	uint64_t body_size;
	int body_fd;                 /* … or from a file, at offset 0; used when body is NULL and body_size is not 0 */
	_Atomic uint64_t *moved;     /* bytes of a body sent so far, for the progress; or NULL */
	uint64_t from;               /* the answer's bytes from here on; a server that sends all of them has its first skipped */
	size_t limit;                /* of what is gathered in memory */
	/* With a sink, the body of a good answer goes there. Not 0: enough, stop. */
	int (*sink)(void *ctx, const void *bytes, size_t n);
	void *ctx;
	bool bulk;                   /* large: no time limit as a whole, but 100 bytes a second over 30 s are the least */
	bool insecure_tls, plain_http; /* for this server; plain_http allows redirects to http */
	bool foreign;                /* the address came from a server, not from the user: it must not lead into our own network … */
	bool private_ok;             /* … unless that server stands there itself */
};

struct http_response {
	long status;
	char *url;              /* the last one */
	char *content_type, *location, *digest, *link, *subject, *range, *upload_id, *version; /* headers, or NULL */
	char **challenges;      /* WWW-Authenticate */
	struct str body;        /* what was not for the sink; of an error, its beginning */
	bool is_private;        /* the peer's address is one of a private network or this host */
	bool was_redirected;    /* to another origin */
	bool sink_stopped;
};

/*
 * 0 for every answer of a server, whatever its status. ERR_NETWORK: none came, or one that breaks a limit. Strings lie in
 * the arena; free the body.
 */
[[nodiscard]] int http_send(struct http *h, struct arena *a, const struct http_request *q, struct http_response *ret,
			    struct err *e);
/* Is it an error that another try may cure: a cut, a time-out, no connection? */
bool http_is_passing(const struct err *e);
