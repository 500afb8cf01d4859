/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders of the native manifest's values that are no plain field (see FIELD_CUSTOM in
 * base/field.h): each takes the document node and the struct that it is a member of.
 */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/field.h"
#include "pod/plan.h"

/* Keys that are understood and can't be done yet: checked strictly, then refused by name. */
int native_refuse_later(struct arena *a, const struct doc *node, void *object, struct err *e);

/* `mounts:` into struct pod_app. */
int native_decode_mounts(struct arena *a, const struct doc *node, void *object, struct err *e);
/* `rlimits:` into struct pod_app. */
int native_decode_rlimits(struct arena *a, const struct doc *node, void *object, struct err *e);
/* `limits:` into *ret. */
int native_decode_limits(struct arena *a, const struct doc *node, struct plan_limits *ret,
			 struct err *e);
/* `sysctls:` into *ret, only those of the pod's own namespaces. */
int native_decode_sysctls(struct arena *a, const struct doc *node, char ***ret, struct err *e);

/* A word of a NULL-terminated list, as its index; ERR_USAGE with the list and the nearest. */
int native_word_index(const struct doc *node, const char *const *words, int *ret, struct err *e);
/* A file mode: "0750", "1777". */
int native_decode_mode(const struct doc *node, uint32_t *ret, struct err *e);
