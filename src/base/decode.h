/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document into a struct by field table, strictly: unknown keys, wrong types and missing keys are
 * refused with file:line:column, what was expected, and the nearest key or the word that this vocabulary
 * uses for it (field_set.aliases).
 */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/field.h"

struct decode {
	struct arena *arena;
	/* --ignore-unknown: unknown keys go through here as a warning instead. NULL refuses them. */
	void (*warn)(const struct err *warning);
};

/* Fills *object, which the caller zeroed or filled with defaults. */
[[nodiscard]] int decode_doc(const struct decode *d, const struct field_set *set, const struct doc *node, void *object,
			     struct err *e);
