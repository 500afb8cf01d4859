/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places that every pod mounts on. An image need not have them, and a read-only root can't get
 * them later, so the view has them, marked, and what reads images back (extract, export) leaves them out.
 * Where the image has something else in such a place, it stays: whoever mounts there will say so.
 */
#include "image/tree_parts.h"

#include <sys/stat.h>

#include "base/cleanup.h"

static const struct {
	const char *path;
	uint32_t mode;
} places[] = {
	{"/proc", S_IFDIR | 0755},           {"/sys", S_IFDIR | 0755},       {"/dev", S_IFDIR | 0755},
	{"/etc", S_IFDIR | 0755},            {"/etc/hosts", S_IFREG | 0644}, {"/etc/hostname", S_IFREG | 0644},
	{"/etc/resolv.conf", S_IFREG | 0644},
};

enum { GIVE_UP = 1 }; /* the image has something else there */

static int make_node(struct tree *t, uint32_t dir, const struct tree_part *part, uint32_t mode, uint32_t *ret,
		     struct err *e)
{
	int r = tree_imply_dir(t, dir, part, ret, e);

	if (r)
		return r;
	t->node[*ret].mode = mode;
	t->node[*ret].synthetic = true;
	return 0;
}

static int walk(struct tree *t, uint32_t *dir, const char *path, unsigned hops, struct err *e);

/* One step down to a directory: the image's, the one that a symlink of it means, or a new one. */
static int step(struct tree *t, uint32_t *dir, const struct tree_part *part, unsigned hops, struct err *e)
{
	if (tree_part_is(part, "..")) {
		*dir = t->node[*dir].up;
		return 0;
	}
	if (part->len > TREE_NAME_MAX)
		return GIVE_UP;
	uint32_t name = tree_look(t, *dir, part);

	if (!name)
		return make_node(t, *dir, part, S_IFDIR | 0755, dir, e);
	const struct tree_node *n = &t->node[t->name[name].node];

	if (S_ISLNK(n->mode))
		return hops < TREE_LINKS_MAX ? walk(t, dir, n->link, hops + 1, e) : GIVE_UP;
	if (!S_ISDIR(n->mode))
		return GIVE_UP;
	*dir = t->name[name].node;
	return 0;
}

static int walk(struct tree *t, uint32_t *dir, const char *path, unsigned hops, struct err *e)
{
	struct tree_part part;
	int r = 0;

	if (*path == '/')
		*dir = TREE_ROOT;
	while (!r && tree_next_part(&path, &part))
		r = step(t, dir, &part, hops, e);
	return r;
}

static int make_place(struct tree *t, uint32_t dir, const char *path, uint32_t mode, unsigned hops, struct err *e)
{
	struct tree_part part, next;
	int r = 0;

	if (*path == '/')
		dir = TREE_ROOT;
	if (!tree_next_part(&path, &part))
		return 0;
	while (tree_next_part(&path, &next)) {
		r = step(t, &dir, &part, hops, e);
		if (r)
			return r;
		part = next;
	}
	if (tree_part_is(&part, "..") || part.len > TREE_NAME_MAX)
		return GIVE_UP;
	uint32_t name = tree_look(t, dir, &part), node;

	if (!name)
		return make_node(t, dir, &part, mode, &node, e);
	const struct tree_node *n = &t->node[t->name[name].node];

	if (!S_ISLNK(n->mode) || hops >= TREE_LINKS_MAX)
		return GIVE_UP;
	return make_place(t, dir, n->link, mode, hops + 1, e);
}

int tree_add_mount_points(struct tree *t, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int r = make_place(t, TREE_ROOT, places[i].path, places[i].mode, 0, e);

		if (r < 0)
			return r;
	}
	return 0;
}
