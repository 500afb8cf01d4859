/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, names and the table that finds them; the order of the finished tree. */
#include "image/tree_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum { FIRST_NODES = 1024, FIRST_SLOTS = 4096 };

const char *const tree_rules_names[] = {[TREE_OCI] = "oci", [TREE_ACI] = "aci", NULL};

int tree_bad(struct err *e, const char *fmt, ...)
{
	char because[sizeof(e->because)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(because, sizeof(because), fmt, ap);
	va_end(ap);
	err_new(e, ERR_FAILED, "the image's files don't fit together");
	return err_because(e, "%s", because);
}

static void *grow(void *items, uint32_t *cap, size_t size)
{
	*cap = *cap ? *cap * 2 : FIRST_NODES;
	items = realloc(items, *cap * size);
	if (!items)
		abort();
	return items;
}

uint32_t tree_new_node(struct tree *t, uint32_t mode)
{
	if (t->n_nodes == t->cap_nodes)
		t->node = grow(t->node, &t->cap_nodes, sizeof(*t->node));
	t->node[t->n_nodes] = (struct tree_node){.mode = mode, .layer = tree_layer(t)};
	return t->n_nodes++;
}

void tree_reset_dir(struct tree_node *n)
{
	n->mode = S_IFDIR | 0755;
	n->uid = n->gid = 0;
	n->mtime = 0;
	n->mtime_ns = 0;
	n->xattrs = NULL;
	n->implied = true;
}

struct tree *tree_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->n_slots = FIRST_SLOTS;
	t->slot = calloc(t->n_slots, sizeof(*t->slot));
	if (!t->slot)
		abort();
	t->n_layers = 1;
	t->node = grow(t->node, &t->cap_nodes, sizeof(*t->node));
	t->name = grow(t->name, &t->cap_names, sizeof(*t->name));
	t->n_nodes = t->n_names = 1;
	uint32_t root = tree_new_node(t, S_IFDIR | 0755);

	t->node[root].up = root;
	t->node[root].implied = true;
	t->n_layers = 0;
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->node);
	free(t->name);
	free(t->slot);
	free(t->order);
	free(t->kids);
	free(t);
}

static uint32_t hash_of(uint32_t dir, const char *text, size_t n)
{
	uint32_t h = dir * 2654435761U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619U;
	return h ^ h >> 15;
}

/* Open addressing: the slot that holds the name, or the empty one where it belongs. */
static uint32_t *slot_of(const struct tree *t, uint32_t dir, const char *text, size_t n)
{
	uint32_t mask = t->n_slots - 1;

	for (uint32_t i = hash_of(dir, text, n) & mask;; i = (i + 1) & mask) {
		const struct tree_name *name = &t->name[t->slot[i]];

		if (!t->slot[i] || (name->parent == dir && name->len == n && !memcmp(name->text, text, n)))
			return &t->slot[i];
	}
}

static void grow_slots(struct tree *t)
{
	if (t->n_names * 2 < t->n_slots)
		return;
	free(t->slot);
	t->n_slots *= 4;
	t->slot = calloc(t->n_slots, sizeof(*t->slot));
	if (!t->slot)
		abort();
	for (uint32_t i = 1; i < t->n_names; i++)
		*slot_of(t, t->name[i].parent, t->name[i].text, t->name[i].len) = i;
}

uint32_t tree_look(const struct tree *t, uint32_t dir, const struct tree_part *part)
{
	uint32_t n = *slot_of(t, dir, part->text, part->len);

	return n && !t->name[n].dead ? n : 0;
}

static uint32_t new_name(struct tree *t, uint32_t dir, const struct tree_part *part)
{
	if (t->n_names == t->cap_names)
		t->name = grow(t->name, &t->cap_names, sizeof(*t->name));
	grow_slots(t);
	uint32_t n = t->n_names++;

	t->name[n] = (struct tree_name){
		.text = part->text, .len = (uint16_t)part->len, .parent = dir, .next = t->node[dir].first};
	t->node[dir].first = n;
	*slot_of(t, dir, part->text, part->len) = n;
	return n;
}

