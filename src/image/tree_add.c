/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of an archive applied to the tree. */
#include "image/tree_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"

static const uint32_t file_types[] = {
	[TAR_FILE] = S_IFREG, [TAR_HARD_LINK] = 0,      [TAR_SYMLINK] = S_IFLNK, [TAR_CHAR] = S_IFCHR,
	[TAR_BLOCKDEV] = S_IFBLK, [TAR_DIR] = S_IFDIR, [TAR_FIFO] = S_IFIFO,
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void tree_sort_whitelist(char **whitelist)
{
	size_t n = strv_len(whitelist);

	if (n)
		qsort(whitelist, n, sizeof(*whitelist), compare_paths);
}

int tree_begin_layer(struct tree *t, enum tree_rules rules, char *const *whitelist, struct err *e)
{
	if (t->n_layers >= TREE_LAYERS_MAX)
		return tree_bad(e, "it has more than %d layers", TREE_LAYERS_MAX);
	t->rules = rules;
	t->whitelist = whitelist;
	t->n_layers++;
	return 0;
}

static void describe(struct tree_node *n, const struct tar_entry *entry)
{
	n->mode = file_types[entry->type] | entry->mode;
	n->uid = entry->uid;
	n->gid = entry->gid;
	n->mtime = entry->mtime;
	n->mtime_ns = entry->mtime_ns;
	n->xattrs = entry->xattrs;
	n->implied = false;
	if (entry->type == TAR_FILE) {
		n->size = entry->size;
		n->stored = entry->stored;
		n->offset = entry->offset;
		n->sparse = entry->sparse;
	}
	if (entry->type == TAR_CHAR || entry->type == TAR_BLOCKDEV) {
		n->major = entry->major;
		n->minor = entry->minor;
	}
	if (entry->type == TAR_SYMLINK) {
		n->link = entry->link;
		n->size = strlen(entry->link);
	}
}

/*
 * Removes what lower layers put into a directory. A subdirectory of a lower layer that got something
 * from this one stays, as a directory that nobody described.
 */
static void prune_lower(struct tree *t, uint32_t dir)
{
	for (uint32_t c = t->node[dir].first; c; c = t->name[c].next) {
		struct tree_name *name = &t->name[c];
		struct tree_node *n = &t->node[name->node];
		bool lower = name->layer < tree_layer(t);
		bool kept = S_ISDIR(n->mode) && n->touched == t->n_layers;

		if (name->dead)
			continue;
		if (lower && !kept) {
			name->dead = true;
			continue;
		}
		if (lower)
			tree_reset_dir(n);
		if (S_ISDIR(n->mode))
			prune_lower(t, name->node);
	}
}

/* ".wh.NAME": what lower layers have under that name goes; what this layer has stays. */
static void hide_name(struct tree *t, uint32_t dir, const struct tree_part *part)
{
	uint32_t name = tree_look(t, dir, part);

	if (!name)
		return;
	struct tree_node *n = &t->node[t->name[name].node];
	bool lower = t->name[name].layer < tree_layer(t);
	bool kept = S_ISDIR(n->mode) && n->touched == t->n_layers;

	if (lower && !kept) {
		t->name[name].dead = true;
		return;
	}
	if (lower)
		tree_reset_dir(n);
	if (S_ISDIR(n->mode))
		prune_lower(t, t->name[name].node);
}

static int add_whiteout(struct tree *t, uint32_t dir, const struct tree_part *part, struct err *e)
{
	struct tree_part hidden = {part->text + 4, part->len - 4};

	if (tree_part_is(&hidden, ".wh..opq")) {
		prune_lower(t, dir);
		return 0;
	}
	if (hidden.len >= 4 && !memcmp(hidden.text, ".wh.", 4))
		return 0; /* bookkeeping of aufs */
	if (!hidden.len || tree_part_is(&hidden, ".") || tree_part_is(&hidden, ".."))
		return tree_bad(e, "the whiteout %.*s names no file", (int)part->len, part->text);
	hide_name(t, dir, &hidden);
	return 0;
}

static int add_hard_link(struct tree *t, const struct tar_entry *entry, uint32_t dir, const struct tree_part *part,
			 const char *target, struct err *e)
{
	uint32_t node = tree_find(t, target, false);

	if (!node)
		return tree_bad(e, "%s is a hard link to %s, which does not exist", entry->path, entry->link);
	if (S_ISDIR(t->node[node].mode))
		return tree_bad(e, "%s is a hard link to %s, which is a directory", entry->path, entry->link);
	uint32_t old = tree_look(t, dir, part);

	if (old && t->name[old].node == node && t->name[old].layer == tree_layer(t))
		return tree_bad(e, "%s is a hard link to itself", entry->path);
	tree_put(t, dir, part, node);
	return 0;
}

/* A directory over a directory keeps what is in it and changes what it is. */
static int add_dir(struct tree *t, const struct tar_entry *entry, uint32_t dir, const struct tree_part *part,
		   struct err *e)
{
	uint32_t name = tree_look(t, dir, part), node;

	if (name && S_ISDIR(t->node[t->name[name].node].mode)) {
		node = t->name[name].node;
		tree_put(t, dir, part, node);
	} else {
		int r = tree_imply_dir(t, dir, part, &node, e);

		if (r)
			return r;
	}
	t->node[node].layer = tree_layer(t);
	describe(&t->node[node], entry);
	return 0;
}

static int add_root(struct tree *t, const struct tar_entry *entry, struct err *e)
{
	if (entry->type != TAR_DIR)
		return tree_bad(e, "its root is no directory");
	describe(&t->node[TREE_ROOT], entry);
	return 0;
}

static int check_twice(const struct tree *t, const struct tar_entry *entry, uint32_t dir, const struct tree_part *part,
		       struct err *e)
{
	uint32_t name = t->rules == TREE_ACI ? tree_look(t, dir, part) : 0;

	if (!name || t->name[name].layer != tree_layer(t) || t->node[t->name[name].node].implied)
		return 0;
	return tree_bad(e, "%s is there twice", entry->path);
}

static int add_at(struct tree *t, const struct tar_entry *entry, const char *path, const char *target, struct err *e)
{
	struct tree_part part;
	uint32_t dir;
	int r = tree_walk_to_parent(t, path, &dir, &part, e);

	if (r)
		return r;
	if (!part.len)
		return add_root(t, entry, e);
	if (t->rules == TREE_OCI && part.len >= 4 && !memcmp(part.text, ".wh.", 4))
		return add_whiteout(t, dir, &part, e);
	r = check_twice(t, entry, dir, &part, e);
	if (r)
		return r;
	if (entry->type == TAR_HARD_LINK)
		return add_hard_link(t, entry, dir, &part, target, e);
	if (entry->type == TAR_DIR)
		return add_dir(t, entry, dir, &part, e);
	uint32_t node = tree_new_node(t, 0);

	describe(&t->node[node], entry);
	tree_put(t, dir, &part, node);
	return 0;
}

/* Behind "rootfs/" of an ACI; NULL when the path stands elsewhere. */
static const char *below_rootfs(const char *path)
{
	struct tree_part part;

	if (!tree_next_part(&path, &part) || !tree_part_is(&part, "rootfs"))
		return NULL;
	return *path ? path : "/";
}

static bool is_aci_manifest(const char *path)
{
	struct tree_part part, more;

	return tree_next_part(&path, &part) && tree_part_is(&part, "manifest") && !tree_next_part(&path, &more);
}

static bool is_aci_top(const char *path)
{
	struct tree_part part;

	return !tree_next_part(&path, &part);
}

/* The first of the sorted whitelist that does not come before text; NULL when all do. */
static const char *first_listed_from(const struct tree *t, const char *text)
{
	size_t low = 0, high = strv_len(t->whitelist);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->whitelist[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return t->whitelist[low];
}

/*
 * Whitelists hold absolute paths, a directory's with or without a slash at its end. A directory on the way to
 * a listed path is kept too: as it is, and not as one that nobody described.
 */
static bool is_listed(const struct tree *t, const char *path, bool is_dir)
{
	autostr key = {};
	struct tree_part part;

	while (tree_next_part(&path, &part)) {
		str_add_char(&key, '/');
		str_add_bytes(&key, part.text, part.len);
	}
	if (str_equal(first_listed_from(t, str_text(&key)), str_text(&key)))
		return true;
	str_add_char(&key, '/');
	const char *next = first_listed_from(t, str_text(&key));

	return is_dir && next && str_has_prefix(next, str_text(&key));
}

static int add_aci(struct tree *t, const struct tar_entry *entry, struct err *e)
{
	const char *path = below_rootfs(entry->path);
	const char *target = entry->link;

	if (!path) {
		if (is_aci_manifest(entry->path) || (is_aci_top(entry->path) && entry->type == TAR_DIR))
			return 0;
		return tree_bad(e, "%s stands beside manifest and rootfs: an ACI has nothing else", entry->path);
	}
	if (entry->type == TAR_HARD_LINK && !(target = below_rootfs(entry->link)))
		return tree_bad(e, "%s is a hard link out of rootfs", entry->path);
	if (t->whitelist && strcmp(path, "/") && !is_listed(t, path, entry->type == TAR_DIR))
		return 0;
	return add_at(t, entry, path, target, e);
}

int tree_add(struct tree *t, const struct tar_entry *entry, struct err *e)
{
	if (entry->type == TAR_CHAR && !entry->major && !entry->minor)
		return tree_bad(e, "%s is the device 0:0, which overlayfs reads as a deleted file", entry->path);
	if (t->rules == TREE_ACI)
		return add_aci(t, entry, e);
	return add_at(t, entry, entry->path, entry->link, e);
}
