/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to trust/: does any signature of a case hold for the image, by a given key and under a rule on names?
 * One function a kind of key; what was found wrong on the way is kept for the message, the most telling first.
 */
#pragma once

#include "trust/judge.h"

/* Why not, from the least to the most telling. */
enum evidence_fault {
	FAULT_NONE,        /* there is no signature at all */
	FAULT_KEYLESS,     /* only by certificate */
	FAULT_OTHER_KEY,
	FAULT_DAMAGED,
	FAULT_OTHER_IMAGE, /* by the key, but of another digest or name */
	FAULT_NO_KEY,      /* the key itself is no good */
};

struct evidence {
	const struct judge_case *c;
	struct arena *a;
	LIST(char *) digests;  /* the manifest's, and of each index that names it */
	enum evidence_fault fault;
	char *because;
	unsigned signatures;   /* looked at */
};

/* What was found good. */
struct evidence_found {
	char *key;       /* fingerprint */
	char *layout;    /* cosign, bundle, openpgp, aci */
	char *signature; /* blob */
};

/* May a signature without any name in it count? cosign's bundles have none. */
enum evidence_names { EVIDENCE_NAMED, EVIDENCE_UNNAMED_TOO };

void evidence_begin(struct evidence *v);
/* 1 found, 0 not (v->fault), or -code. */
[[nodiscard]] int evidence_sigstore(struct evidence *v, const struct judge_key *key, const struct policy_identity *id,
				    enum evidence_names names, struct evidence_found *ret, struct err *e);
[[nodiscard]] int evidence_openpgp(struct evidence *v, const struct judge_key *key, const struct policy_identity *id,
				   struct evidence_found *ret, struct err *e);
[[gnu::format(printf, 3, 4)]] void evidence_fault(struct evidence *v, enum evidence_fault fault, const char *fmt, ...);

/* Does the name in a signature stand for the image's (containers-policy.json(5), signedIdentity)? */
bool identity_matches(struct arena *a, const struct policy_identity *id, const char *full_name, const char *reference);
