/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a document something stands, for errors that are found after it was decoded. */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"

/* "pod.yaml:12:5", or NULL when the node has no place. */
char *place_of(struct arena *a, const struct doc *node);
/*
 * An error at the node, with what stands there as its reason: "FILE:LINE:COLUMN: …", "it is 2000".
 * Gives -ERR_USAGE.
 */
[[gnu::format(printf, 3, 4)]] int place_bad(const struct doc *node, struct err *e, const char *fmt,
					    ...);
/* Puts the node's place in front of the error that e holds. Gives -code. */
int place_err(const struct doc *node, struct err *e);
/* The same with a place as text; NULL changes nothing. Gives -code. */
int place_err_text(const char *place, struct err *e);
