/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cosign's private key files (`cosign generate-key-pair`): a PEM block whose body is JSON, the key in it
 * locked by scrypt and XSalsa20-Poly1305 (go-securesystemslib, encrypted/; NaCl's secretbox). They are the keys
 * that people have. Only opened here, never made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Does the text hold a block "ENCRYPTED SIGSTORE PRIVATE KEY" or "ENCRYPTED COSIGN PRIVATE KEY"? */
bool cosign_key_is(const char *text, size_t n);
/* The key's DER (PKCS #8), malloc'ed. ERR_USAGE for a damaged file, ERR_POLICY for a wrong passphrase. */
[[nodiscard]] int cosign_key_open(const char *text, size_t n, const char *passphrase, uint8_t **ret_der, size_t *ret_n,
				  struct err *e);
