/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature's bytes say, before anybody asks whether it is good. Three forms, from bytes to structs:
 *
 *   simple signing   {"critical": {"type", "image": {"docker-manifest-digest"}, "identity": {"docker-reference"}}, "optional"}
 *                    (containers-signature(5); cosign's payloads have the same shape)
 *   DSSE             an envelope: bytes, their type, and signatures over both (secure-systems-lab/dsse)
 *   bundle           sigstore's bundle, v0.1 to v0.3: a DSSE envelope and what to check it with
 *
 * and the in-toto statement that an envelope holds. Strict, bounded, pure: hostile bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { CLAIM_SIMPLE_MAX = 64 << 10, CLAIM_BUNDLE_MAX = 4 << 20, CLAIM_SIGNATURES_MAX = 16, CLAIM_SUBJECTS_MAX = 1000 };

#define CLAIM_TYPE_STATEMENT "application/vnd.in-toto+json"
#define CLAIM_PREDICATE_SIGN "https://sigstore.dev/cosign/sign/v1"
#define CLAIM_TYPE_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define CLAIM_TYPE_SIMPLE "application/vnd.dev.cosign.simplesigning.v1+json"

struct claim_simple {
	char *type;      /* "atomic container signature", "cosign container image signature" */
	char *digest;    /* sha256:… of a manifest */
	char *reference; /* the name that the signer meant; a repository, or with a tag */
};
[[nodiscard]] int claim_parse_simple(struct arena *a, const char *text, size_t n, struct claim_simple *ret, struct err *e);

struct claim_signature {
	uint8_t *bytes;
	size_t n;
};

struct claim_envelope {
	char *type;       /* of the payload */
	char *payload;    /* bytes, 0-terminated */
	size_t payload_n;
	LIST(struct claim_signature) signatures;
};
[[nodiscard]] int claim_parse_envelope(struct arena *a, const char *text, size_t n, struct claim_envelope *ret,
				       struct err *e);
/* The bytes that the signatures of an envelope are over (DSSE's PAE). Arena. */
char *claim_signed_bytes(struct arena *a, const struct claim_envelope *envelope, size_t *ret_n);

struct claim_bundle {
	bool is_keyless;  /* to be checked with a certificate, which is not built yet */
	struct claim_envelope envelope;
};
[[nodiscard]] int claim_parse_bundle(struct arena *a, const char *text, size_t n, struct claim_bundle *ret, struct err *e);

struct claim_subject {
	char *name;   /* or NULL: cosign's own bundles name nothing */
	char *digest; /* sha256:… */
};
struct claim_statement {
	char *predicate_type;
	LIST(struct claim_subject) subjects;
};
[[nodiscard]] int claim_parse_statement(struct arena *a, const char *text, size_t n, struct claim_statement *ret,
					struct err *e);

/* The documents of our own signatures. Arena text. */
char *claim_make_simple(struct arena *a, const char *type, const char *digest, const char *reference, int64_t now_ns);
char *claim_make_statement(struct arena *a, const char *digest, const char *repository);
char *claim_make_bundle(struct arena *a, const char *statement, const struct claim_signature *signature,
			const char *key_hint);
