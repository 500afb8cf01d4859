/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as tables. The same table parses, prints --help, and feeds the man pages and the shell
 * completions, so that none of them can say something else than the parser does.
 *
 *   static const struct opt opts[] = {
 *           {"detach", 'd', .id = OPT_DETACH, .help = "leave the pod running and print its id"},
 *           {"memory", 'm', .id = OPT_MEMORY, .arg = "SIZE", .help = "memory limit (docker's units)"},
 *           {}
 *   };
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct opt {
	const char *name;       /* long name without dashes; a table ends with an entry without name */
	char letter;            /* 0: none */
	const char *arg;        /* name of its argument for help; NULL: takes none */
	const char *help;       /* one line, lower case, no full stop */
	int id;
	const char *complete;   /* what completes the argument: "file", "dir", "image", "pod", "app", "volume", or "a|b|c" */
};

/* Walks argv: options from the tables, in any order, `--name=value`, `--name value`, `-nvalue`, `-abc`. */
struct opt_walk {
	int argc;
	char **argv;
	int at;                     /* next word */
	int cluster;                /* place inside "-abc", 0 when at a word's start */
	bool ended;                 /* "--" was met: only words follow */
	const struct opt *const *tables; /* NULL-terminated list of tables, first match wins */
};

/*
 * The next option: *ret_opt and *ret_value (NULL when it takes none). 1 for an option, 0 when the next
 * word is no option (w->at points at it; after "--" it points behind), -ERR_USAGE for an unknown option
 * (with the nearest one) or a missing argument.
 */
[[nodiscard]] int opt_next(struct opt_walk *w, const struct opt **ret_opt, const char **ret_value, struct err *e);
