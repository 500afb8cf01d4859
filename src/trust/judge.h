/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this digest run under this name, and who says so (design, section 9). Everything that the answer depends
 * on is in the case; the judge opens no file and knows no clock, so it runs with every privilege given up.
 *
 *   1. a policy that rejects the name (a scope of its own, not the default)     no
 *   2. a pin of this digest under this repository                               pinned
 *   3. the rules of `rocket trust` with the longest prefix that covers the name signed, or accepted, or no
 *   4. the policy's scope: all of its requirements                              signed, or accepted, or no
 *
 * An "insecureAcceptAnything" of the policy counts where a scope says it, and not as the file's "default" (docs/decisions/
 * 0010), nor where rule 3 wants a signature.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "store/artifact.h"
#include "trust/openpgp.h"
#include "trust/policy.h"
#include "trust/rules.h"
#include "trust/verdict.h"

/* An artifact with its bytes. */
struct judge_item {
	struct artifact artifact;
	const char *bytes;
	size_t n;
};

/* A public key with where it comes from; bytes NULL: it could not be read. */
struct judge_key {
	const char *source; /* "/etc/keys/k.pub", "the policy's keyData", "rule 0123456789ab" */
	const char *bytes;
	size_t n;
};

/* How an OpenPGP message is checked: openpgp_check(), or a question to who may start gpgv. */
struct judge_openpgp {
	int (*check)(void *ctx, const struct judge_key *key, const struct judge_item *item, struct openpgp_result *ret,
		     struct err *e);
	void *ctx;
};

struct judge_case {
	const char *name;       /* docker's full form (trust/scope.h), or NULL: by digest alone */
	const char *transport;  /* "docker", or "aci" */
	const char *digest;     /* of the manifest */
	LIST(struct judge_item) items;
	const struct rules *rules;
	const struct policy *policy;
	/* Keys in the order of the rules of kind RULE_KEY, and of the policy's requirements that decide. */
	LIST(struct judge_key) rule_keys;   /* one a rule of the list, whatever its kind */
	LIST(struct judge_key) policy_keys; /* of policy_find()'s scope, requirement by requirement */
	struct judge_openpgp openpgp;
};

/*
 * Fills *ret; strings lie in the arena. An error is a failure to judge (no gpgv), never a refusal. The caller adds
 * judged_ns.
 */
[[nodiscard]] int judge(const struct judge_case *c, struct arena *a, struct trust_verdict *ret, struct err *e);
