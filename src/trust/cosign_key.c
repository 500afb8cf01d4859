/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock on cosign's private keys (trust/cosign_key.h). libcrypto has scrypt and Poly1305; Salsa20 it has not, so
 * its core stands here (D. J. Bernstein, "The Salsa20 family of stream ciphers" and "Extending the Salsa20 nonce").
 */
#include "trust/cosign_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"
#include "trust/base64.h"
#include "trust/libcrypto.h"

enum { KEY_LEN = 32, NONCE_LEN = 24, TAG_LEN = 16, BLOCK_LEN = 64, SCRYPT_MEMORY_MAX = 256 << 20, BOX_MAX = 32 << 10 };

struct lock {
	uint64_t n, r, p;
	uint8_t *salt, *nonce, *box;
	size_t salt_n, nonce_n, box_n;
};

static const char *const begins[] = {"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----",
				     "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----"};

static const char *find_body(const char *text, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		const char *at = memmem(text, n, begins[i], strlen(begins[i]));

		if (at)
			return at + strlen(begins[i]);
	}
	return NULL;
}

bool cosign_key_is(const char *text, size_t n)
{
	return find_body(text, n) != NULL;
}

/* ---- Salsa20 ---- */

static uint32_t load32(const uint8_t *b)
{
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void store32(uint8_t *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t rotate(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t x[16], int a, int b, int c, int d)
{
	x[b] ^= rotate(x[a] + x[d], 7);
	x[c] ^= rotate(x[b] + x[a], 9);
	x[d] ^= rotate(x[c] + x[b], 13);
	x[a] ^= rotate(x[d] + x[c], 18);
}

static void rounds(uint32_t x[16])
{
	for (int i = 0; i < 10; i++) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 5, 9, 13, 1);
		quarter(x, 10, 14, 2, 6);
		quarter(x, 15, 3, 7, 11);
		quarter(x, 0, 1, 2, 3);
		quarter(x, 5, 6, 7, 4);
		quarter(x, 10, 11, 8, 9);
		quarter(x, 15, 12, 13, 14);
	}
}

/* The matrix of a key and 16 bytes (nonce and block number). */
static void fill(uint32_t x[16], const uint8_t key[KEY_LEN], const uint8_t in[16])
{
	static const uint8_t sigma[] = "expand 32-byte k";

	for (int i = 0; i < 4; i++) {
		x[5 * i] = load32(sigma + 4 * i);
		x[1 + i] = load32(key + 4 * i);
		x[6 + i] = load32(in + 4 * i);
		x[11 + i] = load32(key + 16 + 4 * i);
	}
}

static void hsalsa20(uint8_t out[KEY_LEN], const uint8_t key[KEY_LEN], const uint8_t in[16])
{
	uint32_t x[16];

	fill(x, key, in);
	rounds(x);
	for (int i = 0; i < 4; i++) {
		store32(out + 4 * i, x[5 * i]);
		store32(out + 16 + 4 * i, x[6 + i]);
	}
}

static void salsa20_block(uint8_t out[BLOCK_LEN], const uint8_t key[KEY_LEN], const uint8_t nonce[8], uint64_t number)
{
	uint32_t x[16], before[16];
	uint8_t in[16];

	memcpy(in, nonce, 8);
	store32(in + 8, (uint32_t)number);
	store32(in + 12, (uint32_t)(number >> 32));
	fill(before, key, in);
	memcpy(x, before, sizeof(x));
	rounds(x);
	for (int i = 0; i < 16; i++)
		store32(out + 4 * i, x[i] + before[i]);
}

/* ---- the box ---- */

static bool tag_matches(const uint8_t key[KEY_LEN], const uint8_t *tag, const uint8_t *bytes, size_t n)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	uint8_t is[TAG_LEN];
	size_t is_n = 0;
	bool good = ctx && EVP_MAC_init(ctx, key, KEY_LEN, NULL) == 1 && EVP_MAC_update(ctx, bytes, n) == 1 &&
		    EVP_MAC_final(ctx, is, &is_n, sizeof(is)) == 1 && is_n == TAG_LEN &&
		    CRYPTO_memcmp(is, tag, TAG_LEN) == 0;

	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return good;
}

