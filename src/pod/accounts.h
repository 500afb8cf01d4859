/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of an image: passwd(5) and group(5) as text, which the image wrote and which is therefore
 * hostile. No line, number or list of them makes more than bounded work, and none gives an id that
 * was not asked for.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { ACCOUNT_GROUPS_MAX = 1024 };

struct account {
	uint32_t uid, gid;
	char *home;    /* absolute; "/" when passwd has none */
	char **groups; /* decimal, the primary one first */
};

/*
 * spec: NULL or "" is root; "NAME", "UID", "NAME:GROUP", "UID:GID" and mixtures. A part that is all
 * digits is a number and never looked up as a name; numbers above 2^31 - 1 are refused. Without a
 * group the primary one is passwd's (0 when passwd does not know the uid), and group(5) adds those
 * that list the user; with one it is that alone. ERR_USAGE for what is no user, ERR_NOT_FOUND for a
 * name that passwd or group does not have.
 */
[[nodiscard]] int account_resolve(struct arena *a, const char *spec, const char *passwd,
				  const char *group, struct account *ret, struct err *e);
/* Adds a group by name or number to account->groups, once. */
[[nodiscard]] int account_add_group(struct arena *a, const char *name, const char *group,
				    struct account *account, struct err *e);
