/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a pod's holes. See live.h. */
#include "supervise/live.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"

enum { KEPT_MAX = 1 << 20 };

static const struct field hole_fields[] = {
	FIELD(struct live_hole, hole, "hole", FIELD_STR),
	FIELD(struct live_hole, closed, "closed", FIELD_BOOL),
	FIELD(struct live_hole, why, "why", FIELD_STR),
	FIELD(struct live_hole, until_ns, "until_ns", FIELD_INT),
};
const struct field_set live_hole_set = FIELD_SET("hole", struct live_hole, hole_fields);

static const struct field holes_fields[] = {
	FIELD(struct live_holes, changes, "changes", FIELD_LIST, .sub = &live_hole_set),
};
const struct field_set live_holes_set = FIELD_SET("holes", struct live_holes, holes_fields);

static struct live_hole *find(const struct live_holes *l, const char *hole)
{
	for (size_t i = 0; i < l->changes.n; i++)
		if (str_equal(l->changes.v[i].hole, hole))
			return &l->changes.v[i];
	return NULL;
}

const struct live_hole *live_find(const struct live_holes *l, const char *hole)
{
	return find(l, hole);
}

void live_note(struct arena *a, struct live_holes *l, const struct live_hole *change)
{
	struct live_hole *entry = find(l, change->hole);

	if (!entry)
		entry = list_add(a, &l->changes);
	*entry = (struct live_hole){
		.hole = entry->hole ?: arena_strdup(a, change->hole),
		.closed = change->closed,
		.why = arena_strdup(a, change->why),
		.until_ns = change->until_ns,
	};
}

static void plan_close(struct plan *plan, size_t i)
{
	plan->holes.n--;
	memmove(&plan->holes.v[i], &plan->holes.v[i + 1], (plan->holes.n - i) * sizeof(*plan->holes.v));
}

static void plan_open(struct arena *a, struct plan *plan, const struct live_hole *change)
{
	struct err ignored = {};
	struct hole h;

	if (hole_parse(a, change->hole, NULL, &h, &ignored) < 0)
		return;
	h.why = change->why ?: h.why;
	*list_add(a, &plan->holes) = h;
}

static void apply_one(struct arena *a, struct plan *plan, const struct live_hole *change)
{
	size_t i = 0;

	while (i < plan->holes.n && !str_equal(plan->holes.v[i].text, change->hole))
		i++;
	if (i < plan->holes.n && change->closed)
		plan_close(plan, i);
	else if (i == plan->holes.n && !change->closed)
		plan_open(a, plan, change);
}

void live_apply(struct arena *a, const struct live_holes *l, struct plan *plan)
{
	for (size_t i = 0; i < l->changes.n; i++)
		if (l->changes.v[i].hole)
			apply_one(a, plan, &l->changes.v[i]);
}

/* Nothing is kept in most pods: that costs one system call. */
static int kept_read(int pod_fd, struct arena *a, struct live_holes *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	*ret = (struct live_holes){};
	if (faccessat(pod_fd, "holes", F_OK, 0) < 0)
		return 0;
	if (io_read_file(pod_fd, "holes", KEPT_MAX, &text, &n, e) < 0)
		return -e->code;
	return record_read(a, &live_holes_set, text, n, ret, e);
}

int live_keep(int pod_fd, const struct live_hole *change, struct err *e)
{
	autoarena a = {};
	autostr text = {};
	struct live_holes kept;

	if (kept_read(pod_fd, &a, &kept, e) < 0)
		return -e->code;
	live_note(&a, &kept, change);
	record_write(&text, &live_holes_set, &kept, RECORD_PRETTY);
	str_add_char(&text, '\n');
	return io_write_file_atomic(pod_fd, "holes", text.text, text.len, 0600, IO_SYNC, e);
}

int live_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e)
{
	struct live_holes kept;
	int r = kept_read(pod_fd, a, &kept, e);

	if (r == 0)
		live_apply(a, &kept, plan);
	return r;
}
