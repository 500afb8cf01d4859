/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registries (OCI distribution spec 1.1): documents and small blobs by name and digest, both ways. What fetches and pushes
 * whole images stands on this (fetch.h, push.h); so does what signs and what looks for signatures.
 *
 *   registry_open()                 the host's settings and a pool of connections
 *     registry_find()               a name to a repository: mirrors, credentials, certificates, credential helpers.
 *                                   Everything that needs the host's files or programs happens here …
 *     (confine)                     … so that a caller can give up its privileges before the first byte comes in
 *     registry_get_manifest() …     every digest checked, every size bounded
 *   registry_close()
 *
 * Linked by the programs in libexec alone (libcurl, libssl). Thread-safe but for open, find and close.
 * Errors: ERR_NETWORK for what a registry or the way to it does, ERR_NOT_FOUND for what it does not have, ERR_POLICY for
 * what registries.conf blocks, ERR_FAILED for what came and is not what it should be.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/reference.h"

enum { REGISTRY_DOCUMENT_MAX = 4 << 20 };

struct registry;

struct registry_options {
	bool insecure_tls;      /* certificates that nobody knows are taken, from every host */
	bool insecure_http;     /* where TLS can't be had, without it */
	const char *auth_file;  /* instead of where docker and podman keep credentials; NULL: there */
	const char *user, *password; /* instead of any file's; NULL */
	void (*note)(const char *text); /* what people should know; NULL keeps silent */
};

[[nodiscard]] int registry_open(const struct registry_options *options, struct registry **ret, struct err *e);
void registry_close(struct registry *r); /* NULL is fine */

/* One repository: where it is asked for, in this order. The registry's, freed with it. */
struct registry_repo;

/*
 * Runs on the host, with its files. The reference must have its host (registry_complete()). ERR_POLICY when
 * registries.conf blocks it. for_push: mirrors are passed over.
 */
[[nodiscard]] int registry_find(struct registry *r, const struct reference *ref, bool for_push, struct registry_repo **ret,
				struct err *e);
/* What a short name may stand for, by registries.conf: complete references, in the order to try. ERR_USAGE: nothing says. */
[[nodiscard]] int registry_complete(struct registry *r, struct arena *a, const struct reference *ref,
				    struct reference **ret, size_t *ret_n, struct err *e);

struct registry_document {
	char *text;       /* in the arena, 0-terminated */
	size_t len;
	char *media_type; /* as it was sent */
	char *digest;     /* computed over the bytes */
};

/* which: a tag or a digest; with a digest the bytes are checked. At most REGISTRY_DOCUMENT_MAX. */
[[nodiscard]] int registry_get_manifest(struct registry_repo *repo, struct arena *a, const char *which,
					struct registry_document *ret, struct err *e);
/* A blob that fits into memory, checked; ERR_FAILED beyond `limit` bytes. */
[[nodiscard]] int registry_get_blob(struct registry_repo *repo, struct arena *a, const char *digest, size_t limit,
				    struct registry_document *ret, struct err *e);

struct registry_referrer {
	char *digest, *media_type, *artifact_type;
	uint64_t size;
	char **annotations; /* "K=V" */
};
struct registry_referrers {
	LIST(struct registry_referrer) list;
};
/*
 * Who refers to the manifest `digest` as its subject: by the referrers API, and where a registry lacks that by the tag
 * sha256-HEX. An empty list when nobody does. artifact_type: only those; NULL: all. At most 1000.
 */
[[nodiscard]] int registry_list_referrers(struct registry_repo *repo, struct arena *a, const char *digest,
					  const char *artifact_type, struct registry_referrers *ret, struct err *e);

/* "sha256-HEX.sig" and the like: cosign's tag for what belongs to a manifest. */
char *registry_tag_for(struct arena *a, const char *digest, const char *suffix);

[[nodiscard]] int registry_has_blob(struct registry_repo *repo, const char *digest, bool *ret, struct err *e);
/* Sends what is in memory; nothing when the registry has it. */
[[nodiscard]] int registry_put_blob(struct registry_repo *repo, const char *digest, const void *bytes, size_t n,
				    struct err *e);
/*
 * Sends a manifest under a tag or its digest. When it has a subject and the registry does not say that it took note
 * (OCI-Subject), the tag sha256-HEX of the subject is written anew with it.
 */
[[nodiscard]] int registry_put_manifest(struct registry_repo *repo, const char *which, const char *media_type,
					const void *bytes, size_t n, struct err *e);
/* What lies at an address outside any registry, without credentials: whole, at most `limit` bytes; or as a stream. */
[[nodiscard]] int registry_get_url(struct registry *r, struct arena *a, const char *url, size_t limit,
				   struct registry_document *ret, struct err *e);
/* -ERR_BUSY when the sink stopped. */
[[nodiscard]] int registry_stream_url(struct registry *r, const char *url,
				      int (*sink)(void *ctx, const void *bytes, size_t n), void *ctx, struct err *e);

/* Are options.user and .password good at KEY, "HOST" or "HOST/PATH"? ERR_NETWORK when not. */
[[nodiscard]] int registry_check_login(struct registry *r, const char *key, struct err *e);

/* Does the host speak the registries' language at all? Asked once an image was not found there. */
bool registry_is_one(struct registry_repo *repo);

/* "HOST/PATH" as it is asked for last, for messages. */
const char *registry_repo_name(const struct registry_repo *repo);
