/* SPDX-License-Identifier: Apache-2.0 */
/* Holes as people read them: one line a hole with its reach. What `run` says at a start, and `hole list`. */
#pragma once

#include "base/str.h"
#include "pod/plan.h"
#include "supervise/status.h"

/* "in", "out", "path", … */
const char *ledger_kind(const struct hole *h);
/* "127.0.0.1:8080", "/srv/site", "NET_ADMIN": what the hole opens, and to where it leads. status may be NULL. */
void ledger_add_from(struct str *out, const struct hole *h, const struct pod_status *status);
void ledger_add_to(struct str *out, const struct plan *p, const struct hole *h);
/* "this host only", "every host that reaches this one", "writable", … */
const char *ledger_reach(const struct hole *h);
/* "in    127.0.0.1:8080 → web:80   this host only\n" */
void ledger_add_line(struct str *out, const struct plan *p, const struct hole *h, const struct pod_status *status);
/* A hole that was closed while the pod ran keeps its place, without text. */
static inline bool ledger_is_open(const struct hole *h)
{
	return h->text && *h->text;
}
