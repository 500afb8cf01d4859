/* SPDX-License-Identifier: Apache-2.0 */
/* Words and fields for the state of a pod and of an app. */
#include "cli/pod_show.h"

#include "base/str.h"
#include "pod/signals.h"

static const char *exit_text(struct arena *a, int64_t code, int64_t signal, bool oom)
{
	if (oom)
		return arena_printf(a, "exited %lld (out of memory)", (long long)code);
	if (signal)
		return arena_printf(a, "exited %lld (%s)", (long long)code, signal_format(a, (uint32_t)signal));
	return arena_printf(a, "exited %lld", (long long)code);
}

const char *pod_show_app_state(struct arena *a, const struct app_status *s)
{
	if (s->state == APP_EXITED && s->exit_code >= 0)
		return exit_text(a, s->exit_code, s->exit_signal, s->oom_killed);
	if (s->state == APP_EXITED && s->error)
		return "not started";
	if (s->state == APP_RUNNING && !s->ready)
		return "running, not ready";
	return app_state_names[s->state];
}

const char *pod_show_state(struct arena *a, const struct pod_look *p)
{
	if (p->dir.phase == POD_RUNNING && p->status.paused)
		return "paused";
	if (p->dir.phase == POD_EXITED && p->status.exit_code >= 0)
		return arena_printf(a, "exited %lld", (long long)p->status.exit_code);
	return pod_phase_names[p->dir.phase];
}

void pod_show_emit_head(struct emit *m, const struct pod_look *p)
{
	emit_str(m, "id", p->dir.id);
	emit_str(m, "name", p->plan.name);
	emit_str(m, "phase", pod_phase_names[p->dir.phase]);
	emit_bool(m, "paused", p->status.paused);
	if (p->dir.phase == POD_EXITED && p->status.exit_code >= 0)
		emit_int(m, "exit_code", p->status.exit_code);
	else
		emit_null(m, "exit_code");
	emit_time(m, "created", p->plan.created_ns);
	emit_time(m, "started", p->status.started_ns);
	emit_time(m, "finished", p->dir.phase == POD_EXITED ? p->status.finished_ns : 0);
	emit_pairs(m, "labels", p->plan.labels);
}