/* The box is the tag and the bytes behind it; the first 32 bytes of the stream are the tag's key. */
static bool open_box(const struct lock *l, const uint8_t key[KEY_LEN], uint8_t *out)
{
	uint8_t inner[KEY_LEN], stream[BLOCK_LEN];
	const uint8_t *bytes = l->box + TAG_LEN;
	size_t n = l->box_n - TAG_LEN;

	hsalsa20(inner, key, l->nonce);
	salsa20_block(stream, inner, l->nonce + 16, 0);
	bool good = tag_matches(stream, l->box, bytes, n);

	for (size_t i = 0, at = 32; good && i < n; i++, at++) {
		if (at % BLOCK_LEN == 0)
			salsa20_block(stream, inner, l->nonce + 16, at / BLOCK_LEN);
		out[i] = bytes[i] ^ stream[at % BLOCK_LEN];
	}
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(stream, sizeof(stream));
	return good;
}

/* ---- the file ---- */

static int err_damaged(struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "cosign's private key can't be read");
	err_because(e, "%s", because);
	return err_try(e, "cosign generate-key-pair");
}

static bool get_number(const struct doc *map, const char *key, uint64_t *ret)
{
	const struct doc *d = doc_get(map, key);

	return d && d->kind == DOC_INT && unit_parse_u64(d->text, 0, UINT32_MAX, ret) == 0;
}

static bool get_bytes(struct arena *a, const struct doc *map, const char *key, uint8_t **ret, size_t *ret_n)
{
	const char *text = doc_get_str(map, key);

	return text && base64_decode(a, text, strlen(text), BASE64_STRICT, ret, ret_n);
}

static int parse_lock(struct arena *a, const char *text, size_t n, struct lock *l, struct err *e)
{
	const char *body = find_body(text, n), *end = body ? memmem(body, n - (size_t)(body - text), "-----END", 8) : NULL;
	struct err inner = {};
	struct doc *root = NULL;
	uint8_t *json = NULL;
	size_t json_n = 0;

	if (!end || !base64_decode(a, body, (size_t)(end - body), BASE64_SKIP_SPACE, &json, &json_n))
		return err_damaged(e, "its PEM block is no base64");
	if (doc_parse_json(a, "the key", (char *)json, json_n, &root, &inner) < 0)
		return err_damaged(e, "its PEM block holds no JSON");
	const struct doc *kdf = doc_get(root, "kdf"), *params = doc_get(kdf, "params"), *cipher = doc_get(root, "cipher");

	if (!str_equal(doc_get_str(kdf, "name"), "scrypt") || !str_equal(doc_get_str(cipher, "name"), "nacl/secretbox"))
		return err_damaged(e, "it is not locked by scrypt and nacl/secretbox");
	if (!get_number(params, "N", &l->n) || !get_number(params, "r", &l->r) || !get_number(params, "p", &l->p) ||
	    !get_bytes(a, kdf, "salt", &l->salt, &l->salt_n) || !get_bytes(a, cipher, "nonce", &l->nonce, &l->nonce_n) ||
	    !get_bytes(a, root, "ciphertext", &l->box, &l->box_n) || l->nonce_n != NONCE_LEN || l->box_n < TAG_LEN ||
	    l->box_n > BOX_MAX)
		return err_damaged(e, "something is missing in it, or has the wrong length");
	return 0;
}

int cosign_key_open(const char *text, size_t n, const char *passphrase, uint8_t **ret_der, size_t *ret_n, struct err *e)
{
	autoarena a = {};
	struct lock l = {};
	uint8_t key[KEY_LEN];
	int r = parse_lock(&a, text, n, &l, e);

	if (r < 0)
		return r;
	if (EVP_PBE_scrypt(passphrase, strlen(passphrase), l.salt, l.salt_n, l.n, l.r, l.p, SCRYPT_MEMORY_MAX, key,
			   sizeof(key)) != 1)
		return err_damaged(e, "its scrypt parameters are no good");
	uint8_t *der = malloc(l.box_n);

	if (!der)
		abort();
	bool good = open_box(&l, key, der);

	OPENSSL_cleanse(key, sizeof(key));
	if (!good) {
		free(der);
		err_new(e, ERR_POLICY, "the passphrase of the key is wrong");
		err_because(e, "the key does not open with it");
		return err_try(e, "COSIGN_PASSWORD=… rocket image sign …");
	}
	*ret_der = der;
	*ret_n = l.box_n - TAG_LEN;
	return 0;
}
