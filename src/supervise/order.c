/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a pod's first start. Apps of the kinds init and sidecar come first, in the order of the
 * manifest: an init has to end well before the next app starts, a sidecar has not. Then all the others start.
 * Who has not had its turn is waiting (APP_WAITING); what was started once is never started from here again.
 */
#include "supervise/supervisor.h"

static bool is_waiting(const struct app *a)
{
	return a->status->state == APP_WAITING;
}

static bool blocks(const struct app *a)
{
	bool done = a->status->state == APP_EXITED && a->status->exit_code == 0;

	return a->plan->kind == APP_INIT && !done;
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

int order_start_next(struct supervisor *s, struct err *e)
{
	bool blocked;
	int r = start_first_ones(s, &blocked, e);

	for (size_t i = 0; r == 0 && !blocked && i < s->plan.apps.n; i++)
		if (is_waiting(&s->apps[i]))
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
