/* SPDX-License-Identifier: Apache-2.0 */
/* A pod as people and programs read it; what `list` and `status` share. */
#pragma once

#include "cli/emit.h"
#include "cli/pod_look.h"

/* "running", "paused", "exited 0", "exited 137 (killed)", "prepared"; in the arena. */
const char *pod_show_state(struct arena *a, const struct pod_look *p);
/* "running", "exited 137 (out of memory)", "backoff" … */
const char *pod_show_app_state(struct arena *a, const struct app_status *s);

/* The fields that every document about a pod begins with, into the map that is open. */
void pod_show_emit_head(struct emit *m, const struct pod_look *p);
#define POD_SHOW_HEAD_JSON                                                                    \
	"id: 32 hex digits\nname: of the pod\nphase: prepared, running or exited\n"           \
	"paused: whether its processes are frozen\nexit_code: by its exit rule, null before\n" \
	"created: time, as 2026-01-31T12:00:00.000000000Z\nstarted: time of the last start, or null\n" \
	"finished: time of its end, or null\nlabels: map"
