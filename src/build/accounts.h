/* SPDX-License-Identifier: Apache-2.0 */
/* The image's /etc/passwd and /etc/group, from the recipe's users and groups on top of the base's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "build/recipe.h"

struct accounts {
	char *passwd, *group; /* whole texts, in the arena; "" when there are none */
	bool changed;         /* differs from the base's: the image gets the files */
};

/*
 * Texts that hold the base's lines (both "" without a base), root where nobody has id 0, and the recipe's
 * users and groups in its order. ERR_USAGE: a name or id that is taken by another, an unknown group.
 */
[[nodiscard]] int accounts_make(struct arena *a, const struct recipe *r, const char *base_passwd,
				const char *base_group, struct accounts *ret, struct err *e);

/*
 * Numbers of an owner: decimal numbers as they are, names by the texts. Without a group it is the user's
 * own; a number that nobody has, gives the group the same number. ERR_USAGE for an unknown name.
 */
[[nodiscard]] int accounts_find_owner(const struct accounts *acc, const struct recipe_owner *owner, uint32_t *ret_uid,
				      uint32_t *ret_gid, struct err *e);

/* The numeric fields of the line of passwd or group text with this name. False when there is none. */
bool accounts_find_name(const char *text, const char *name, uint32_t *ret_id, uint32_t *ret_second);

/* The name on the line of passwd or group text with this number, in the arena; NULL when there is none. */
char *accounts_name_of(struct arena *a, const char *text, uint32_t id);
