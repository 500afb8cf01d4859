/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every verb gets and how one is described. A verb is one file, src/cli/verb_NAME.c, which exports one
 * `const struct verb cli_verb_NAME`; verbs.h lists it, verbs.c has the sorted table, meson.build the file.
 * The same description runs the verb, prints its --help, and makes its man page and shell completions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/opt.h"

enum cli_output { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML, CLI_NAME };
extern const char *const cli_output_names[];

/* --insecure-options: "I take the risk" of … */
enum cli_insecure {
	CLI_INSECURE_IMAGE = 1, /* images that nobody vouched for */
	CLI_INSECURE_TLS = 2,   /* registries with certificates that nobody knows */
	CLI_INSECURE_HTTP = 4,  /* registries without TLS */
};

struct config;
struct verb;

struct cli {
	const char *dir;        /* absolute: the store and the pods */
	const char *run_dir;    /* absolute: sockets and mounts; gone after a reboot */
	enum cli_output output;
	bool output_given;      /* -o was given: a verb that can't print in that form refuses it */
	bool quiet;
	unsigned insecure;      /* enum cli_insecure */
	const struct config *config;
	const struct verb *verb;     /* the one that runs … */
	const struct verb *parent;   /* … and the one that it belongs to ("image" of "image list"), or NULL */
	struct arena *arena;         /* lives as long as the process */
	bool image_refused;     /* nobody vouches for the image: exit code 5, of run too (trust_gate.h) */
	char **argv;                 /* the whole command line */
};

struct verb {
	const char *name;
	const char *summary;                    /* one line, lower case, no full stop */
	const char *usage;                      /* behind the name: "[-f] POD…" */
	const char *const *words;               /* what its words complete to, as struct opt's `complete`; the last repeats */
	const struct opt *const *options;       /* NULL-terminated list of tables, or NULL */
	const char *const *titles;              /* of each table; NULL: they are "Options" */
	const char *example;                    /* lines of a shell, each starting with "rocket" */
	const char *json;                       /* the fields of -o json, one "name: meaning" a line, or NULL */
	const char *exits;                      /* exit codes beside 0, 1 and 2, as "4: no such pod" lines, or NULL */
	const struct verb *const *verbs;        /* NULL-terminated, sorted: "image" has "list", "rm", … */
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the verb; gives the exit code */
	bool passes_output;                     /* takes any -o, the program that it executes decides */
	bool lists;                             /* -o table, wide, json, yaml and name all work */
	bool documents;                         /* -o json and yaml work */
};

/* Prints the three lines (or their JSON with -o json) to stderr and gives the exit code of e. */
int cli_fail(const struct cli *cli, const struct err *e);
/*
 * The same for verbs that give an app's exit code (run, run-prepared, enter): what is not usage and not about the program
 * itself is 125, so that Rocket's own failure can't be taken for the app's.
 */
int cli_fail_run(const struct cli *cli, struct err *e);
/* Says something to people on stderr; nothing with -q. */
[[gnu::format(printf, 2, 3)]] void cli_say(const struct cli *cli, const char *fmt, ...);
/* Writes all of it to stdout; 0, or 1 after having printed the error: the exit code of a verb. */
int cli_print(const struct cli *cli, const char *text, size_t len);

/*
 * Options and words of a verb, in any order, "--" ends the options. Global options are taken here, --help
 * prints and ends the process. `take` gets each option of the verb's own (return 0, or -code with e set).
 * The words are gathered: *ret_words points into argv, 0-terminated by a NULL.
 */
typedef int cli_take_fn(void *context, const struct opt *o, const char *value, struct err *e);
[[nodiscard]] int cli_parse(struct cli *cli, int argc, char **argv, cli_take_fn *take, void *context,
			    char ***ret_words, int *ret_n, struct err *e);
/*
 * The next option of the verb's own, for verbs whose words must stay in place (run, enter): as opt_next(),
 * global options taken on the way. Start with `struct opt_walk w = cli_walk(cli, argc, argv)`.
 */
struct opt_walk cli_walk(struct cli *cli, int argc, char **argv);
[[nodiscard]] int cli_next(struct cli *cli, struct opt_walk *w, const struct opt **ret_opt, const char **ret_value,
			   struct err *e);
/* Is the option a global one? Then it is taken: 1, or -code. Else 0. For walkers of others' option tables. */
[[nodiscard]] int cli_take_global(struct cli *cli, const struct opt *o, const char *value, struct err *e);
extern const struct opt cli_global_options[];

/* Refuses a number of words outside [min, max] (max < 0: any), with the usage as the hint. */
[[nodiscard]] int cli_check_words(const struct cli *cli, int n, int min, int max, struct err *e);

/* "rocket image list": how the running verb is called. In the arena. */
const char *cli_verb_path(const struct cli *cli);
