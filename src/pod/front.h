/* SPDX-License-Identifier: Apache-2.0 */
/* What the front ends of foreign manifests share. */
#pragma once

#include "pod/native.h"

/*
 * A value that can't be honoured: an error at the node, or a warning and 0 with --ignore-unknown.
 * The node of a value that stands nowhere is its parent's (front_at()).
 */
[[gnu::format(printf, 4, 5)]] [[nodiscard]] int front_refuse(const struct native_input *in,
							     const struct doc *node, struct err *e,
							     const char *fmt, ...);
/* The node at a path of keys parted by '.', or the nearest one above it that is there. */
const struct doc *front_at(const struct doc *node, const char *path);
/*
 * Opens a hole, given in its short form, in the pod, because of `origin`, at the node. app NULL:
 * the whole pod. ERR_USAGE.
 */
[[nodiscard]] int front_add_hole(const struct native_input *in, struct pod *pod,
				 const struct doc *node, const char *text, const char *app,
				 const char *origin, struct err *e);
/* An address of either family. */
bool front_is_ip(const char *text);