/* Every directory above knows that this layer put something below it: prune_lower() needs that. */
static void touch(struct tree *t, uint32_t dir)
{
	uint16_t mark = (uint16_t)t->n_layers;

	while (t->node[dir].touched != mark) {
		t->node[dir].touched = mark;
		dir = t->node[dir].up;
	}
}

uint32_t tree_put(struct tree *t, uint32_t dir, const struct tree_part *part, uint32_t node)
{
	uint32_t n = *slot_of(t, dir, part->text, part->len);

	if (!n)
		n = new_name(t, dir, part);
	t->name[n].node = node;
	t->name[n].layer = tree_layer(t);
	t->name[n].dead = false;
	touch(t, dir);
	return n;
}

int tree_check_depth(const struct tree *t, uint32_t dir, struct err *e)
{
	if (t->node[dir].depth < TREE_DEPTH_MAX)
		return 0;
	return tree_bad(e, "it has more than %d directories in each other", TREE_DEPTH_MAX);
}

int tree_imply_dir(struct tree *t, uint32_t dir, const struct tree_part *part, uint32_t *ret, struct err *e)
{
	int r = tree_check_depth(t, dir, e);

	if (r)
		return r;
	uint32_t node = tree_new_node(t, 0);

	tree_reset_dir(&t->node[node]);
	t->node[node].up = dir;
	t->node[node].depth = (uint16_t)(t->node[dir].depth + 1);
	tree_put(t, dir, part, node);
	*ret = node;
	return 0;
}

static int compare_names(const void *a, const void *b, void *ctx)
{
	const struct tree *t = ctx;
	const struct tree_name *x = &t->name[*(const uint32_t *)a], *y = &t->name[*(const uint32_t *)b];
	int r = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return r ? r : (int)x->len - (int)y->len;
}

/* Lists a directory's living names, sorted, into the storage at `kids`. */
static uint32_t list_kids(struct tree *t, uint32_t dir, uint32_t *kids)
{
	uint32_t n = 0;

	for (uint32_t c = t->node[dir].first; c; c = t->name[c].next)
		if (!t->name[c].dead)
			kids[n++] = c;
	qsort_r(kids, n, sizeof(*kids), compare_names, t);
	t->node[dir].kids = kids;
	t->node[dir].n_kids = n;
	return n;
}

static void visit(struct tree *t, uint32_t node)
{
	struct tree_node *n = &t->node[node];

	if (S_ISDIR(n->mode))
		t->node[n->up].nlink++;
	else if (n->nlink++)
		return; /* another name of a file that stands in the order already */
	t->order[t->n_order++] = node;
	t->max_id = n->uid > t->max_id ? n->uid : t->max_id;
	t->max_id = n->gid > t->max_id ? n->gid : t->max_id;
}

void tree_finish(struct tree *t)
{
	t->order = calloc(t->n_nodes, sizeof(*t->order));
	t->kids = calloc(t->n_names, sizeof(*t->kids));
	if (!t->order || !t->kids)
		abort();
	for (uint32_t i = 1; i < t->n_nodes; i++)
		t->node[i].nlink = S_ISDIR(t->node[i].mode) ? 2 : 0;
	t->node[TREE_ROOT].nlink = 1; /* visit() adds the one of its own ".." */
	uint32_t *kids = t->kids;

	visit(t, TREE_ROOT);
	for (uint32_t i = 0; i < t->n_order; i++) {
		uint32_t dir = t->order[i];

		if (!S_ISDIR(t->node[dir].mode))
			continue;
		uint32_t n = list_kids(t, dir, kids);

		for (uint32_t k = 0; k < n; k++)
			visit(t, t->name[kids[k]].node);
		kids += n;
	}
}
