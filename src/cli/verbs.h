/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb, sorted. */
#pragma once

#include "cli/cli.h"

extern const struct verb cli_verb_app;
extern const struct verb cli_verb_apply;
extern const struct verb cli_verb_attach;
extern const struct verb cli_verb_build;
extern const struct verb cli_verb_completion;
extern const struct verb cli_verb_config;
extern const struct verb cli_verb_convert;
extern const struct verb cli_verb_cp;
extern const struct verb cli_verb_debug;
extern const struct verb cli_verb_df;
extern const struct verb cli_verb_diff;
extern const struct verb cli_verb_doctor;
extern const struct verb cli_verb_enter;
extern const struct verb cli_verb_events;
extern const struct verb cli_verb_export;
extern const struct verb cli_verb_fetch;
extern const struct verb cli_verb_gc;
extern const struct verb cli_verb_help;
extern const struct verb cli_verb_hole;
extern const struct verb cli_verb_image;
extern const struct verb cli_verb_kill;
extern const struct verb cli_verb_link;
extern const struct verb cli_verb_list;
extern const struct verb cli_verb_login;
extern const struct verb cli_verb_logout;
extern const struct verb cli_verb_logs;
extern const struct verb cli_verb_manifest;
extern const struct verb cli_verb_pause;
extern const struct verb cli_verb_plan;
extern const struct verb cli_verb_prepare;
extern const struct verb cli_verb_push;
extern const struct verb cli_verb_restart;
extern const struct verb cli_verb_rm;
extern const struct verb cli_verb_run;
extern const struct verb cli_verb_run_prepared;
extern const struct verb cli_verb_start;
extern const struct verb cli_verb_stats;
extern const struct verb cli_verb_status;
extern const struct verb cli_verb_stop;
extern const struct verb cli_verb_top;
extern const struct verb cli_verb_trust;
extern const struct verb cli_verb_unpause;
extern const struct verb cli_verb_version;
extern const struct verb cli_verb_volume;
extern const struct verb cli_verb_wait;

/* NULL-terminated, sorted by name. */
extern const struct verb *const cli_verbs[];

/* Names that people's hands know from elsewhere. */
struct verb_alias {
	const char *word;
	const char *verb;
	const char *sub; /* NULL, or the verb below it */
};
extern const struct verb_alias cli_aliases[]; /* ends with an entry without word */

/* The verb of this name in a sorted, NULL-terminated table, or NULL. */
const struct verb *verb_find(const struct verb *const *verbs, const char *name);
/*
 * The verb that argv begins with, through aliases and sub-verbs: *ret_verb, its parent or NULL, and how many
 * words name it. ERR_USAGE with the nearest for an unknown one.
 */
[[nodiscard]] int verb_resolve(int argc, char **argv, const struct verb **ret_verb, const struct verb **ret_parent,
			       int *ret_words, struct err *e);
