/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-oci: the OCI runtime's command line, one verb a file. Options and output are those that engines know from runc
 * and crun; what happens is src/boundary's, the same as for pods.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/opt.h"

struct oci {
	struct arena *arena;
	const char *root;           /* where containers' states lie */
	const char *log;            /* errors go there too; NULL */
	bool log_json, debug;
	bool systemd_cgroup;
	const char *programs;       /* the directory of this program */
	const struct oci_verb *verb;
};

struct oci_verb {
	const char *name, *words, *what, *example;
	const struct opt *opts;
	bool spawns;                /* puts a process into a container: this program must be out of its reach */
	/* argv[at…] are the words behind the verb's name. The exit code in *ret_code; 1 when it gives an error. */
	int (*run)(struct oci *o, int argc, char **argv, int *ret_code, struct err *e);
};

extern const struct oci_verb oci_verb_create, oci_verb_start, oci_verb_state, oci_verb_kill, oci_verb_delete, oci_verb_run,
	oci_verb_exec, oci_verb_list, oci_verb_ps, oci_verb_pause, oci_verb_resume, oci_verb_update, oci_verb_events,
	oci_verb_spec, oci_verb_features;

/*
 * Options of the verb, then its words: take() gets each option. Between min and max words are left in *ret_words. Prints
 * the help and gives 1 where that was asked for.
 */
[[nodiscard]] int oci_parse(const struct oci *o, int argc, char **argv, int min, int max,
			    int (*take)(void *to, const struct opt *opt, const char *value, struct err *e), void *to,
			    char ***ret_words, struct err *e);
/* Where options stand only before the first word: exec, whose words may look like some. */
[[nodiscard]] int oci_parse_before(const struct oci *o, int argc, char **argv, int min, int max,
				   int (*take)(void *to, const struct opt *opt, const char *value, struct err *e), void *to,
				   char ***ret_words, struct err *e);
/* Prints a whole text on stdout. */
[[nodiscard]] int oci_print(const char *text, struct err *e);
