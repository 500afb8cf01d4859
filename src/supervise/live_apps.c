/* SPDX-License-Identifier: Apache-2.0 */
/* See live_apps.h. */
#include "supervise/live_apps.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"

enum { KEPT_MAX = 16 << 20 };

static const struct field change_fields[] = {
	FIELD(struct app_change, remove, "remove", FIELD_STR),
	FIELD(struct app_change, apps, "apps", FIELD_LIST, .sub = &plan_app_set),
	FIELD(struct app_change, volumes, "volumes", FIELD_LIST, .sub = &plan_volume_set),
	FIELD(struct app_change, files, "files", FIELD_LIST, .sub = &plan_file_set),
	FIELD(struct app_change, holes, "holes", FIELD_LIST, .sub = &hole_set),
};
const struct field_set app_change_set = FIELD_SET("app change", struct app_change, change_fields);

static const struct field changes_fields[] = {
	FIELD(struct app_changes, changes, "changes", FIELD_LIST, .sub = &app_change_set),
};
const struct field_set app_changes_set = FIELD_SET("app changes", struct app_changes, changes_fields);

static bool has_volume(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (strcmp(p->volumes.v[i].name, name) == 0)
			return true;
	return false;
}

static void take_out(struct plan *p, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < p->apps.n; i++)
		if (strcmp(p->apps.v[i].name, name) != 0)
			p->apps.v[n++] = p->apps.v[i];
	p->apps.n = n;
	n = 0;
	for (size_t i = 0; i < p->holes.n; i++)
		if (!str_equal(p->holes.v[i].app, name))
			p->holes.v[n++] = p->holes.v[i];
	p->holes.n = n;
}

void app_change_apply(struct arena *a, const struct app_change *c, struct plan *plan)
{
	if (c->remove)
		take_out(plan, c->remove);
	for (size_t i = 0; i < c->apps.n; i++)
		*list_add(a, &plan->apps) = c->apps.v[i];
	for (size_t i = 0; i < c->volumes.n; i++)
		if (!has_volume(plan, c->volumes.v[i].name))
			*list_add(a, &plan->volumes) = c->volumes.v[i];
	for (size_t i = 0; i < c->files.n; i++)
		*list_add(a, &plan->files) = c->files.v[i];
	for (size_t i = 0; i < c->holes.n; i++)
		*list_add(a, &plan->holes) = c->holes.v[i];
}

/* Most pods stay as they are: that costs one system call. */
static int kept_read(int pod_fd, struct arena *a, struct app_changes *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	*ret = (struct app_changes){};
	if (faccessat(pod_fd, "apps", F_OK, 0) < 0)
		return 0;
	if (io_read_file(pod_fd, "apps", KEPT_MAX, &text, &n, e) < 0)
		return -e->code;
	return record_read(a, &app_changes_set, text, n, ret, e);
}

int app_change_keep(int pod_fd, const struct app_change *c, struct err *e)
{
	autoarena a = {};
	autostr text = {};
	struct app_changes kept;

	if (kept_read(pod_fd, &a, &kept, e) < 0)
		return -e->code;
	*list_add(&a, &kept.changes) = *c;
	record_write(&text, &app_changes_set, &kept, RECORD_PRETTY);
	str_add_char(&text, '\n');
	return io_write_file_atomic(pod_fd, "apps", text.text, text.len, 0600, IO_SYNC, e);
}

int app_changes_apply_kept(int pod_fd, struct arena *a, struct plan *plan, struct err *e)
{
	struct app_changes kept;
	int r = kept_read(pod_fd, a, &kept, e);

	for (size_t i = 0; r == 0 && i < kept.changes.n; i++)
		app_change_apply(a, &kept.changes.v[i], plan);
	return r;
}
