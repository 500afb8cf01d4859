/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What resolve_links.c decides for a pod that is asked for, decided for one link of a plan that stands: no image can be
 * looked into here, so a unix socket at a path always has a relay. Pure, and free of the document libraries.
 */
#include "pod/link_plan.h"

#include <string.h>

#include "base/str.h"

bool link_is_live(const struct link *l)
{
	bool abstract = l->kind == LINK_UNIX && *l->path == '@';

	return l->kind == LINK_TCP || l->kind == LINK_UDP || abstract;
}

int plan_find_link(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->links.n; i++)
		if (str_equal(p->links.v[i].text, text))
			return (int)i;
	return -1;
}

static bool is_apart(const struct plan *p, const struct link *l)
{
	return plan_circle(p, plan_find_app(p, l->from)) != plan_circle(p, plan_find_app(p, l->to));
}

static int no_app(const struct link *l, const char *app, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "can't make the link %s", l->text);
	return err_because(e, "the pod has no app %s", app);
}

/* ---- mounts ---- */

static void add_mount(struct arena *a, struct plan *p, const char *app, const struct plan_mount *m)
{
	*list_add(a, &plan_find_app(p, app)->mounts) = *m;
}

static bool has_mount(const struct plan_app *app, const char *target)
{
	for (size_t i = 0; i < app->mounts.n; i++)
		if (strcmp(app->mounts.v[i].target, target) == 0)
			return true;
	return false;
}

struct side {
	char *app, *target;
	bool read_only;
};

/* The sides of a link at which something is mounted: 0, 1 or 2 of them. */
static size_t sides_of(struct arena *a, const struct link *l, struct side ret[2])
{
	const bool files = l->kind == LINK_FILES;

	switch (l->kind) {
	case LINK_UNIX:
		ret[0] = (struct side){ l->from, l->path, false };
		return *l->path == '@' ? 0 : 1;
	case LINK_SIGNAL:
		ret[0] = (struct side){ l->from, arena_printf(a, "/run/rocket/signal/%s", l->to), true };
		return 1;
	case LINK_FIFO:
	case LINK_FILES:
		ret[0] = (struct side){ l->from, l->path, !files };
		ret[1] = (struct side){ l->to, l->to_path, !files || !l->both };
		return 2;
	default:
		return 0;
	}
}

static bool has_volume(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (strcmp(p->volumes.v[i].name, name) == 0)
			return true;
	return false;
}

static int add_mounts(struct arena *a, struct plan *p, const struct link *l, struct err *e)
{
	struct side sides[2];
	size_t n = sides_of(a, l, sides);

	if (l->kind == LINK_FILES && !has_volume(p, l->volume)) {
		err_new(e, ERR_NOT_FOUND, "can't make the link %s", l->text);
		return err_because(e, "the pod has no volume %s", l->volume);
	}
	for (size_t i = 0; i < n; i++) {
		if (!has_mount(plan_find_app(p, sides[i].app), sides[i].target))
			continue;
		err_new(e, ERR_USAGE, "can't make the link %s", l->text);
		return err_because(e, "%s has something mounted at %s already", sides[i].app, sides[i].target);
	}
	for (size_t i = 0; i < n; i++) {
		const struct plan_mount m = {
			.kind = l->kind == LINK_FILES ? MOUNT_VOLUME : MOUNT_LINK,
			.source = l->kind == LINK_FILES ? l->volume : link_file(a, l),
			.target = sides[i].target,
			.read_only = sides[i].read_only,
			.create_dir = l->kind == LINK_FILES,
		};

		add_mount(a, p, sides[i].app, &m);
	}
	return 0;
}

static void remove_mount(struct plan_app *app, const struct side *s)
{
	size_t n = 0;

	for (size_t i = 0; i < app->mounts.n; i++)
		if (strcmp(app->mounts.v[i].target, s->target) != 0)
			app->mounts.v[n++] = app->mounts.v[i];
	app->mounts.n = n;
}

/* ---- its way ---- */

static bool loopback_is_free(const struct plan *p, const struct link *l)
{
	size_t circle = plan_circle(p, plan_find_app(p, l->from));

	for (size_t i = 0; i < p->links.n; i++) {
		const struct link *other = &p->links.v[i];

		if (link_is_open(other) && other->loopback && other->kind == l->kind && other->port == l->port &&
		    plan_circle(p, plan_find_app(p, other->from)) == circle)
			return false;
	}
	return true;
}

static enum link_way way_of(const struct plan *p, const struct link *l)
{
	bool apart = is_apart(p, l);

	switch (l->kind) {
	case LINK_TCP:
	case LINK_UDP:
		return apart || l->port != l->to_port ? LINK_WAY_RELAY : LINK_WAY_SHARED;
	case LINK_UNIX:
		return apart || *l->path != '@' || strcmp(l->path, l->to_path) ? LINK_WAY_RELAY : LINK_WAY_SHARED;
	case LINK_FILES:
		return LINK_WAY_VOLUME;
	case LINK_IPC:
		return apart ? LINK_WAY_NAMESPACE : LINK_WAY_SHARED;
	case LINK_SIGNAL:
		return LINK_WAY_SIGNALS;
	default:
		return LINK_WAY_PIPE;
	}
}

static size_t take_place(struct arena *a, struct plan *p)
{
	for (size_t i = 0; i < p->links.n; i++)
		if (!link_is_open(&p->links.v[i]))
			return i;
	(void)list_add(a, &p->links);
	return p->links.n - 1;
}

int plan_add_link(struct arena *a, struct plan *p, const struct link *asked, size_t *ret_place, struct err *e)
{
	struct link l = *asked;
	int there = plan_find_link(p, l.text), r;

	if (there >= 0) {
		*ret_place = (size_t)there;
		return 0;
	}
	if (!plan_find_app(p, l.from))
		return no_app(&l, l.from, e);
	if (!plan_find_app(p, l.to))
		return no_app(&l, l.to, e);
	if (p->links.n >= LINKS_MAX) {
		err_new(e, ERR_FAILED, "can't make the link %s", l.text);
		return err_because(e, "the pod has %d links and can't have more", LINKS_MAX);
	}
	l.way = way_of(p, &l);
	l.loopback = (l.kind == LINK_TCP || l.kind == LINK_UDP) && l.way == LINK_WAY_RELAY && loopback_is_free(p, &l);
	r = add_mounts(a, p, &l, e);
	if (r < 0)
		return r;
	*ret_place = take_place(a, p);
	p->links.v[*ret_place] = l;
	return 0;
}

/* The folder of a unix link may be another's, too: it stays. */
void plan_remove_link(struct arena *a, struct plan *p, size_t place)
{
	struct link *l = &p->links.v[place];
	struct side sides[2];
	size_t n = l->way == LINK_WAY_FOLDER || l->origin ? 0 : sides_of(a, l, sides);

	for (size_t i = 0; i < n; i++)
		remove_mount(plan_find_app(p, sides[i].app), &sides[i]);
	l->text = arena_strdup(a, "");
}
