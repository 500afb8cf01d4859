/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an image was judged, kept beside its record: for each name that it was fetched under, whether it may
 * run, by which rule and key; and what the judgement rested on. A start reads this one file and looks whether
 * any of those files and folders changed; only then rocket-verify judges again. Light: linked into `rocket`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "store/store.h"

/* A file or folder on which the judgement rests, as it was. What is not there is all zero. */
struct trust_watch {
	char *path;
	int64_t mtime_ns, ctime_ns;
	uint64_t inode, size;
};

struct trust_verdict {
	char *name;      /* in docker's full form (trust/scope.h) */
	char *digest;    /* of the manifest that was judged */
	bool accepted;
	char *how;       /* signed | pinned | accepted (by a rule, without signature) */
	char *rule;      /* for people: which rule */
	char *key;       /* fingerprint of the key that signed */
	char *layout;    /* what kind of signature: cosign, bundle, openpgp, aci */
	char *signature; /* digest of the signature's blob */
	char *because;   /* why not */
	char *hint;
	int64_t judged_ns;
};

struct trust_record {
	LIST(struct trust_watch) watched;
	LIST(struct trust_verdict) verdicts;
};
extern const struct field_set trust_record_set;
extern const struct field_set trust_verdict_set;

/* ERR_NOT_FOUND when the image was never judged. Arena strings. */
[[nodiscard]] int verdict_read(const struct store *s, struct arena *a, const char *manifest_digest,
			       struct trust_record *ret, struct err *e);
[[nodiscard]] int verdict_write(const struct store *s, const char *manifest_digest, const struct trust_record *record,
				struct err *e);

/* One more thing that it rests on, as it is now. */
void verdict_watch(struct arena *a, struct trust_record *record, const char *path);
/* Is everything that it rests on as it was? */
bool verdict_is_fresh(const struct trust_record *record);
/*
 * The verdict that holds for the image under this name (docker's full form; NULL: it was named by its digest, or has
 * a name of this host alone): that name's own, else one that accepts the digest under any other. NULL when there is none.
 */
const struct trust_verdict *verdict_for(const struct trust_record *record, const char *full_name,
					const char *manifest_digest);

/* The refusal of a verdict as the three lines of design section 9. `typed`: how the user called the image. Gives -ERR_POLICY. */
int verdict_refuse(const struct trust_verdict *v, const char *typed, struct err *e);
