/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenPGP keys as far as they must be told apart (RFC 4880, sections 4.2, 5.5, 6.2, 12.2): armor, packet
 * headers, the fingerprint of a primary key. Everything else is gpgv's (openpgp_gpgv.c).
 */
#include "trust/openpgp.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "trust/base64.h"
#include "trust/libcrypto.h"

enum { TAG_SECRET_KEY = 5, TAG_PUBLIC_KEY = 6, TAG_SECRET_SUBKEY = 7, KEYS_MAX = 64 };

struct packet {
	unsigned tag;
	const uint8_t *body;
	size_t n;
};

struct reader {
	const uint8_t *at;
	size_t left;
};

static bool take(struct reader *r, size_t n, const uint8_t **ret)
{
	if (n > r->left)
		return false;
	*ret = r->at;
	r->at += n;
	r->left -= n;
	return true;
}

static bool take_number(struct reader *r, size_t bytes, size_t *ret)
{
	const uint8_t *b;

	if (!take(r, bytes, &b))
		return false;
	*ret = 0;
	for (size_t i = 0; i < bytes; i++)
		*ret = *ret << 8 | b[i];
	return true;
}

/* Section 4.2.2. Partial lengths are for data, never for keys. */
static bool new_length(struct reader *r, size_t *ret)
{
	size_t first, second;

	if (!take_number(r, 1, &first))
		return false;
	if (first < 192) {
		*ret = first;
		return true;
	}
	if (first == 255)
		return take_number(r, 4, ret);
	if (first >= 224 || !take_number(r, 1, &second))
		return false;
	*ret = ((first - 192) << 8) + second + 192;
	return true;
}

static bool next_packet(struct reader *r, struct packet *ret)
{
	size_t head, n = 0;

	if (!take_number(r, 1, &head) || !(head & 0x80))
		return false;
	if (head & 0x40) {
		ret->tag = head & 0x3f;
		if (!new_length(r, &n))
			return false;
	} else {
		ret->tag = head >> 2 & 0xf;
		/* Length type 3: up to the end, never used for keys. */
		if ((head & 3) == 3 || !take_number(r, (size_t)1 << (head & 3), &n))
			return false;
	}
	ret->n = n;
	return take(r, n, &ret->body);
}

/* Section 12.2: SHA-1 over 0x99, two bytes of length, and the packet. */
static void add_fingerprint(struct str *out, const struct packet *p)
{
	uint8_t head[3] = {0x99, (uint8_t)(p->n >> 8), (uint8_t)p->n}, hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned n = 0;

	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(ctx, head, 3) == 1 &&
	    EVP_DigestUpdate(ctx, p->body, p->n) == 1)
		EVP_DigestFinal_ex(ctx, hash, &n);
	EVP_MD_CTX_free(ctx);
	if (out->len)
		str_add_char(out, ',');
	for (unsigned i = 0; i < n; i++)
		str_addf(out, "%02X", hash[i]);
}

static int refuse(struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "this is no OpenPGP public key");
	err_because(e, "%s", because);
	return err_try(e, "gpg --armor --export KEY");
}

static int list_keys(struct arena *a, struct openpgp_keyring *k, struct err *e)
{
	struct reader r = {.at = k->bytes, .left = k->n};
	autostr fingerprints = {};
	struct packet p = {};
	unsigned keys = 0;

	while (r.left) {
		if (!next_packet(&r, &p))
			return refuse(e, "it is damaged");
		if (p.tag == TAG_SECRET_KEY || p.tag == TAG_SECRET_SUBKEY)
			return refuse(e, "it is a private key");
		if (p.tag != TAG_PUBLIC_KEY)
			continue;
		if (!p.n || p.body[0] != 4 || p.n > 0xffff)
			return refuse(e, "it is not of version 4, the one that gpgv checks everywhere");
		if (++keys > KEYS_MAX)
			return refuse(e, "it has more than 64 keys");
		add_fingerprint(&fingerprints, &p);
	}
	if (!keys)
		return refuse(e, "there is no public key in it");
	k->fingerprints = arena_strdup(a, str_text(&fingerprints));
	return 0;
}

/* Behind the armor's headers: the empty line. */
static const char *skip_headers(const char *at, const char *end)
{
	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));

		if (!line)
			return NULL;
		bool empty = line == at || (line == at + 1 && *at == '\r');

		at = line + 1;
		if (empty)
			return at;
	}
	return NULL;
}

bool openpgp_dearmor(struct arena *a, const char *text, size_t n, uint8_t **ret, size_t *ret_n)
{
	const char *end = text + n, *at = memmem(text, n, "-----BEGIN PGP ", 15);

	if (!at) {
		*ret = memcpy(arena_alloc(a, n + 1), text, n);
		*ret_n = n;
		return n > 0;
	}
	at = memchr(at, '\n', (size_t)(end - at));
	at = at ? skip_headers(at + 1, end) : NULL;
	const char *stop = at ? memmem(at, (size_t)(end - at), "-----END PGP ", 13) : NULL;

	if (!stop)
		return false;
	/* "=xxxx" in a line of its own is a checksum against line noise (section 6.1); signatures tell better. */
	for (const char *p = at; p < stop; p++)
		if (*p == '\n' && p + 1 < stop && p[1] == '=')
			stop = p;
	return base64_decode(a, at, (size_t)(stop - at), BASE64_SKIP_SPACE, ret, ret_n) && *ret_n;
}

int openpgp_parse_keys(struct arena *a, const char *text, size_t n, struct openpgp_keyring *ret, struct err *e)
{
	struct openpgp_keyring k = {};

	if (n > OPENPGP_KEYS_MAX)
		return refuse(e, "it is larger than 256 KiB");
	if (memmem(text, n, "-----BEGIN PGP PRIVATE", 22))
		return refuse(e, "it is a private key");
	if (!openpgp_dearmor(a, text, n, &k.bytes, &k.n))
		return refuse(e, "its armor is damaged");
	int r = list_keys(a, &k, e);

	if (r == 0)
		*ret = k;
	return r;
}
