/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a pod's first start. Apps of the kinds init and sidecar come first, in the order of the
 * manifest: an init has to end well before the next app starts, a sidecar with a probe `started` has to pass it. Then
 * all the others start, each as soon as the apps that it names in `after` are ready or have ended well.
 * Who has not had its turn is waiting (APP_WAITING); what was started once is never started from here again.
 */
#include <string.h>

#include "supervise/supervisor.h"

static bool is_waiting(const struct app *a)
{
	return a->status->state == APP_WAITING;
}

static bool ended_well(const struct app *a)
{
	return a->status->state == APP_EXITED && a->status->exit_code == 0;
}

static bool blocks(const struct app *a)
{
	if (a->plan->kind == APP_SIDECAR)
		return a->plan->started.kind != PROBE_NONE && !a->probes->v[PROBE_STARTED].succeeded && !a->was_ready &&
		       a->status->state != APP_EXITED;
	return !ended_well(a);
}

static bool is_after(const struct app *a, const char *name)
{
	for (char **w = a->plan->after; w && *w; w++)
		if (strcmp(*w, name) == 0)
			return true;
	return false;
}

static bool has_its_turn(struct supervisor *s, const struct app *a)
{
	for (char **w = a->plan->after; w && *w; w++) {
		const struct app *before = supervisor_find_app(s, *w);

		if (before && !before->status->ready && !ended_well(before))
			return false;
	}
	return true;
}

/* Inits and sidecars up to the first that the others have to wait for. *ret_blocked: there is one. */
static int start_first_ones(struct supervisor *s, bool *ret_blocked, struct err *e)
{
	*ret_blocked = false;
	for (size_t i = 0; i < s->plan.apps.n && !*ret_blocked; i++) {
		struct app *a = &s->apps[i];

		if (a->plan->kind == APP_MAIN)
			continue;
		int r = is_waiting(a) ? app_start(a, e) : 0;
		if (r < 0)
			return r;
		*ret_blocked = blocks(a);
	}
	return 0;
}

struct app *order_first(struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (s->apps[i].plan->kind != APP_MAIN)
			return &s->apps[i];
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (has_its_turn(s, &s->apps[i]))
			return &s->apps[i];
	return &s->apps[0];
}

int order_start_next(struct supervisor *s, struct err *e)
{
	bool blocked;
	int r = start_first_ones(s, &blocked, e);

	for (size_t i = 0; r == 0 && !blocked && i < s->plan.apps.n; i++)
		if (is_waiting(&s->apps[i]) && has_its_turn(s, &s->apps[i]))
			r = app_start(&s->apps[i], e);
	return r;
}

bool order_is_complete(const struct supervisor *s)
{
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (is_waiting(&s->apps[i]))
			return false;
	return true;
}

bool order_is_broken_by(const struct supervisor *s, const struct app *a)
{
	if (a->status->exit_code == 0 || order_is_complete(s))
		return false;
	for (size_t i = 0; i < s->plan.apps.n; i++)
		if (is_waiting(&s->apps[i]) && is_after(&s->apps[i], a->plan->name))
			return true;
	return a->plan->kind == APP_INIT;
}
