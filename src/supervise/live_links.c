/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a pod's links. See live_links.h. */
#include "supervise/live_links.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "pod/link_plan.h"

enum { KEPT_MAX = 1 << 20 };

static const struct field link_fields[] = {
	FIELD(struct live_link, link, "link", FIELD_STR),
	FIELD(struct live_link, removed, "removed", FIELD_BOOL),
};
const struct field_set live_link_set = FIELD_SET("link", struct live_link, link_fields);

static const struct field links_fields[] = {
	FIELD(struct live_links, changes, "changes", FIELD_LIST, .sub = &live_link_set),
};
static const struct field_set live_links_set = FIELD_SET("links", struct live_links, links_fields);

void live_link_note(struct arena *a, struct live_links *l, const struct live_link *change)
{
	for (size_t i = 0; i < l->changes.n; i++)
		if (str_equal(l->changes.v[i].link, change->link)) {
			l->changes.v[i].removed = change->removed;
			return;
		}
	*list_add(a, &l->changes) = (struct live_link){ arena_strdup(a, change->link), change->removed };
}

static void apply_one(struct arena *a, struct plan *plan, const struct live_link *change)
{
	int place = plan_find_link(plan, change->link);
	struct err ignored = {};
	struct link l;
	size_t added;

	if (change->removed && place >= 0)
		plan_remove_link(a, plan, (size_t)place);
	else if (!change->removed && place < 0 && link_parse(a, change->link, &l, &ignored) == 0)
		(void)!plan_add_link(a, plan, &l, &added, &ignored);
}

void live_links_apply(struct arena *a, const struct live_links *l, struct plan *plan)
{
	for (size_t i = 0; i < l->changes.n; i++)
		if (l->changes.v[i].link)
			apply_one(a, plan, &l->changes.v[i]);
}

/* Nothing is kept in most pods: that costs one system call. */
static int kept_read(int pod_fd, struct arena *a, struct live_links *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	*ret = (struct live_links){};
	if (faccessat(pod_fd, "links", F_OK, 0) < 0)
		return 0;
	if (io_read_file(pod_fd, "links", KEPT_MAX, &text, &n, e) < 0)
		return -e->code;
	return record_read(a, &live_links_set, text, n, ret, e);
}

int live_link_keep(int pod_fd, const struct live_link *change, struct err *e)
{
	autoarena a = {};
	autostr text = {};
	struct live_links kept;

	if (kept_read(pod_fd, &a, &kept, e) < 0)
		return -e->code;
	live_link_note(&a, &kept, change);
	record_write(&text, &live_links_set, &kept, RECORD_PRETTY);
	str_add_char(&text, '\n');
	return io_write_file_atomic(pod_fd, "links", text.text, text.len, 0600, IO_SYNC, e);
}

int live_links_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e)
{
	struct live_links kept = {};
	int r = plan->apps.n > 1 ? kept_read(pod_fd, a, &kept, e) : 0;

	if (r == 0)
		live_links_apply(a, &kept, plan);
	return r;
}
