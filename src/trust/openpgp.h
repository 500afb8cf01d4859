/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenPGP: keys told and named here, signatures checked by gpgv as a child of its own. gpgv reads hostile
 * bytes, so it runs with nothing: as nobody, without capabilities, files read-only, no socket, bounded in time
 * and memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { OPENPGP_KEYS_MAX = 256 << 10, OPENPGP_PAYLOAD_MAX = 64 << 10, OPENPGP_FINGERPRINT_MAX = 65 };

struct openpgp_keyring {
	uint8_t *bytes;       /* binary packets, as gpgv wants them */
	size_t n;
	char *fingerprints;   /* of its primary keys, 40 hex digits each, "," between */
};
/* Public keys, armored or binary. ERR_USAGE for what is none, and for a private one. Arena. */
[[nodiscard]] int openpgp_parse_keys(struct arena *a, const char *text, size_t n, struct openpgp_keyring *ret,
				     struct err *e);

/* "-----BEGIN PGP SIGNATURE-----" and the like to bytes; what is not armored is copied. False when damaged. */
[[nodiscard]] bool openpgp_dearmor(struct arena *a, const char *text, size_t n, uint8_t **ret, size_t *ret_n);

struct openpgp_result {
	bool good;
	char fingerprint[OPENPGP_FINGERPRINT_MAX]; /* of the primary key that signed */
	char because[128];                         /* when not good */
	size_t payload_n;
	char payload[OPENPGP_PAYLOAD_MAX + 1];     /* the message that was signed, 0-terminated; none for a detached one */
};
struct openpgp_job {
	const uint8_t *keyring, *signature; /* binary */
	size_t keyring_n, signature_n;
	int signed_fd;                      /* the signed file of a detached signature, else -1 */
};
/*
 * Runs gpgv. 0 with *ret filled, whether good or not; ERR_FAILED when gpgv is missing (naming the package) or can't be
 * run. Host; as root the child becomes nobody.
 */
[[nodiscard]] int openpgp_check(const struct openpgp_job *job, struct openpgp_result *ret, struct err *e);
