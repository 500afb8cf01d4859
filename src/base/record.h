/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: Rocket's own files (plan, image record, status), JSON by field table, without a library and
 * without a tree, because they lie on the path of every start. Fields that are zero, false, NULL, empty
 * lists or empty structs are left out (an empty string stays). Unknown keys are skipped, so that an older
 * Rocket reads a newer one's files.
 * The bytes are Rocket's own, yet the reader is bounded and fuzzed: a state directory may be damaged.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "base/str.h"

enum record_form { RECORD_COMPACT, RECORD_PRETTY };

void record_write(struct str *out, const struct field_set *set, const void *object, enum record_form form);
/* Fills *ret_object (of set->size, zeroed by the reader). ERR_FAILED with the offset of what is wrong. */
[[nodiscard]] int record_read(struct arena *a, const struct field_set *set, const char *text, size_t len,
			      void *ret_object, struct err *e);
/*
 * The same for somebody else's JSON document that is read on the path of a start (an OCI bundle): what is null counts as
 * absent. ERR_USAGE with `what` and the path of the field, as in "linux.resources.memory.limit".
 */
[[nodiscard]] int record_read_foreign(struct arena *a, const struct field_set *set, const char *what, const char *text,
				      size_t len, void *ret_object, struct err *e);
/* Would record_write() leave this field out? p points at the member. */
bool record_is_absent(const struct field *f, const void *p);
