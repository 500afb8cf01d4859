/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may come next on a command line, from the verb and option tables. The shells' scripts are a few
 * lines each that ask this (`rocket completion words -- WORD…`), so no shell knows anything of its own.
 */
#pragma once

#include "base/str.h"
#include "cli/cli.h"

/* What a word is to be; a kind is the `complete` of struct opt, or one of struct verb's `words`. */
struct completion {
	const char *kind;           /* "pod", "file", "a|b|c", or NULL: nothing is known */
	const char *prefix;         /* of the current word that stays before what completes: "--output=" */
	bool options;               /* the options of the verb */
	bool verbs;                 /* verbs of `parent`, or all */
	const struct verb *verb;    /* met so far, or NULL */
	const struct verb *parent;
};

/* words[n - 1] is the one under the cursor, perhaps "". --dir is obeyed, as the names come from there. */
[[nodiscard]] int complete_find(struct cli *cli, int n, char **words, struct completion *ret, struct err *e);
/*
 * Adds candidates, "WORD\tMEANING" or "WORD" a line; ":file" or ":dir" alone lets the shell list files. False when
 * the kind names things that only a verb can list (pod, image, volume, app).
 */
bool complete_add(struct str *out, const struct completion *c);
