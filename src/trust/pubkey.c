/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures by libcrypto (trust/pubkey.h). */
#include "trust/pubkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/digest.h"
#include "trust/cosign_key.h"
#include "trust/libcrypto.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, KEY_TEXT_MAX = 64 << 10 };

struct pubkey {
	EVP_PKEY *pkey;
	const char *algorithm;
	bool has_digest; /* Ed25519 takes the message itself */
};

void pubkey_free(struct pubkey *k)
{
	if (k)
		EVP_PKEY_free(k->pkey);
	free(k);
}

static int err_no_key(struct err *e, const char *because)
{
	ERR_clear_error();
	err_new(e, ERR_USAGE, "this is no public key that signatures are checked with");
	err_because(e, "%s", because);
	return err_try(e, "openssl pkey -in KEY -pubout   (makes the public key of a private one)");
}

static bool is_p256(EVP_PKEY *pkey)
{
	char group[32] = "";
	size_t n = 0;

	return EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1 && !strcmp(group, "prime256v1");
}

/* Takes pkey over, whatever comes of it. */
static int adopt(EVP_PKEY *pkey, struct pubkey **ret, struct err *e)
{
	struct pubkey found = {.pkey = pkey};
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
	const char *because = "its algorithm is none of ECDSA P-256, Ed25519 and RSA";

	if (id == EVP_PKEY_EC && is_p256(pkey)) {
		found.algorithm = "ECDSA P-256";
		found.has_digest = true;
	} else if (id == EVP_PKEY_EC) {
		because = "it is an elliptic curve key, but not of the curve P-256";
	} else if (id == EVP_PKEY_ED25519) {
		found.algorithm = "Ed25519";
	} else if (id == EVP_PKEY_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) {
		found.algorithm = "RSA";
		found.has_digest = true;
	} else if (id == EVP_PKEY_RSA) {
		because = "RSA keys have 2048 to 8192 bits";
	}
	if (!found.algorithm) {
		EVP_PKEY_free(pkey);
		return err_no_key(e, because);
	}
	*ret = malloc(sizeof(**ret));
	if (!*ret)
		abort();
	**ret = found;
	return 0;
}

int pubkey_parse(const char *text, size_t n, struct pubkey **ret, struct err *e)
{
	if (n > KEY_TEXT_MAX)
		return err_no_key(e, "it is too long");
	if (memmem(text, n, "PRIVATE KEY-----", 16))
		return err_no_key(e, "it is a private key");
	if (memmem(text, n, "-----BEGIN CERTIFICATE", 22))
		return err_no_key(e, "it is a certificate, which Rocket can't check yet");
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return pkey ? adopt(pkey, ret, e) : err_no_key(e, "no PEM block \"PUBLIC KEY\" can be read in it");
}

/* ---- private keys ---- */

struct asking {
	pubkey_ask *ask;
	void *ctx;
	struct err *e;
	bool failed;
};

static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	struct asking *a = arg;
	char *passphrase = NULL;

	if (a->ask(a->ctx, &passphrase, a->e) < 0) {
		a->failed = true;
		return -1;
	}
	size_t n = strlen(passphrase);
	bool fits = size > 0 && n <= (size_t)size;

	if (fits)
		memcpy(buf, passphrase, n);
	explicit_bzero(passphrase, n);
	free(passphrase);
	return fits ? (int)n : -1;
}

static int parse_cosign(const char *text, size_t n, struct asking *asking, EVP_PKEY **ret, struct err *e)
{
	char *passphrase = NULL;
	uint8_t *der = NULL;
	size_t der_n = 0;
	int r = asking->ask(asking->ctx, &passphrase, e);

	if (r == 0)
		r = cosign_key_open(text, n, passphrase, &der, &der_n, e);
	if (passphrase)
		explicit_bzero(passphrase, strlen(passphrase));
	free(passphrase);
	if (r < 0)
		return r;
	const unsigned char *at = der;

	*ret = d2i_AutoPrivateKey(NULL, &at, (long)der_n);
	OPENSSL_cleanse(der, der_n);
	free(der);
	return *ret ? 0 : err_no_key(e, "what cosign encrypted in it is no private key");
}

int pubkey_parse_private(const char *text, size_t n, pubkey_ask *ask, void *ctx, struct pubkey **ret, struct err *e)
{
	struct asking asking = {.ask = ask, .ctx = ctx, .e = e};
	EVP_PKEY *pkey = NULL;
	int r = 0;

	if (n > KEY_TEXT_MAX)
		return err_no_key(e, "it is too long");
	if (cosign_key_is(text, n)) {
		r = parse_cosign(text, n, &asking, &pkey, e);
		return r < 0 ? r : adopt(pkey, ret, e);
	}
	BIO *bio = BIO_new_mem_buf(text, (int)n);

	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &asking) : NULL;
	BIO_free(bio);
	if (asking.failed)
		return -e->code;
	if (pkey)
		return adopt(pkey, ret, e);
	ERR_clear_error();
	err_new(e, ERR_USAGE, "this is no private key to sign with");
	err_because(e, "no PEM private key can be read in it, or the passphrase is wrong");
	return err_try(e, "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY");
}

/* ---- what a key is ---- */

void pubkey_fingerprint(const struct pubkey *k, char ret[PUBKEY_FINGERPRINT_MAX])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);
	char text[DIGEST_TEXT_MAX];

	if (n <= 0)
		abort(); /* out of memory: the key itself was read */
	digest_text(der, (size_t)n, text);
	OPENSSL_free(der);
	snprintf(ret, PUBKEY_FINGERPRINT_MAX, "SHA256:%.64s", text + strlen("sha256:"));
}

const char *pubkey_algorithm(const struct pubkey *k)
{
	return k->algorithm;
}

char *pubkey_pem(const struct pubkey *k, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (!bio || PEM_write_bio_PUBKEY(bio, k->pkey) != 1)
		abort(); /* out of memory */
	long n = BIO_get_mem_data(bio, &text);
	char *copy = arena_strndup(a, text, (size_t)n);

	BIO_free(bio);
	return copy;
}

bool pubkey_verify(const struct pubkey *k, const void *message, size_t n, const void *signature, size_t signature_n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, k->has_digest ? EVP_sha256() : NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, signature_n, message, n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

int pubkey_sign(const struct pubkey *k, struct arena *a, const void *message, size_t n, uint8_t **ret, size_t *ret_n,
		struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t room = (size_t)EVP_PKEY_get_size(k->pkey);
	uint8_t *out = arena_alloc(a, room + 1);
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, k->has_digest ? EVP_sha256() : NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(ctx, out, &room, message, n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!good)
		return err_new(e, ERR_FAILED, "the key can't sign");
	*ret = out;
	*ret_n = room;
	return 0;
}
