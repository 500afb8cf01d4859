/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `rocket trust` was told: keys bound to names, names taken without a signature, pins, masks. One
 * record a file, named by its id; in three places, the later of which wins:
 *
 *   /usr/share/rocket/trust.d/ID   the installation's       /etc/rocket/trust.d/ID   the host's
 *   DIR/trust/ID                   added by `rocket trust add`; a mask here takes one of the others away
 *
 * Light: linked into `rocket`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "base/str.h"

#define RULES_VENDOR_DIR "/usr/share/rocket/trust.d"
#define RULES_HOST_DIR "/etc/rocket/trust.d"
enum { RULES_FILE_MAX = 512 << 10, RULES_MAX = 4096, RULE_ID_LEN = 12 };

enum rule_kind {
	RULE_KEY,  /* .prefix: signed by .key */
	RULE_ANY,  /* .prefix: without a signature */
	RULE_PIN,  /* .name: exactly .digest */
	RULE_MASK, /* takes the rule of this id away */
};
extern const char *const rule_kind_names[];
enum rule_key_kind { RULE_SIGSTORE, RULE_OPENPGP };
extern const char *const rule_key_kind_names[];

struct rule {
	enum rule_kind kind;
	char *prefix;         /* scope_prefix() */
	char *name;           /* of a pin: as it was given, in full form */
	char *digest;
	enum rule_key_kind key_kind;
	char *key;            /* public: PEM, or an armored OpenPGP key */
	char *fingerprint;    /* "SHA256:HEX" of the key's DER, or OpenPGP's 40 hex digits; several with commas */
	char *who;            /* added it */
	char *why;
	int64_t added_ns;
	/* not in the file: */
	char *id;             /* its file's name */
	char *place;          /* the directory that it lies in */
};
extern const struct field_set rule_set;

struct rules {
	LIST(struct rule) list; /* by id; masks and what they mask are left out unless asked for */
	char **places;          /* the directories, whether they exist or not; NULL-terminated */
};

enum rules_view { RULES_IN_FORCE, RULES_WITH_MASKED };
/* A rule of which a file is damaged stops it: ERR_FAILED. `dir` is the state directory. */
[[nodiscard]] int rules_load(struct arena *a, const char *dir, enum rules_view view, struct rules *ret, struct err *e);
/* Writes DIR/trust/ID, synced; the same id is replaced. */
[[nodiscard]] int rules_put(const char *dir, const struct rule *rule, struct err *e);
/*
 * By its id or the beginning of it (at least 4 digits). DIR's own file is removed; one of the other places is
 * masked. ERR_NOT_FOUND; ERR_USAGE when several begin so. *ret_masked tells which.
 */
[[nodiscard]] int rules_remove(struct arena *a, const char *dir, const char *id, bool *ret_masked, struct err *e);
