/* SPDX-License-Identifier: Apache-2.0 */
/* Probes as people write them, in a manifest and behind --ready, and what nobody said about them. */
#pragma once

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/str.h"
#include "pod/plan.h"

/*
 * "http::80/healthz", "tcp::6379", "grpc::9000/SERVICE", "exec:PROGRAM ARG…" (words parted by
 * blanks). ERR_USAGE.
 */
[[nodiscard]] int probe_parse_text(struct arena *a, const char *text, struct plan_probe *ret,
				   struct err *e);
/* `ready: {http: ":80/healthz", every: 5s}` of the native manifest. ERR_USAGE with the place. */
[[nodiscard]] int probe_decode(struct arena *a, const struct doc *node, struct plan_probe *ret,
			       struct err *e);
/* A hook beside the running app: {exec: […]}, {http: …} or {sleep: 5s}; a list is exec. */
[[nodiscard]] int probe_decode_hook(struct arena *a, const struct doc *node,
				    struct plan_probe *ret, struct err *e);
/* Fills what nobody said: every 10s, timeout 1s, 3 failures, 1 success. Of PROBE_NONE nothing. */
void probe_set_defaults(struct plan_probe *p);
/* "http :80/healthz": for messages and events. */
void probe_add_text(struct str *out, const struct plan_probe *p);
