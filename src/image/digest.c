/* SPDX-License-Identifier: Apache-2.0 */
/* A thin cover over libcrypto's EVP, so that no other file includes it. */
#include "image/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *digest_new(enum digest_kind kind)
{
	struct digest *d = malloc(sizeof(*d));

	if (!d)
		abort();
	/* No configuration file: the digests are built in, and whoever hashes hostile bytes may open no file. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || !EVP_DigestInit_ex(d->ctx, kind == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256(), NULL))
		abort();
	return d;
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
	if (n && !EVP_DigestUpdate(d->ctx, bytes, n))
		abort();
}

void digest_hex(struct digest *d, char ret_hex[DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_DigestFinal_ex(d->ctx, raw, &n))
		abort();
	assert(2 * n < DIGEST_HEX_MAX);
	for (unsigned i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[raw[i] >> 4];
		ret_hex[2 * i + 1] = digits[raw[i] & 15];
	}
	ret_hex[2 * n] = 0;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void digest_text(const void *bytes, size_t n, char ret_text[DIGEST_TEXT_MAX])
{
	autodigest *d = digest_new(DIGEST_SHA256);

	memcpy(ret_text, "sha256:", 7);
	digest_add(d, bytes, n);
	digest_hex(d, ret_text + 7);
}
