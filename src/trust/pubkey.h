/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of sigstore signatures, by libcrypto: ECDSA P-256, Ed25519, RSA from 2048 bits (PKCS #1 v1.5), with
 * SHA-256 where the algorithm wants a digest, as cosign makes them. Others are refused by name. Public keys are
 * PEM ("PUBLIC KEY"); private ones PKCS #8, plain or encrypted by OpenSSL, or cosign's own encrypted form.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { PUBKEY_FINGERPRINT_MAX = 72 };

struct pubkey;
/* ERR_USAGE for what is no such key; a private key is told apart, so that nobody hands it around by mistake. */
[[nodiscard]] int pubkey_parse(const char *text, size_t n, struct pubkey **ret, struct err *e);
/* A private key; it signs and verifies. ask gives the passphrase (malloc'ed), and is called only when there is one. */
typedef int pubkey_ask(void *ctx, char **ret_passphrase, struct err *e);
[[nodiscard]] int pubkey_parse_private(const char *text, size_t n, pubkey_ask *ask, void *ctx, struct pubkey **ret,
				       struct err *e);
void pubkey_free(struct pubkey *k); /* NULL is fine */

/* "SHA256:HEX" over the key's DER (SubjectPublicKeyInfo). */
void pubkey_fingerprint(const struct pubkey *k, char ret[PUBKEY_FINGERPRINT_MAX]);
const char *pubkey_algorithm(const struct pubkey *k); /* "ECDSA P-256" */
/* The public half as PEM. */
char *pubkey_pem(const struct pubkey *k, struct arena *a);

bool pubkey_verify(const struct pubkey *k, const void *message, size_t n, const void *signature, size_t signature_n);
/* Arena bytes. */
[[nodiscard]] int pubkey_sign(const struct pubkey *k, struct arena *a, const void *message, size_t n, uint8_t **ret,
			      size_t *ret_n, struct err *e);

static inline void cleanup_pubkey(struct pubkey **k)
{
	pubkey_free(*k);
}
#define autopubkey [[gnu::cleanup(cleanup_pubkey)]] struct pubkey
