/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to registry/: one place where a repository is asked for, and requests to it with whatever the registry wants to
 * see. A repository has several when there are mirrors.
 *
 *   registry.c   opened; names to repositories      endpoint.c   requests, answers to 401, errors
 *   token.c      bearer tokens                      document.c   what is read: manifests, small blobs, referrers
 *   upload.c     what is written                    blob.c       large blobs as a stream that survives cuts
 */
#pragma once

#include <pthread.h>

#include "registry/auth_file.h"
#include "registry/challenge.h"
#include "registry/conf.h"
#include "registry/http.h"
#include "registry/registry.h"
#include "registry/tls.h"

struct grant {
	char *scope;
	char *authorization; /* "Bearer …" or "Basic …" */
};

struct endpoint {
	struct registry *registry;
	char *host;       /* HOST[:PORT] that is connected to */
	char *repository; /* on that host */
	char *name;       /* "HOST/REPOSITORY" as people know it, and as credentials are kept */
	bool insecure_tls, plain_http;
	bool is_mirror;
	enum conf_pull pull;
	struct credentials credentials;
	/* found out on the way, under the registry's mutex: */
	bool speaks_http;  /* it has no TLS, and that is allowed */
	bool has_answered, is_dead;
	bool is_private;
	LIST(struct grant) grants;
};

struct registry_repo {
	struct registry *registry;
	char *name;
	LIST(struct endpoint *) endpoints; /* mirrors first, itself last */
};

struct registry {
	struct arena arena;
	pthread_mutex_t mutex; /* guards the arena and what endpoints find out */
	struct registry_options options;
	struct conf conf;
	struct tls *tls;
	struct http *http;
	LIST(struct registry_repo *) repos;
};

struct endpoint_request {
	const char *path;    /* below /v2/REPOSITORY/, or absolute ("https://…", from a server) */
	bool push;           /* wants the right to write */
	const char *from;    /* … and to read this other repository of the host, or NULL */
	struct http_request http; /* without url, authorization and the flags for the server */
};

/*
 * Sends it, answering 401 once. An absolute path of another origin gets no credentials. Network errors are tried again
 * up to `tries` times.
 */
[[nodiscard]] int endpoint_send(struct endpoint *ep, struct arena *a, const struct endpoint_request *q, unsigned tries,
				struct http_response *ret, struct err *e);
/* What a status that is no success means: "can't …" of what, because of what the registry says. Gives -code. */
int endpoint_err(const struct endpoint *ep, const struct http_response *r, const char *what, struct err *e);
/* A path of the API, absolute. */
char *endpoint_url(struct endpoint *ep, struct arena *a, const char *path);

/* What to show for the challenge: the text of an Authorization header in *ret. ERR_NETWORK with the way out. */
[[nodiscard]] int token_get(struct endpoint *ep, struct arena *a, const struct challenge *ch, const char *scope,
			    char **ret, struct err *e);
/* "Basic …", or NULL without a password. */
char *token_basic(struct arena *a, const struct credentials *c);

/* Runs `ask` at each endpoint that serves it, until one does; the last one's error is the answer. */
typedef int endpoint_ask(struct endpoint *ep, void *ctx, struct err *e);
[[nodiscard]] int repo_each(struct registry_repo *repo, bool by_digest, endpoint_ask *ask, void *ctx, struct err *e);
/* Itself, not a mirror. */
struct endpoint *repo_own(struct registry_repo *repo);

/*
 * A blob as a stream: each byte once and in order to sink, from `from` on, whatever cuts come between. Its digest is the
 * caller's to check. size: as the manifest says, more is refused. ERR_NETWORK, ERR_NOT_FOUND; -ERR_BUSY when the sink stopped.
 */
struct blob_stream {
	const char *digest;
	uint64_t size, from;
	int (*sink)(void *ctx, const void *bytes, size_t n);
	void *ctx;
	bool (*is_over)(void *ctx); /* nobody wants it any more; NULL */
};
[[nodiscard]] int blob_stream(struct registry_repo *repo, const struct blob_stream *s, struct err *e);

/* Sends a blob from a file; moved counts. mount_from: a repository of the same host that has it, or NULL. */
struct upload {
	const char *digest;
	int fd;
	const void *bytes; /* instead of fd */
	uint64_t size;
	const char *mount_from;
	_Atomic uint64_t *moved;
	bool was_there, was_mounted; /* out */
};
[[nodiscard]] int upload_blob(struct registry_repo *repo, struct upload *u, struct err *e);
/* Only from mount_from, without sending anything; whether it came about is in was_mounted. */
[[nodiscard]] int upload_mount(struct registry_repo *repo, struct upload *u, struct err *e);
