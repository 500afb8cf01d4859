/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/str.h"
#include "trust/base64.h"
#include "trust/cosign_key.h"
#include "trust/openpgp.h"
#include "trust/pubkey.h"
#include "vectors.h"

static bool decodes(const char *text, const char *want)
{
	autoarena a = {};
	uint8_t *bytes;
	size_t n;

	return base64_decode(&a, text, strlen(text), BASE64_STRICT, &bytes, &n) && n == strlen(want) && !memcmp(bytes, want, n);
}

static void base64(void **state)
{
	static const char *const bad[] = {"Y", "YQ", "YQ=", "YQ==YQ==", "YR==", "YWJ=", "=", "====", "YQ=a", "Y Q=", "YQ==\n", "-_8="};
	static const char *const texts[] = {"", "a", "ab", "abc", "abcd"};

	assert_true(decodes("", ""));
	assert_true(decodes("YQ==", "a"));
	assert_true(decodes("YWI=", "ab"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(decodes(bad[i], "a") || decodes(bad[i], "ab"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		autostr s = {};

		base64_add(&s, texts[i], strlen(texts[i]));
		assert_true(decodes(str_text(&s), texts[i]));
	}
}

/* One signature of each kind, by others; each single change is noticed. */
static void check_signature(const char *pem, const char *payload, const char *signature)
{
	autoarena a = {};
	autopubkey *key = NULL;
	struct err e = {};
	uint8_t *bytes;
	size_t n;
	char *changed = arena_strdup(&a, payload);

	assert_true(base64_decode(&a, signature, strlen(signature), BASE64_STRICT, &bytes, &n));
	assert_int_equal(pubkey_parse(pem, strlen(pem), &key, &e), 0);
	assert_true(pubkey_verify(key, payload, strlen(payload), bytes, n));
	assert_false(pubkey_verify(key, payload, strlen(payload) - 1, bytes, n));
	assert_false(pubkey_verify(key, payload, strlen(payload), bytes, n - 1));
	assert_false(pubkey_verify(key, payload, strlen(payload), bytes, 0));
	changed[5] ^= 1;
	assert_false(pubkey_verify(key, changed, strlen(payload), bytes, n));
	bytes[n / 2] ^= 1;
	assert_false(pubkey_verify(key, payload, strlen(payload), bytes, n));
}

static void signatures(void **state)
{
	check_signature(vector_cosign_pub, vector_cosign_payload, vector_cosign_signature);
	check_signature(vector_ed25519_pub, vector_cosign_payload, vector_ed25519_signature);
	check_signature(vector_rsa_pub, vector_cosign_payload, vector_rsa_signature);
}

static void refused_keys(void **state)
{
	static const char *const bad[] = {"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", vector_p384_pub,
					  "-----BEGIN CERTIFICATE-----\n", vector_cosign_key};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pubkey *key = NULL;
		struct err e = {};

		assert_int_equal(pubkey_parse(bad[i], strlen(bad[i]), &key, &e), -ERR_USAGE);
		assert_true(e.because[0] && e.hint[0]);
		assert_null(key);
	}
}

static int give(void *ctx, char **ret, struct err *e)
{
	*ret = strdup(ctx);
	return *ret ? 0 : -1;
}

static void cosign_key(void **state)
{
	autoarena a = {};
	struct err e = {};
	autopubkey *key = NULL, *public = NULL;
	struct pubkey *none = NULL;
	char one[PUBKEY_FINGERPRINT_MAX], two[PUBKEY_FINGERPRINT_MAX], secret[] = "secret", wrong[] = "Secret";
	uint8_t *signature;
	size_t n;

	assert_true(cosign_key_is(vector_cosign_key, strlen(vector_cosign_key)));
	assert_false(cosign_key_is(vector_cosign_pub, strlen(vector_cosign_pub)));
	assert_int_equal(pubkey_parse_private(vector_cosign_key, strlen(vector_cosign_key), give, wrong, &none, &e), -ERR_POLICY);
	assert_int_equal(pubkey_parse_private(vector_cosign_key, strlen(vector_cosign_key), give, secret, &key, &e), 0);
	assert_int_equal(pubkey_parse(vector_cosign_pub, strlen(vector_cosign_pub), &public, &e), 0);
	pubkey_fingerprint(key, one);
	pubkey_fingerprint(public, two);
	assert_string_equal(one, two);
	assert_int_equal(pubkey_sign(key, &a, "message", 7, &signature, &n, &e), 0);
	assert_true(pubkey_verify(public, "message", 7, signature, n));
	assert_false(pubkey_verify(public, "massage", 7, signature, n));
}

static void openpgp_keys(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct openpgp_keyring ring, again;

	assert_int_equal(openpgp_parse_keys(&a, vector_gpg_pub, strlen(vector_gpg_pub), &ring, &e), 0);
	assert_string_equal(ring.fingerprints, vector_gpg_fingerprint);
	/* Binary as well as armored; cut off anywhere it is none. */
	assert_int_equal(openpgp_parse_keys(&a, (char *)ring.bytes, ring.n, &again, &e), 0);
	for (size_t n = 0; n < 53; n++) /* where its first packet ends */
		assert_int_equal(openpgp_parse_keys(&a, (char *)ring.bytes, n, &again, &e), -ERR_USAGE);
	assert_int_equal(openpgp_parse_keys(&a, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", 38, &again, &e), -ERR_USAGE);
	assert_int_equal(openpgp_parse_keys(&a, vector_cosign_pub, strlen(vector_cosign_pub), &again, &e), -ERR_USAGE);
}

static void check_openpgp(const char *key, const uint8_t *message, size_t n, struct openpgp_result *ret)
{
	autoarena a = {};
	struct err e = {};
	struct openpgp_keyring ring;

	assert_int_equal(openpgp_parse_keys(&a, key, strlen(key), &ring, &e), 0);
	const struct openpgp_job job = {ring.bytes, message, ring.n, n, -1};

	assert_int_equal(openpgp_check(&job, ret, &e), 0);
}

static void openpgp_messages(void **state)
{
	autoarena a = {};
	struct openpgp_result *result = arena_new(&a, struct openpgp_result);
	uint8_t *message;
	size_t n;

	if (access("/usr/bin/gpgv", X_OK) < 0)
		skip();
	assert_true(base64_decode(&a, vector_gpg_message_base64, strlen(vector_gpg_message_base64), BASE64_STRICT, &message, &n));
	check_openpgp(vector_gpg_pub, message, n, result);
	assert_true(result->good);
	assert_string_equal(result->fingerprint, vector_gpg_fingerprint);
	assert_string_equal(result->payload, vector_gpg_payload);
	check_openpgp(vector_gpg_other_pub, message, n, result);
	assert_false(result->good);
	assert_int_equal(result->payload_n, 0);
	/* Two messages behind each other, nothing, half, and a flipped bit. */
	uint8_t *twice = arena_alloc(&a, 2 * n);

	memcpy(twice, message, n);
	memcpy(twice + n, message, n);
	check_openpgp(vector_gpg_pub, twice, 2 * n, result);
	/* What comes behind the first, compressed, gpgv never looks at. */
	assert_true(!result->good || !strcmp(result->payload, vector_gpg_payload));
	check_openpgp(vector_gpg_pub, message, n / 2, result);
	assert_false(result->good);
	message[n / 2] ^= 1;
	check_openpgp(vector_gpg_pub, message, n, result);
	assert_false(result->good);
	check_openpgp(vector_gpg_pub, (const uint8_t *)"x", 1, result);
	assert_false(result->good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64),     cmocka_unit_test(signatures),   cmocka_unit_test(refused_keys),
		cmocka_unit_test(cosign_key), cmocka_unit_test(openpgp_keys), cmocka_unit_test(openpgp_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
