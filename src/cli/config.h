/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: a handful of keys, each from the last place that has it: built in, /usr/share/rocket,
 * /etc/rocket, $XDG_CONFIG_HOME/rocket (in each rocket.yaml, then *.d/ *.yaml in the order of their names),
 * and $ROCKET_KEY. Command-line options stand above all of it (cli.c).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct config_key {
	const char *name;   /* "grace_period"; the environment has ROCKET_GRACE_PERIOD */
	const char *help;
	const char *preset; /* built in, or NULL */
	int (*check)(const char *value); /* 0, or -1; NULL takes any text */
	const char *expected;            /* for the message of a failed check */
};
extern const struct config_key config_keys[]; /* ends with an entry without name */

struct config_value {
	const struct config_key *key;
	const char *value;  /* NULL: not set anywhere */
	const char *origin; /* "built in", "$ROCKET_DIR", "/etc/rocket/rocket.yaml:3" */
};

struct config {
	struct config_value *values; /* one a key, in the order of config_keys */
};

/* Where files are looked for; NULL-terminated. Tests give their own. */
char **config_places(struct arena *a);
/* Costs three failing open() calls when there are no files. ERR_USAGE with the place of what is wrong. */
[[nodiscard]] int config_load(struct arena *a, char *const *places, const struct config **ret, struct err *e);
/* The value or NULL. The key must be one of config_keys. */
const char *config_get(const struct config *c, const char *key);
