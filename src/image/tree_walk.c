/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking inside the tree, as the kernel would inside a chroot: ".." stops at the root, a symlink is
 * followed from the directory that it stands in, and the number of links is bounded.
 */
#include "image/tree_parts.h"

#include <string.h>
#include <sys/stat.h>

bool tree_next_part(const char **at, struct tree_part *ret)
{
	const char *p = *at;

	for (;;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");

		if (!n) {
			*at = p;
			return false;
		}
		if (n == 1 && *p == '.') {
			p++;
			continue;
		}
		*ret = (struct tree_part){p, n};
		*at = p + n;
		return true;
	}
}

bool tree_part_is(const struct tree_part *p, const char *text)
{
	return p->len == strlen(text) && !memcmp(p->text, text, p->len);
}

static int check_part(const struct tree_part *p, struct err *e)
{
	if (p->len <= TREE_NAME_MAX)
		return 0;
	return tree_bad(e, "a file has a name of more than %d bytes", TREE_NAME_MAX);
}

/* Follows a symlink's target from *dir; ends in a directory. */
static int follow(struct tree *t, uint32_t *dir, const char *target, unsigned *hops, struct err *e)
{
	struct tree_part part;
	int r = 0;

	if (++*hops > TREE_LINKS_MAX)
		return tree_bad(e, "a path leads over more than %d symlinks", TREE_LINKS_MAX);
	if (*target == '/')
		*dir = TREE_ROOT;
	while (!r && tree_next_part(&target, &part)) {
		if (tree_part_is(&part, ".."))
			*dir = t->node[*dir].up;
		else
			r = tree_enter(t, dir, &part, hops, e);
	}
	return r;
}

/* Something that is no directory stands in the way of a path. */
static int replace_by_dir(struct tree *t, uint32_t *dir, const struct tree_part *part, uint32_t name, struct err *e)
{
	if (t->rules == TREE_OCI && t->name[name].layer == tree_layer(t))
		return tree_bad(e, "%.*s is no directory, but a file stands below it", (int)part->len, part->text);
	return tree_imply_dir(t, *dir, part, dir, e);
}

int tree_enter(struct tree *t, uint32_t *dir, const struct tree_part *part, unsigned *hops, struct err *e)
{
	int r = check_part(part, e);

	if (r)
		return r;
	uint32_t name = tree_look(t, *dir, part);

	if (!name)
		return tree_imply_dir(t, *dir, part, dir, e);
	const struct tree_node *n = &t->node[t->name[name].node];

	if (S_ISDIR(n->mode)) {
		*dir = t->name[name].node;
		return 0;
	}
	if (S_ISLNK(n->mode) && t->rules == TREE_OCI)
		return follow(t, dir, n->link, hops, e);
	return replace_by_dir(t, dir, part, name, e);
}

static int check_given_part(const struct tree *t, const char *path, const struct tree_part *part, bool last,
			    struct err *e)
{
	if (tree_part_is(part, ".."))
		return tree_bad(e, "%s has a \"..\" in it", path);
	if (t->rules == TREE_OCI && !last && part->len >= 4 && !memcmp(part->text, ".wh.", 4))
		return tree_bad(e, "%s stands below a whiteout", path);
	return check_part(part, e);
}

int tree_walk_to_parent(struct tree *t, const char *path, uint32_t *ret_dir, struct tree_part *ret_last, struct err *e)
{
	uint32_t dir = TREE_ROOT;
	unsigned hops = 0;
	struct tree_part part = {"", 0}, next;
	const char *at = path;
	bool more = tree_next_part(&at, &part);

	while (more) {
		more = tree_next_part(&at, &next);
		int r = check_given_part(t, path, &part, !more, e);

		if (!r && more)
			r = tree_enter(t, &dir, &part, &hops, e);
		if (r)
			return r;
		if (more)
			part = next;
	}
	*ret_dir = dir;
	*ret_last = part;
	return 0;
}

static uint32_t find_from(const struct tree *t, uint32_t dir, const char *path, bool follow_last, unsigned *hops)
{
	struct tree_part part, next;
	uint32_t at_node = *path == '/' ? TREE_ROOT : dir;
	bool more = tree_next_part(&path, &part);

	while (more) {
		more = tree_next_part(&path, &next);
		if (!S_ISDIR(t->node[at_node].mode) || part.len > TREE_NAME_MAX)
			return 0;
		dir = at_node;
		uint32_t name = tree_part_is(&part, "..") ? 0 : tree_look(t, dir, &part);

		at_node = name ? t->name[name].node : tree_part_is(&part, "..") ? t->node[dir].up : 0;
		if (at_node && S_ISLNK(t->node[at_node].mode) && (more || follow_last))
			at_node = ++*hops > TREE_LINKS_MAX ? 0 : find_from(t, dir, t->node[at_node].link, true, hops);
		if (!at_node)
			return 0;
		part = next;
	}
	return at_node;
}

uint32_t tree_find(const struct tree *t, const char *path, bool follow_last)
{
	unsigned hops = 0;

	return find_from(t, TREE_ROOT, path, follow_last, &hops);
}
