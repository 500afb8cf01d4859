/* SPDX-License-Identifier: Apache-2.0 */
/* See base64.h. */
#include "registry/base64.h"

#include <string.h>

#include <openssl/evp.h>

char *base64_encode(struct arena *a, const void *bytes, size_t n)
{
	char *text = arena_alloc(a, n / 3 * 4 + 8);

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
	return text;
}

char *base64_decode(struct arena *a, const char *text, size_t *ret_n)
{
	size_t n = strlen(text), digits;
	unsigned char *out;
	int len;

	digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	if (!n || n % 4 || n > BASE64_MAX || n - digits > 2 || strspn(text + digits, "=") != n - digits)
		return NULL;
	out = arena_alloc(a, n / 4 * 3 + 1);
	len = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	if (len < 0)
		return NULL;
	len -= (int)(n - digits);
	out[len] = 0;
	*ret_n = (size_t)len;
	return (char *)out;
}
