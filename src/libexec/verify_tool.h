/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-verify: what its commands share. Each command is a file of its own, verify_NAME.c. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"
#include "trust/judge.h"

struct verify_tool {
	struct store store;
	struct arena arena;
	const char *dir;
	bool json, quiet;
};

typedef int verify_command(struct verify_tool *t, int argc, char **argv, struct err *e);
verify_command verify_judge, verify_add, verify_sign, verify_attestations, verify_aci;

/* ---- verify_case.c: everything that a judgement depends on, read while that is still allowed ---- */

struct verify_cases {
	struct trust_record record;         /* out: what is watched; the verdicts come later */
	struct rules rules;
	struct policy policy;
	LIST(struct judge_case) list;       /* one a name */
};
/* `extra`: one more name that the image was fetched under, or NULL. */
[[nodiscard]] int verify_load(struct verify_tool *t, const struct store_image *found, const char *extra,
			      struct verify_cases *ret, struct err *e);

/* ---- verify_worker.c: the judge without a privilege, and gpgv when it asks ---- */

[[nodiscard]] int verify_run_worker(struct verify_tool *t, struct verify_cases *cases, struct err *e);

/* ---- verify_confine.c ---- */

/*
 * For the rest of the process: nobody's ids, no capability, no file, no program, and only the system calls of
 * computing and of reading and writing the descriptors that are open. All descriptors but `fd` and stderr are closed.
 */
[[nodiscard]] int verify_confine(int fd, struct err *e);

/* A text of /etc or of the user's: at most `limit` bytes, arena. */
[[nodiscard]] int verify_read_file(struct verify_tool *t, const char *path, size_t limit, char **ret, size_t *ret_n,
				   struct err *e);
/* Who does this: behind sudo, the person. Arena. */
char *verify_user(struct verify_tool *t);
/* A line for people on stderr, unless quiet; control characters made visible. */
[[gnu::format(printf, 2, 3)]] void verify_say(const struct verify_tool *t, const char *fmt, ...);
[[nodiscard]] int verify_print(const char *text, size_t n, struct err *e);
/* Judges anew, with one more name, and writes it down. *ret: the verdict of that name (or the one that holds). */
[[nodiscard]] int verify_judge_image(struct verify_tool *t, const struct store_image *found, const char *extra,
				     const struct trust_verdict **ret, struct err *e);
